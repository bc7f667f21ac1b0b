// Keeps a form marked data-autosave as a draft while it is filled in: a moment after the last change, one save at a
// time. What could not be saved stays on the page, is said in the form's foot, and is tried again.

const { send, renew } = await import(`./sending.js${new URL(import.meta.url).search}`);

const PAUSE = 2000; // ms after the last change
const LONGEST = 60000;

class Keeper {
  constructor(form, say) {
    this.form = form;
    this.say = say;
    this.state = form.querySelector("[data-autosave-state]");
    this.changes = 0; // counts changes; what a save has seen is kept
    this.kept = 0;
    this.failures = 0;
    this.ended = false; // somebody else's version is newer: nothing more is saved without being asked
    this.saving = null;
  }

  get dirty() {
    return this.changes !== this.kept;
  }

  changed() {
    this.changes += 1;
    this.plan(PAUSE);
  }

  plan(wait) {
    clearTimeout(this.timer);
    if (!this.ended) this.timer = setTimeout(() => this.save(), wait);
  }

  tell(text, tone) {
    this.state.textContent = text;
    this.state.classList.toggle("is-late", tone === "bad");
    if (tone) this.say(text);
  }

  async save() {
    if (this.saving || !this.dirty || this.ended) return;
    const seen = this.changes;
    this.saving = this.send();
    const answer = await this.saving;
    this.saving = null;
    this.settle(answer, seen);
  }

  send() {
    const body = new FormData(this.form);
    body.set("do", "draft");
    const options = { body, headers: { Accept: "application/json" } };
    return send(this.form.action, options, () => renew(this.form, "form[data-autosave]"));
  }

  settle(answer, seen) {
    if (answer.version) {
      this.form.elements.row_version.value = answer.version;
      this.kept = seen;
      if (this.failures) this.tell(`Saved again, ${answer.saved}`, "good");
      else this.tell(`Draft saved ${answer.saved}`);
      this.failures = 0;
      if (this.dirty) this.plan(PAUSE);
    } else if (answer.lost !== undefined || answer.status >= 500 || answer.status === 429) {
      const why = answer.lost ?? "the portal does not answer";
      this.failures += 1;
      if (why) this.tell(`Not saved: ${why}. What you typed stays here, and is tried again.`, "bad");
      this.plan(why ? Math.min(PAUSE * 2 ** this.failures, LONGEST) : 0);
    } else {
      this.ended = answer.status !== 422; // another value may mend a 422
      this.kept = this.ended ? this.kept : seen;
      this.tell(`Not saved: ${answer.error}`, "bad");
    }
  }

  // A save on its way would make the version of what is sent now an old one: first the one, then the other.
  async submit(event) {
    clearTimeout(this.timer);
    if (!this.saving) {
      this.leaving = true;
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    await this.saving; // and of what follows it, save() is the first to hear
    clearTimeout(this.timer);
    this.form.requestSubmit(event.submitter);
  }
}

export function start(root, say) {
  const form = root.querySelector("form[data-autosave]");
  if (!form) return;
  const keeper = new Keeper(form, say);
  if (root.querySelector("[data-error-summary]")) keeper.changes += 1; // what stands there was refused, not kept
  form.addEventListener("input", () => keeper.changed());
  form.addEventListener("submit", (event) => keeper.submit(event), { capture: true });
  addEventListener("online", () => keeper.dirty && keeper.plan(0));
  addEventListener("pageshow", (event) => event.persisted && (keeper.leaving = false));
  addEventListener("beforeunload", (event) => {
    if (keeper.dirty && !keeper.leaving) event.preventDefault();
  });
}
