// Search, filters and columns: one GET form, with clean addresses.

const listed = new URLSearchParams(location.search).getAll("cols").length > 0;

function tidy(event, form, columns) {
  const data = event.formData;
  const filled = [...data.entries()].filter(([name, value]) => {
    if (value === "") return false;
    return name !== "cols" || listed || columns.changed;
  });
  for (const name of new Set(data.keys())) data.delete(name);
  for (const [name, value] of filled) data.append(name, value);
}

function linkDates(form) {
  for (const group of form.querySelectorAll("[data-date-filter]")) {
    group.addEventListener("change", (event) => {
      if (event.target.type === "radio") {
        for (const day of group.querySelectorAll("input[type=date]")) day.value = "";
      } else if (event.target.value) {
        const any = group.querySelector("input[type=radio][value='']");
        if (any) any.checked = true;
      }
    });
  }
}

function pickPreset(form, button) {
  const pressed = button.getAttribute("aria-pressed") === "true";
  const value = pressed ? "" : button.dataset.value; // a second press takes it off
  const radio = [...form.elements[button.dataset.preset]].find((it) => it.value === value);
  radio.checked = true;
  radio.dispatchEvent(new Event("change", { bubbles: true }));
  form.requestSubmit();
}

export function start(root) {
  const form = root.querySelector("form[data-query]");
  if (!form) return;
  const columns = { changed: false };
  form.addEventListener("formdata", (event) => tidy(event, form, columns));
  form.addEventListener("change", (event) => {
    if (event.target.name === "cols") columns.changed = true;
  });
  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-preset]");
    if (button) pickPreset(form, button);
  });
  linkDates(form);
}
