// Lists of small records in a form: add, remove and reorder, by button or with Alt and the arrow keys.

// The numbers in names and ids say the order; everything that refers to them follows.
const NUMBERED = ["id", "name", "for", "aria-describedby"];

function renumber(list) {
  const pattern = new RegExp(`\\b${list.dataset.rows}-(\\d+|new)-`, "g");
  [...list.querySelectorAll(".rows-line")].forEach((line, number) => {
    for (const attribute of NUMBERED) {
      for (const it of line.querySelectorAll(`[${attribute}]`)) {
        it.setAttribute(attribute, it.getAttribute(attribute).replace(pattern, `${list.dataset.rows}-${number}-`));
      }
    }
  });
}

export function start(root, say) {
  for (const list of root.querySelectorAll("[data-rows]")) {
    const lines = list.querySelector(".rows-lines");
    const blank = list.querySelector("template");
    const add = list.querySelector("[data-rows-add]");
    const { rowsNoun: noun } = list.dataset;
    const all = () => [...lines.children];
    // Lines of what was not filled in are for those without a script; what a browser brought back stays.
    for (const spare of list.querySelectorAll("[data-rows-spare]")) {
      if (![...spare.querySelectorAll("input, textarea")].some((input) => input.value)) spare.remove();
    }

    function settle(text) {
      renumber(list);
      add.disabled = all().length >= Number(list.dataset.rowsMost);
      say(text);
    }

    function move(line, by, focus) {
      const others = all();
      const target = others.indexOf(line) + by;
      if (target < 0 || target >= others.length) return;
      if (by < 0) others[target].before(line);
      else others[target].after(line);
      focus.focus(); // moving took the focus away
      settle(`Moved: ${noun} ${target + 1} of ${others.length}`);
    }

    function remove(line) {
      const next = line.nextElementSibling ?? line.previousElementSibling;
      line.remove();
      (next?.querySelector("[data-rows-remove]") ?? add).focus();
      settle(`Removed; ${all().length} left`);
    }

    add.addEventListener("click", () => {
      lines.append(blank.content.cloneNode(true));
      settle(`Added: ${noun} ${all().length}`);
      lines.lastElementChild.querySelector("input, textarea").focus();
    });
    lines.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      const line = button?.closest(".rows-line");
      if (button?.dataset.rowsMove) move(line, Number(button.dataset.rowsMove), button);
      else if (line) remove(line);
    });
    lines.addEventListener("keydown", (event) => {
      const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      if (!by || !event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      move(event.target.closest(".rows-line"), by, event.target);
    });
    renumber(list);
    add.disabled = all().length >= Number(list.dataset.rowsMost);
  }
}
