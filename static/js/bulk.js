// Ticked rows: ranges by shift-click, the whole page, then all that match; and the bar of actions.

export function start(root, say) {
  const form = root.querySelector("form[data-bulk]");
  const bar = form?.querySelector("[data-bulk-bar]");
  if (!bar) return;
  const boxes = [...form.querySelectorAll("input[name=ids]")];
  const header = form.querySelector("[data-pick-page]");
  const offer = bar.querySelector("[data-bulk-all]");
  const all = offer.querySelector("input");
  const count = bar.querySelector("[data-bulk-count]");
  const total = Number(form.dataset.total);
  const capped = form.dataset.capped === "1";
  let last = null;

  function draw() {
    const ticked = boxes.filter((box) => box.checked).length;
    const whole = ticked === boxes.length && ticked > 0;
    header.checked = whole;
    header.indeterminate = ticked > 0 && !whole;
    if (!whole) all.checked = false;
    offer.classList.toggle("is-offered", whole && (total > boxes.length || capped));
    bar.classList.toggle("is-on", ticked > 0);
    const number = (all.checked ? total : ticked).toLocaleString("en") + (all.checked && capped ? "+" : "");
    count.textContent = number;
    say(ticked ? `${number} selected` : "Nothing selected");
  }

  function tick(box, event) {
    if (event.shiftKey && last && last !== box) {
      const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
      for (const between of boxes.slice(from, to + 1)) between.checked = box.checked;
    }
    last = box;
    draw();
  }

  form.addEventListener("click", (event) => {
    if (event.target.name === "ids") tick(event.target, event);
  });
  form.addEventListener("mousedown", (event) => {
    if (event.shiftKey && event.target.closest(".pick")) event.preventDefault(); // no text selection
  });
  function tickPage(on) {
    for (const box of boxes) box.checked = on;
    draw();
  }

  header.addEventListener("change", () => tickPage(header.checked));
  bar.querySelector("[data-bulk-page]").addEventListener("click", () => tickPage(true));
  all.addEventListener("change", draw);
  bar.querySelector("[data-bulk-clear]").addEventListener("click", () => {
    tickPage(false);
    header.focus();
  });
  // The browser may bring ticks back with the page.
  addEventListener("pageshow", () => boxes.some((box) => box.checked) && draw());
}
