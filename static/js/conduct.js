// The page on which a mock interview is conducted: timer, progress, what training may focus on, and the saving.

const own = (name) => import(`./${name}.js${new URL(import.meta.url).search}`);
const { EMPTY, Saver, holds, read, write } = await own("conductsaving");
const { useKeys } = await own("conductkeys");

const AT_ONCE = 150; // ms after a choice
const PAUSE = 1200; // ms after the last letter
const PLAIN = ["overall_rating", "strengths", "weaknesses", "recommendations", "general_notes", "decision", "training_type", "priority", "start_date", "end_date"];
const TEXTS = ["strengths", "weaknesses", "recommendations", "general_notes"];
const LISTS = { focus_areas: "area", skills_to_improve: "skill" };
const ITEM = /^item-([0-9a-f-]{36})-(passed|rating|notes)$/;
const PASSED = { yes: "passed", no: "not passed", "": "not yet judged" };

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
const inWords = (it) => `${PASSED[it.passed] ?? PASSED[""]}${it.rating ? `, rated ${it.rating} of 5` : ""}${it.notes ? `, “${it.notes}”` : ""}`;

// --- the form's values ---

class Sheet {
  constructor(form) {
    this.form = form;
  }

  value(name) {
    return this.form.elements[name]?.value ?? "";
  }

  put(name, value) {
    const field = this.form.elements[name];
    if (field instanceof RadioNodeList) for (const radio of field) radio.checked = radio.value === String(value);
    else if (field) field.value = value;
  }

  line(id) {
    return this.form.querySelector(`[data-item="${id}"]`);
  }

  item(id) {
    const [passed, rating, notes, version] = ["passed", "rating", "notes", "version"].map((name) => this.value(`item-${id}-${name}`));
    return { passed, rating, notes, version: Number(version), text: this.line(id).querySelector(".item-text").textContent };
  }

  putItem(id, judgement) {
    for (const name of ["passed", "rating", "notes"]) this.put(`item-${id}-${name}`, judgement[name] ?? "");
  }

  failed(id) {
    const { passed, rating } = this.item(id);
    return passed === "no" || rating === "1" || rating === "2";
  }

  draft() {
    const found = {};
    for (const name of PLAIN) if (this.form.elements[name]) found[name] = this.value(name);
    for (const name of Object.keys(LISTS)) if (this.rows(name)) found[name] = [...this.ticked(name), ...this.typed(name)];
    return found;
  }

  rows(name) {
    return this.form.querySelector(`[data-rows="${name}"]`);
  }

  typed(name) {
    return [...this.rows(name).querySelectorAll(".rows-lines input")].map((it) => it.value.trim()).filter(Boolean);
  }

  ticked(name) {
    return name === "focus_areas" ? [...this.form.querySelectorAll("[name=focus]:checked")].map((it) => it.value) : [];
  }

  putDraft(values) {
    for (const name of PLAIN) if (name in values) this.put(name, values[name]);
    for (const name of Object.keys(LISTS)) if (name in values && this.rows(name)) this.putList(name, values[name]);
    for (const radio of this.form.querySelectorAll("[name=decision]")) radio.dispatchEvent(new Event("change"));
  }

  putList(name, values) {
    let rest = values;
    if (name === "focus_areas") {
      const boxes = [...this.form.querySelectorAll("[name=focus]")];
      for (const box of boxes) box.checked = values.includes(box.value);
      rest = values.filter((value) => !boxes.some((box) => box.value === value));
    }
    const inputs = () => [...this.rows(name).querySelectorAll(".rows-lines input")];
    while (inputs().length < rest.length) this.rows(name).querySelector("[data-rows-add]").click();
    inputs().forEach((input, number) => (input.value = rest[number] ?? ""));
  }
}

// --- what came back from an earlier visit ---

function restore(sheet, saver) {
  const kept = read(sheet.form.dataset);
  if (!holds(kept)) return "";
  const told = [];
  let count = 0;
  for (const [id, judgement] of Object.entries(kept.items)) {
    if (!sheet.line(id)) told.push(`“${judgement.text}” is no longer on the checklist (${inWords(judgement)}).`);
    else if (!same({ ...sheet.item(id), version: 0 }, { ...judgement, version: 0 })) {
      sheet.putItem(id, judgement);
      saver.kept.items[id] = judgement;
      count += 1;
    }
  }
  const drafted = restoreDraft(sheet, saver, kept);
  saver.keep();
  const what = [count ? `${count} ${count === 1 ? "criterion" : "criteria"}` : "", drafted ? "the assessment" : ""].filter(Boolean).join(" and ");
  if (what) told.unshift(`What was not saved when this page was closed is back: ${what}.`);
  return told.join(" ");
}

