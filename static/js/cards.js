// On phones each row becomes a card. The table keeps its roles, which display:block would drop.
const narrow = matchMedia("(width < 640px)");
const ROLES = [["table", "table"], ["thead, tbody", "rowgroup"], ["tr", "row"], ["thead th", "columnheader"], ["tbody th", "rowheader"], ["td", "cell"]];

// A card's line is label and value: the value keeps its own direction, the line does not turn.
function isolate(cell) {
  if (cell.firstChild?.nodeType === Node.TEXT_NODE) {
    const value = document.createElement("span");
    value.append(cell.firstChild);
    cell.prepend(value);
  }
  if (cell.dir && cell.firstElementChild) cell.firstElementChild.dir = cell.dir;
  cell.removeAttribute("dir");
}

function nameCells(table) {
  const labels = [...table.tHead.rows[0].cells].map((cell) => cell.textContent.trim());
  for (const row of table.tBodies[0].rows) {
    for (const cell of row.cells) {
      if (cell.tagName !== "TD" || cell.classList.contains("pick") || cell.classList.contains("row-edit")) continue;
      cell.dataset.label = labels[cell.cellIndex];
      cell.classList.toggle("is-empty", !cell.firstChild);
      isolate(cell);
    }
  }
}

export function start(root) {
  const scroll = root.querySelector("[data-grid]");
  if (!scroll) return;
  const table = scroll.querySelector("table");
  let named = false;
  const apply = () => {
    scroll.classList.toggle("as-cards", narrow.matches);
    if (narrow.matches && !named) {
      nameCells(table);
      for (const [selector, role] of ROLES) {
        const found = selector === "table" ? [table] : table.querySelectorAll(selector);
        for (const element of found) element.setAttribute("role", role);
      }
      named = true;
    }
  };
  narrow.addEventListener("change", apply);
  apply();
  scroll.addEventListener("scroll", () => scroll.classList.toggle("is-scrolled", scroll.scrollLeft > 0), { passive: true });
}
