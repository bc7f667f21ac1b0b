// <details class="menu">: one open at a time, closed by Escape or a click elsewhere.
// Also the small habits of a page: `/` for search, dismissable notes, demo log-ins.

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (menu !== except && !menu.contains(except)) menu.open = false;
  }
}

function keepInView(menu) {
  const panel = menu.querySelector(".menu-panel");
  menu.classList.remove("menu-start");
  if (panel && panel.getBoundingClientRect().left < 8) menu.classList.add("menu-start");
}

function onKey(event) {
  if (event.key === "Escape") {
    const menu = document.querySelector("details.menu[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  }
  const typing = event.target.closest("input, textarea, select, [contenteditable], dialog[open]");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const search = document.querySelector("[data-search]");
    if (!search) return;
    event.preventDefault();
    search.focus();
    search.select();
  }
}

function onClick(event) {
  closeMenus(event.target.closest("details.menu"));
  const dismiss = event.target.closest("[data-dismiss]");
  if (dismiss) dismiss.closest(".note").remove();
  const demo = event.target.closest("[data-fill-email]");
  if (demo) fillLogin(demo.dataset.fillEmail);
}

function fillLogin(email) {
  const field = document.querySelector("input[name=email]");
  const password = document.querySelector("input[name=password]");
  if (!field) return;
  field.value = email;
  password?.focus();
}

export function start(root) {
  root.addEventListener("click", onClick);
  root.addEventListener("keydown", onKey);
  for (const menu of root.querySelectorAll("details.menu:not(.menu-start)")) {
    menu.addEventListener("toggle", () => menu.open && keepInView(menu));
  }
}
