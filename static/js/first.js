// Runs before the first paint: the chosen appearance, and the mark that scripts are on.
(() => {
  const root = document.documentElement;
  let chosen = null;
  try {
    chosen = localStorage.getItem("greenroom-appearance");
  } catch {
    // Storage may be refused: the system's preference stands.
  }
  const dark = chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  root.dataset.bsTheme = dark ? "dark" : "light";
  root.classList.add("js");
})();
