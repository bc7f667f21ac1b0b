// Follows a running bulk action, then reloads for its result.

const PAUSE = 1000; // ms
const FIELDS = ["total", "done", "skipped", "failed"];

function draw(box, run, say) {
  for (const name of FIELDS) {
    const field = box.querySelector(`[data-field=${name}]`);
    if (field && run[name] != null) field.textContent = Number(run[name]).toLocaleString("en");
  }
  const bar = box.querySelector("progress");
  if (bar) bar.value = run.percent ?? 0;
  const tens = Math.floor((run.percent ?? 0) / 10) * 10;
  if (tens) say(`${tens} percent`); // said at each tenth, not each second
}

async function follow(box, say, failures = 0) {
  let run = null;
  try {
    const answer = await fetch(box.dataset.progress, { headers: { Accept: "application/json" }, cache: "no-store" });
    if (answer.ok) run = await answer.json();
  } catch {
    // Offline for a moment: asked again below, ever less often.
  }
  if (run) {
    draw(box, run, say);
    if (run.state !== "running") {
      say(`Finished: ${run.done} done, ${run.skipped} skipped, ${run.failed} failed`);
      location.reload();
      return;
    }
  }
  const wait = run ? PAUSE : Math.min(PAUSE * 2 ** (failures + 1), 30000);
  setTimeout(() => follow(box, say, run ? 0 : failures + 1), wait);
}

export function start(root, say) {
  const box = root.querySelector("[data-progress]");
  if (box) setTimeout(() => follow(box, say), PAUSE);
}
