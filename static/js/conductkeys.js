// A checklist by keyboard alone. Keys of one letter work only in a criterion (or where nothing has the focus), never
// in a field that is typed in, and can be switched off.

const SETTING = "greenroom-conduct-keys";
const TYPED = "textarea, select, input:not([type=radio], [type=checkbox]), [contenteditable]";
const PASSED = { y: ["yes", "Passed"], n: ["no", "Not passed"], u: ["", "Not yet judged"] };

function isOn() {
  try {
    return localStorage.getItem(SETTING) !== "off";
  } catch {
    return true;
  }
}

function choose(line, name, value) {
  const radio = [...line.querySelectorAll(`[data-choice=${name}] input`)].find((it) => it.value === value);
  if (!radio) return;
  radio.checked = true;
  radio.dispatchEvent(new Event("change", { bubbles: true }));
}

export function useKeys(form, say) {
  const lines = () => [...form.querySelectorAll("[data-item]")];
  const help = document.getElementById("keys");
  const switched = help.querySelector("[data-keys-on]");
  switched.checked = isOn();
  switched.addEventListener("change", () => {
    try {
      localStorage.setItem(SETTING, switched.checked ? "on" : "off");
    } catch {
      // It holds for this page then.
    }
  });

  function visit(line) {
    if (!line) return;
    for (const other of lines()) other.tabIndex = other === line ? 0 : -1;
    line.focus();
  }

  function step(line, by) {
    const all = lines();
    visit(line ? all[all.indexOf(line) + by] : all[0]);
  }

  // Whether the key meant something here.
  function press(key, line, own) {
    if (key === "?") help.showModal();
    else if (key === "j" || (own && key === "ArrowDown")) step(line, 1);
    else if (key === "k" || (own && key === "ArrowUp")) step(line, -1);
    else if (!line) return false;
    else if (PASSED[key]) {
      choose(line, "passed", PASSED[key][0]);
      say(PASSED[key][1]);
    } else if (/^[0-5]$/.test(key)) {
      choose(line, "rating", key === "0" ? "" : key);
      say(key === "0" ? "No rating" : `Rated ${key} of 5`);
    } else if (key === "Enter") line.querySelector("textarea").focus();
    else return false;
    return true;
  }

  document.addEventListener("keydown", (event) => {
    const { target } = event;
    const line = target.closest?.("[data-item]") ?? null;
    if (event.key === "Escape" && line && target.matches(TYPED)) {
      visit(line);
      event.preventDefault();
      return;
    }
    // Enter in a field of one line would press the first button of the form.
    if (event.key === "Enter" && target.form === form && target.matches("input")) {
      event.preventDefault();
      if (target.name === "new_criterion") form.querySelector("[data-add]").click();
    }
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (!switched.checked || target.matches(TYPED) || target.closest("button, summary, a")) return;
    if (!line && target !== document.body && target.id !== "main") return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (press(key, line, target === line || !line)) event.preventDefault();
  });
  form.addEventListener("focusin", (event) => {
    const line = event.target.closest("[data-item]");
    if (line) for (const other of lines()) other.tabIndex = other === line ? 0 : -1;
  });
  const [first] = lines();
  if (first) first.tabIndex = 0;
}
