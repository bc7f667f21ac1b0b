// A checklist of a role: its order by dragging, by the buttons, or with Alt and the arrow keys, kept without a reload.

export function start(root, say) {
  const list = root.querySelector("[data-checklist]");
  if (!list?.dataset.token) return;
  const note = list.querySelector("[data-order-note]");
  const lines = (group = list) => [...group.querySelectorAll("[data-criterion]")];
  let saving = Promise.resolve();

  // The page draws the categories in their order; the stored order of the whole list is what was seen, with the moved
  // ones in their new places.
  function wholeOrder(group) {
    const mine = lines(group).map((line) => line.dataset.criterion);
    const waiting = [...mine];
    return list.dataset.seen.split(",").map((key) => (mine.includes(key) ? waiting.shift() : key)).join(",");
  }

  async function send(order, seen) {
    const body = new URLSearchParams({ order, seen, csrf_token: list.dataset.token });
    try {
      const answer = await fetch(list.dataset.orderUrl, { method: "POST", body, headers: { Accept: "application/json" } });
      const told = (answer.headers.get("Content-Type") ?? "").includes("json") ? await answer.json() : {};
      if (told.saved) return "";
      return told.error ?? "The new order was not saved. Please reload the page.";
    } catch {
      return "The new order was not saved: no connection. Please reload the page when it is back.";
    }
  }

  function keep(group) {
    const [order, seen] = [wholeOrder(group), list.dataset.seen];
    list.dataset.seen = order;
    for (const field of list.querySelectorAll("[name=seen]")) field.value = order;
    saving = saving.then(async () => {
      if (!note.hidden) return;
      const trouble = await send(order, seen);
      note.hidden = !trouble;
      note.textContent = trouble;
    });
  }

  function move(line, by, focus) {
    const group = line.closest("[data-group]");
    const others = lines(group);
    const target = others.indexOf(line) + by;
    if (target < 0 || target >= others.length) return say("It stands at the end of its category already.");
    if (by < 0) others[target].before(line);
    else others[target].after(line);
    focus?.focus(); // moving took the focus away
    keep(group);
    return say(`${line.dataset.name}: place ${target + 1} of ${others.length} in ${group.dataset.group}`);
  }

  list.addEventListener("submit", (event) => {
    const by = Number(event.target.dataset.move);
    if (!by) return;
    event.preventDefault();
    event.stopPropagation(); // it is not sent, and may be pressed again
    move(event.target.closest("[data-criterion]"), by, event.submitter);
  });
  list.addEventListener("keydown", (event) => {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const line = event.target.closest("[data-criterion]");
    if (!by || !line || !event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    move(line, by, event.target);
  });

  let dragged = null;
  const clear = () => list.querySelectorAll(".is-over, .is-dragged").forEach((it) => it.classList.remove("is-over", "is-dragged"));
  const under = (event) => {
    const line = dragged && event.target.closest("[data-criterion]");
    return line && line.parentElement === dragged.parentElement ? line : null; // within its category
  };
  list.addEventListener("dragstart", (event) => {
    dragged = event.target.closest("[data-grip]")?.closest("[data-criterion]") ?? null;
    if (!dragged) return;
    dragged.classList.add("is-dragged");
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged.dataset.name);
    event.dataTransfer.setDragImage(dragged, 0, 0);
  });
  list.addEventListener("dragover", (event) => {
    const line = under(event);
    if (!line) return;
    event.preventDefault();
    list.querySelectorAll(".is-over").forEach((it) => it.classList.remove("is-over"));
    if (line !== dragged) line.classList.add("is-over");
  });
  list.addEventListener("drop", (event) => {
    const line = under(event);
    if (!line) return;
    event.preventDefault();
    if (line !== dragged) {
      const all = lines(line.parentElement);
      move(dragged, all.indexOf(line) - all.indexOf(dragged));
    }
  });
  list.addEventListener("dragend", () => {
    clear();
    dragged = null;
  });
}
