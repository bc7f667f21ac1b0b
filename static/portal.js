// Starts the modules. Each looks for its own marks on the page and leaves every other page alone.
const MODULES = ["appearance", "menus", "dialogs", "forms", "autosave", "query", "cards", "bulk", "lookup", "progress", "times", "zones", "live", "rows", "fills", "notifications"];

// What one page alone needs it names itself.
const OWN = (document.body.dataset.module ?? "").split(" ").filter(Boolean);

// Modules carry this file's own ?v=…, so that a new release is never mixed with cached parts of an old one.
const version = new URL(import.meta.url).search;

// One polite region for what a screen reader should hear.
function say(text) {
  const region = document.getElementById("live");
  if (region && region.textContent !== text) region.textContent = text;
}

const loaded = await Promise.all([...MODULES, ...OWN].map((name) => import(`./js/${name}.js${version}`)));
for (const module of loaded) module.start(document, say);
document.documentElement.dataset.ready = "1";
