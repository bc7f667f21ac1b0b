// Forms: errors beside their fields before sending, sent once, drafts not lost by accident.

function messageFor(field) {
  const { validity } = field;
  if (validity.valueMissing) return field.type === "radio" ? "Please choose one." : "Please fill this in.";
  if (validity.badInput) return field.type.startsWith("date") ? "Please complete the date and time." : "This is not a number.";
  return field.validationMessage;
}

function clearError(field) {
  const box = field.closest(".field");
  const own = box?.querySelector("[data-client-error]");
  if (!own) return;
  own.remove();
  field.removeAttribute("aria-invalid");
  field.classList.remove("is-invalid");
  const rest = (field.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => id !== own.id);
  if (rest.join("")) field.setAttribute("aria-describedby", rest.join(" "));
  else field.removeAttribute("aria-describedby");
}

function showError(field) {
  const box = field.closest(".field");
  if (!box) return;
  clearError(field);
  const note = document.createElement("p");
  note.className = "field-error";
  note.dataset.clientError = "";
  note.id = `${field.id || field.name}-check`;
  note.textContent = messageFor(field);
  box.append(note);
  field.classList.add("is-invalid");
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", `${field.getAttribute("aria-describedby") ?? ""} ${note.id}`.trim());
}

function focusField(field) {
  if (field.tomselect) field.tomselect.focus();
  else if (field.matches("fieldset")) (field.querySelector("[aria-invalid]") ?? field.querySelector("input:checked, input, textarea"))?.focus();
  else field.focus();
}

function check(event) {
  const form = event.target;
  if (!form.hasAttribute("data-check") || event.submitter?.formNoValidate) return;
  const names = new Set();
  const bad = [...form.elements].filter((field) => {
    if (!field.willValidate || field.matches("fieldset, button") || field.validity.valid) return false;
    const seen = field.type === "radio" && names.has(field.name); // one message a group
    names.add(field.name);
    return !seen;
  });
  if (!bad.length) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  bad.forEach(showError);
  focusField(bad[0]);
}

const sent = new Set();

function sendOnce(event) {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (sent.has(form)) {
    event.preventDefault();
    return;
  }
  sent.add(form);
  const button = event.submitter;
  button?.setAttribute("aria-busy", "true");
  // After the browser has read the form: a disabled button would not be sent.
  setTimeout(() => {
    for (const other of form.querySelectorAll("button[type=submit]")) other.disabled = true;
  });
}

function reopen() {
  for (const form of sent) {
    for (const button of form.querySelectorAll("button[type=submit]")) {
      button.disabled = false;
      button.removeAttribute("aria-busy");
    }
  }
  sent.clear();
}

function guardDrafts(root) {
  const dirty = new Set();
  const mark = (event) => {
    const form = event.target.form ?? event.target.closest?.("form");
    if (form?.hasAttribute("data-draft") && event.isTrusted) dirty.add(form);
  };
  root.addEventListener("input", mark);
  root.addEventListener("change", mark);
  root.addEventListener("click", (event) => event.target.closest("[data-rows] button") && mark(event));
  addEventListener("beforeunload", (event) => {
    if ([...dirty].some((form) => !sent.has(form))) event.preventDefault();
  });
}

export function start(root) {
  for (const form of root.querySelectorAll("form[data-check]")) form.noValidate = true;
  root.addEventListener("submit", check, { capture: true });
  root.addEventListener("submit", sendOnce);
  root.addEventListener("input", (event) => clearError(event.target));
  root.addEventListener("change", (event) => clearError(event.target));
  addEventListener("pageshow", (event) => event.persisted && reopen());
  guardDrafts(root);
  root.querySelector("[data-error-summary]")?.focus();
  root.addEventListener("click", (event) => {
    const link = event.target.closest(".note a[href^='#']");
    const field = link && document.getElementById(link.hash.slice(1));
    if (!field) return;
    event.preventDefault();
    focusField(field);
  });
}
