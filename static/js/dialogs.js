// Opens dialogs of the page, and asks before a form, or by a button, marked data-confirm is sent.

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function ask(question, verb, danger) {
  const text = make("p", { id: "confirm-text", dir: "auto" }, question);
  const no = make("button", { type: "button", class: "btn btn-quiet" }, "Cancel");
  const yes = make("button", { type: "button", class: `btn ${danger ? "btn-danger" : "btn-primary"}` }, verb);
  const box = make(
    "dialog",
    { class: "box", role: "alertdialog", "aria-labelledby": "confirm-title", "aria-describedby": "confirm-text" },
    make("h2", { id: "confirm-title" }, "Please confirm"),
    text,
    make("div", { class: "dialog-actions" }, no, yes),
  );
  document.body.append(box);
  return new Promise((resolve) => {
    no.addEventListener("click", () => box.close(""));
    yes.addEventListener("click", () => box.close("yes"));
    box.addEventListener("close", () => {
      resolve(box.returnValue === "yes");
      box.remove();
    });
    box.showModal();
  });
}

async function onSubmit(event) {
  const form = event.target;
  const question = event.submitter?.dataset.confirm ?? form.dataset.confirm;
  if (!question || form.dataset.confirmed) return;
  const checked = form.hasAttribute("data-check") && !event.submitter?.formNoValidate;
  if (checked && !form.checkValidity()) return; // what is missing comes first (js/forms.js)
  event.preventDefault();
  event.stopImmediatePropagation(); // the guard against double submits must not see this one
  const button = event.submitter;
  const danger = "danger" in form.dataset || /danger/.test(button?.className ?? "");
  const verb = button?.textContent.trim() || "Continue";
  if (!(await ask(question, verb, danger))) {
    button?.focus();
    return;
  }
  form.dataset.confirmed = "1";
  form.requestSubmit(button);
  delete form.dataset.confirmed;
}

export function start(root) {
  root.addEventListener("submit", onSubmit, { capture: true });
  root.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    if (opener) document.getElementById(opener.dataset.dialog).showModal();
    if (event.target.closest("[data-close]")) event.target.closest("dialog").close();
    if (event.target.matches("dialog.box[open]")) event.target.close(); // the backdrop
  });
}
