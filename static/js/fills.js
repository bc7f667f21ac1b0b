// The form of an interview shows beforehand what the chosen template will fill into what is left empty.

const TEXTS = ["title", "interview_guide", "preparation_notes"];

function show(form, found) {
  for (const name of TEXTS) {
    const field = form.elements[name];
    if (field) field.placeholder = found?.[name] ? found[name] : "";
  }
  const note = form.querySelector("[data-fills]");
  note.textContent = found ? `${found.interview_type}, ${found.minutes} minutes, interviewers needed: ${found.interviewers}.` : "";
}

export function start(root) {
  const choice = root.querySelector("select[name=template_id][data-lookup]");
  const form = choice?.form;
  if (!form?.elements.interview_guide) return;
  const note = document.createElement("p");
  note.className = "help";
  note.dataset.fills = "";
  note.setAttribute("role", "status");
  choice.closest(".field").append(note);
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
