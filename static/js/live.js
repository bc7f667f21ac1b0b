// Live boxes: a box beside a form asks its address anew as the form changes, and its buttons fill the form.

const PAUSE = 300; // ms after the last change

function question(box, form) {
  const url = new URL(box.dataset.live, location.href);
  for (const [name, selector] of Object.entries(JSON.parse(box.dataset.sends))) {
    for (const field of form.querySelectorAll(selector)) {
      const values = field.multiple ? [...field.selectedOptions].map((option) => option.value) : [field.value];
      for (const value of values.length ? values : [""]) url.searchParams.append(name, value);
    }
  }
  return url;
}

// Only what is new is put in: what was opened, and where the focus is, stays.
function place(box, html) {
  const answer = new DOMParser().parseFromString(html, "text/html");
  for (const part of box.querySelectorAll("[data-part]")) {
    const fresh = answer.querySelector(`[data-part="${part.dataset.part}"]`)?.innerHTML.trim() ?? "";
    if (part.dataset.shown === fresh) continue;
    part.dataset.shown = fresh;
    part.innerHTML = fresh;
  }
}

function fails(box, text) {
  const note = box.querySelector('[data-part="notes"]');
  note.dataset.shown = note.textContent = text;
}

function markChosen(box, form) {
  for (const button of box.querySelectorAll("button")) {
    const chosen = fills(button).every(([name, value]) => form.elements[name]?.value === value);
    button.setAttribute("aria-pressed", String(chosen));
  }
}

function fills(button) {
  const marks = [...button.attributes].filter((it) => it.name.startsWith("data-fill-"));
  return marks.map((it) => [it.name.slice("data-fill-".length), it.value]);
}

function fill(button, form) {
  for (const [name, value] of fills(button)) {
    const field = form.elements[name];
    field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

function follow(box, form, say) {
  let latest = null;
  let waiting = 0;
  let asked = "";
  const ask = async () => {
    const url = question(box, form);
    if (url.href === asked) return;
    asked = url.href;
    latest?.abort();
    latest = new AbortController();
    box.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(url, { signal: latest.signal, headers: { Accept: "text/html" } });
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      place(box, await answer.text());
      markChosen(box, form);
    } catch (error) {
      if (error.name === "AbortError") return; // a later question overtook this one
      asked = "";
      fails(box, "These cannot be shown at the moment.");
    }
    box.removeAttribute("aria-busy");
  };
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(ask, PAUSE);
    markChosen(box, form);
  };
  form.addEventListener("change", soon);
  form.addEventListener("input", soon);
  box.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button || !fills(button).length) return;
    fill(button, form);
    say(`Chosen: ${button.textContent.replace(/\s+/g, " ").trim()}`);
  });
  ask();
}

export function start(page, say) {
  for (const box of page.querySelectorAll("[data-live]")) {
    const form = box.closest("form");
    if (form) follow(box, form, say);
  }
}
