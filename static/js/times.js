// Times and what hangs on them: a new end follows its start, and fields that only one choice needs wait for it.

// An hour, unless something in the form says how long it takes (js/fills.js).
const minutes = (form) => Number(form.querySelector("[data-length]")?.value) || 60;

function later(wall, length) {
  const at = new Date(`${wall}Z`);
  if (Number.isNaN(at.getTime())) return "";
  at.setUTCMinutes(at.getUTCMinutes() + length);
  return at.toISOString().slice(0, 16);
}

function endFollowsStart(form) {
  const start = form.elements["scheduled_start"] ?? form.elements["start"];
  const end = form.elements["scheduled_end"] ?? form.elements["end"];
  if (!start || !end || end.value) return;
  let ours = "";
  const follow = () => {
    if (end.value && end.value !== ours) return;
    end.value = ours = later(start.value, minutes(form));
    end.dispatchEvent(new Event("change", { bubbles: true }));
  };
  start.addEventListener("change", follow);
  form.addEventListener("change", (event) => {
    if (event.target.matches("[data-length]")) follow();
  });
}

function showWhen(field) {
  const [name, wanted] = field.dataset.when.split("=");
  const box = field.closest(".field");
  const tell = () => {
    box.hidden = !wanted.split("|").includes(field.form.elements[name].value);
  };
  for (const choice of field.form.querySelectorAll(`[name="${name}"]`)) choice.addEventListener("change", tell);
  tell();
}

export function start(page) {
  for (const form of page.querySelectorAll("form")) endFollowsStart(form);
  for (const field of page.querySelectorAll("[data-when]")) showWhen(field);
}
