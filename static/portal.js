// Each module looks for its own marks on the page and leaves every other page alone.
import { appearance } from "./js/appearance.js";
import { bulk } from "./js/bulk.js";
import { cards } from "./js/cards.js";
import { dialogs } from "./js/dialogs.js";
import { forms } from "./js/forms.js";
import { lookups } from "./js/lookup.js";
import { menus } from "./js/menus.js";
import { progress } from "./js/progress.js";
import { query } from "./js/query.js";

for (const start of [appearance, menus, dialogs, forms, query, cards, bulk, lookups, progress]) {
  start(document);
}
