// Light, dark, or as the system says; remembered in this browser.
const KEY = "greenroom-appearance";
const system = matchMedia("(prefers-color-scheme: dark)");

function stored() {
  try {
    return localStorage.getItem(KEY) ?? "auto";
  } catch {
    return "auto";
  }
}

function apply(choice) {
  const dark = choice === "dark" || (choice === "auto" && system.matches);
  document.documentElement.dataset.bsTheme = dark ? "dark" : "light";
  for (const button of document.querySelectorAll("[data-appearance]")) {
    button.setAttribute("aria-pressed", String(button.dataset.appearance === choice));
  }
}

export function start(root) {
  apply(stored());
  system.addEventListener("change", () => apply(stored()));
  addEventListener("storage", () => apply(stored()));
  root.addEventListener("click", (event) => {
    const button = event.target.closest("[data-appearance]");
    if (!button) return;
    try {
      localStorage.setItem(KEY, button.dataset.appearance);
    } catch {
      // Not remembered, but applied.
    }
    apply(button.dataset.appearance);
  });
}
