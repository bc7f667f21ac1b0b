// The form of an interview shows beforehand what the chosen template will fill into what is left empty,
// and says how long the interview then takes: the end (js/times.js) and the free times (js/live.js) follow.

const TEXTS = ["title", "interview_guide", "preparation_notes"];

function show(form, found) {
  for (const name of TEXTS) {
    const field = form.elements[name];
    if (field) field.placeholder = found?.[name] ? found[name] : "";
  }
  const note = form.querySelector("[data-fills]");
  note.textContent = found ? `${found.interview_type}, ${found.minutes} minutes, interviewers needed: ${found.interviewers}.` : "";
  const length = form.querySelector("[data-length]");
  length.value = found?.minutes ?? "";
  length.dispatchEvent(new Event("change", { bubbles: true }));
}

// Nameless, so it is never sent.
function lengthField() {
  const field = document.createElement("input");
  field.type = "hidden";
  field.dataset.length = "";
  return field;
}

export function start(root) {
  const choice = root.querySelector("select[name=template_id][data-lookup]");
  const form = choice?.form;
  if (!form?.elements.interview_guide) return;
  const note = document.createElement("p");
  note.className = "help";
  note.dataset.fills = "";
  note.setAttribute("role", "status");
  choice.closest(".field").append(note, lengthField());
  let latest = 0;
  async function look() {
    const mine = ++latest;
    let found = null;
    if (choice.value) {
      const answer = await fetch(`/interview-templates/${choice.value}/fills`, { headers: { Accept: "application/json" } }).catch(() => null);
      found = answer?.ok ? await answer.json() : null;
    }
    if (mine === latest) show(form, found);
  }
  choice.addEventListener("change", look);
  if (choice.value) look();
}