// Only what was changed here. A text that was changed elsewhere too keeps both.
function restoreDraft(sheet, saver, kept) {
  const now = sheet.draft();
  const changed = Object.fromEntries(Object.entries(kept.draft).filter(([name, value]) => name in now && !same(value, now[name])));
  for (const name of TEXTS) {
    const elsewhere = name in changed && now[name] && now[name] !== (kept.base?.[name] ?? "");
    if (elsewhere && !changed[name].includes(now[name])) changed[name] = `${now[name]}\n\n${changed[name]}`;
  }
  sheet.putDraft(changed);
  document.activeElement?.blur(); // rows that were added took the focus
  saver.kept.draft = changed;
  saver.kept.base = now;
  return Object.keys(changed).length > 0;
}

// --- what the page shows ---

function watchTime(form, say) {
  const box = form.querySelector("[data-timer]");
  const clock = box.querySelector("[data-clock]");
  const ahead = Date.now() - Date.parse(box.dataset.now); // of the portal's clock
  const since = Date.parse(box.dataset.since);
  const planned = Number(box.dataset.planned) * 60;
  let late = null;
  const tick = () => {
    const spent = Math.max(0, Math.floor((Date.now() - ahead - since) / 1000));
    const two = (number) => String(number).padStart(2, "0");
    clock.textContent = `${two(Math.floor(spent / 3600))}:${two(Math.floor(spent / 60) % 60)}:${two(spent % 60)}`;
    if (late === false && spent >= planned) say("The planned time is over.");
    late = spent >= planned;
    box.classList.toggle("is-late", late);
  };
  tick();
  setInterval(tick, 1000);
}

function survey(sheet) {
  const { form } = sheet;
  const ids = [...form.querySelectorAll("[data-item]")].map((line) => line.dataset.item);
  const judged = ids.filter((id) => sheet.value(`item-${id}-passed`) || sheet.value(`item-${id}-rating`)).length;
  const bar = form.querySelector("[data-progress]");
  bar.max = Math.max(1, ids.length);
  bar.value = judged;
  form.querySelector("[data-progress-text]").textContent = `${judged} of ${ids.length} judged`;
  let offered = 0;
  for (const id of ids) {
    const box = form.querySelector(`[data-focus="${id}"]`);
    if (!box) continue;
    box.hidden = !sheet.failed(id) && !box.querySelector("input").checked;
    offered += box.hidden ? 0 : 1;
  }
  const help = form.querySelector("[data-focus-help]");
  if (help) help.textContent = offered ? "Not passed, or rated 1 or 2. Tick what the training should focus on." : "No criterion is marked as not passed, or rated 1 or 2, so far.";
  foretell(form, ids.length - judged);
}

function foretell(form, open) {
  const decision = form.elements.decision.value;
  const button = form.querySelector("[data-complete]");
  let text = "";
  for (const line of form.querySelectorAll("[data-follows]")) {
    line.hidden = decision !== "" && line.dataset.follows !== decision;
    if (line.dataset.follows === decision) text = line.textContent.trim();
  }
  const unjudged = open ? ` ${open} ${open === 1 ? "criterion is" : "criteria are"} not judged yet.` : "";
  if (text) button.dataset.confirm = `${text}${unjudged}`;
  else delete button.dataset.confirm;
}

function remark(line, text, ...buttons) {
  line.querySelector(".item-remark")?.remove();
  if (!text) return null;
  const actions = buttons.length ? [make("div", { class: "actions" }, ...buttons)] : [];
  const box = make("div", { class: "note tone-yellow item-remark", role: "alert" }, make("div", { class: "note-text", dir: "auto" }, text, ...actions));
  line.append(box);
  return box;
}

// Two versions of one criterion: who conducts chooses.
function ask(sheet, saver, id, answer, say) {
  const line = sheet.line(id);
  const mine = make("button", { type: "button", class: "btn btn-quiet btn-sm" }, "Keep mine");
  const theirs = make("button", { type: "button", class: "btn btn-quiet btn-sm" }, "Take the other");
  const text = `Judged by ${answer.who} at ${answer.when}, maybe in another window: ${inWords({ ...answer.theirs, rating: answer.theirs.rating ?? "" })}. Here: ${inWords(sheet.item(id))}.`;
  remark(line, text, mine, theirs);
  say(text);
  const end = () => {
    sheet.put(`item-${id}-version`, answer.version);
    remark(line, "");
    line.focus();
    survey(sheet);
  };
  mine.addEventListener("click", () => {
    end();
    saver.item(id, sheet.item(id), 0);
  });
  theirs.addEventListener("click", () => {
    sheet.putItem(id, answer.theirs);
    end();
    saver.forget(id);
  });
}

// --- a mock interview that is over: what was never saved can still be copied ---

