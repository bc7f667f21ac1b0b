// Times and what hangs on them: a new end follows its start, and fields that only one choice needs wait for it.

function hourLater(wall) {
  const at = new Date(`${wall}Z`);
  if (Number.isNaN(at.getTime())) return "";
  at.setUTCHours(at.getUTCHours() + 1);
  return at.toISOString().slice(0, 16);
}

function endFollowsStart(form) {
  const start = form.elements["scheduled_start"] ?? form.elements["start"];
  const end = form.elements["scheduled_end"] ?? form.elements["end"];
  if (!start || !end || end.value) return;
  let ours = "";
  start.addEventListener("change", () => {
    if (end.value && end.value !== ours) return;
    end.value = ours = hourLater(start.value);
    end.dispatchEvent(new Event("change", { bubbles: true }));
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