function showLeft(box) {
  const kept = read(box.dataset);
  if (!holds(kept)) return;
  const lines = Object.values(kept.items).map((it) => make("li", { dir: "auto" }, `${it.text}: ${inWords(it)}`));
  for (const [name, value] of Object.entries(kept.draft)) {
    const text = Array.isArray(value) ? value.join("; ") : value;
    if (text) lines.push(make("li", { dir: "auto", class: "text-prewrap" }, `${name.replaceAll("_", " ")}: ${text}`));
  }
  const discard = make("button", { type: "button", class: "btn btn-quiet btn-sm" }, "Discard");
  discard.addEventListener("click", () => write(box.dataset, EMPTY()) && box.replaceChildren());
  const head = make("h2", {}, "Typed in this browser, and never saved");
  box.append(make("div", { class: "note tone-yellow" }, make("div", { class: "note-text" }, head, make("ul", {}, ...lines), discard)));
}

export function start(root, say) {
  const over = root.querySelector("[data-conduct-over]");
  if (over) showLeft(over);
  const form = root.querySelector("form[data-conduct]");
  if (form) conduct(form, say);
}

function conduct(form, say) {
  const sheet = new Sheet(form);
  const state = form.querySelector("[data-state]");
  const returned = form.querySelector("[data-returned]");
  let told = "";
  const tell = (text, late, aloud) => {
    state.textContent = text;
    state.classList.toggle("is-late", late);
    if (aloud && text !== told) say(text);
    told = late ? text : "";
  };
  const where = () => (saver.safe ? "kept in this browser" : "this browser keeps nothing: leave the page open");
  const saver = new Saver(form, {
    saved: (text, again) => tell(`Saved ${text}`, false, again),
    waits: (why) => tell(`Not saved yet, ${where()}: ${why}. It is tried again.`, true, true),
    version: (id, version) => sheet.put(`item-${id}-version`, version),
    drafted: (sent) => Object.assign(base, sent),
    conflict: (id, answer) => {
      tell(`Not saved yet, ${where()}: a criterion waits for your choice`, true);
      ask(sheet, saver, id, answer, say);
    },
    gone: (id) => {
      remark(sheet.line(id), "This was taken off the checklist in another window. What stands here is not saved.");
      sheet.line(id).classList.add("is-gone");
    },
    wrong: (id, text) => remark(sheet.line(id), `Not saved: ${text}`),
    over: (text) => tell(`Nothing more can be saved. ${text} What you typed stays here, so that you can copy it.`, true, true),
  });
  const base = sheet.draft();
  const back = restore(sheet, saver);
  if (back) {
    returned.hidden = false;
    returned.firstElementChild.textContent = saver.dirty ? `${back} It is being saved now.` : back;
    saver.plan(0);
  }

  const changed = (target, typing) => {
    const wait = typing ? PAUSE : AT_ONCE;
    const [, id] = ITEM.exec(target.name) ?? [];
    if (id) {
      if (sheet.line(id).classList.contains("is-gone")) return;
      remark(sheet.line(id), "");
      saver.item(id, sheet.item(id), wait);
    } else if (!target.name?.startsWith("new_")) {
      const now = sheet.draft();
      saver.draft(Object.fromEntries(Object.entries(now).filter(([name, value]) => !same(value, base[name]))), { ...base }, wait);
    }
    if (saver.dirty && !saver.ended) tell(`Not saved yet, ${where()}`, saver.failures > 0);
    survey(sheet);
  };
  form.addEventListener("input", (event) => changed(event.target, true));
  form.addEventListener("change", (event) => changed(event.target, false));
  form.addEventListener("click", (event) => event.target.closest("[data-rows] button") && changed(event.target, false));
  addEventListener("online", () => saver.plan(0));
  addEventListener("beforeunload", (event) => {
    if (saver.dirty && !saver.safe && !form.dataset.leaving) event.preventDefault();
  });

  // First everything is saved, so that a lost connection is told here and not by the browser; then the form is sent.
  const refuse = (text) => {
    returned.hidden = false;
    returned.firstElementChild.textContent = text;
    returned.scrollIntoView({ block: "center" });
    say(text);
  };
  form.addEventListener("submit", async (event) => {
    if (form.dataset.leaving) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const done = await saver.flush();
    const choice = form.querySelector(".item-remark button");
    if (choice && !saver.ended) {
      refuse("Please choose first which version of the marked criterion stays.");
      choice.focus();
      return;
    }
    if (!done && !saver.ended) {
      refuse(`Nothing was sent: ${state.textContent}`);
      return;
    }
    form.dataset.leaving = form.dataset.confirmed = "1";
    form.requestSubmit(event.submitter);
    delete form.dataset.confirmed;
  }, { capture: true });
  addEventListener("pageshow", (event) => event.persisted && delete form.dataset.leaving);

  survey(sheet);
  watchTime(form, say);
  useKeys(form, say);
}
