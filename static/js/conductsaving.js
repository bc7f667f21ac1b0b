// Saves a mock interview while it is conducted. What is not saved yet is kept in this browser, per person and mock
// interview: it survives a lost connection, a closed tab and a session that has ended.

const { send, renew } = await import(`./sending.js${new URL(import.meta.url).search}`);

const LONGEST = 30000; // ms between two tries

export const EMPTY = () => ({ items: {}, draft: {}, base: null });
export const holds = (kept) => Object.keys(kept.items).length > 0 || Object.keys(kept.draft).length > 0;
const nameOf = ({ user, mock }) => `greenroom-conduct:${user}:${mock}`;

export function read(owner) {
  try {
    return { ...EMPTY(), ...JSON.parse(localStorage.getItem(nameOf(owner)) ?? "{}") };
  } catch {
    return EMPTY(); // storage may be refused, or hold what is not ours
  }
}

export function write(owner, kept) {
  try {
    if (holds(kept)) localStorage.setItem(nameOf(owner), JSON.stringify(kept));
    else localStorage.removeItem(nameOf(owner));
    return true;
  } catch {
    return false;
  }
}

export class Saver {
  // `heard` is told what became of it: saved(text), waits(why), conflict(id, answer), gone(id), wrong(id, text), over(text).
  constructor(form, heard) {
    this.form = form;
    this.heard = heard;
    this.kept = EMPTY();
    this.stopped = new Set(); // items that wait for a choice or a correction
    this.failures = 0;
    this.ended = false;
    this.safe = true; // whether the browser keeps it
    this.saving = null;
    this.last = "";
  }

  get dirty() {
    return holds(this.kept);
  }

  keep() {
    this.safe = write(this.form.dataset, this.kept);
  }

  item(id, judgement, wait) {
    this.kept.items[id] = judgement;
    this.stopped.delete(id);
    this.keep();
    this.plan(wait);
  }

  forget(id) {
    delete this.kept.items[id];
    this.stopped.delete(id);
    this.keep();
  }

  draft(changed, base, wait) {
    this.kept.draft = changed;
    this.kept.base = base;
    this.keep();
    this.plan(wait);
  }

  plan(wait) {
    clearTimeout(this.timer);
    if (!this.ended && this.dirty) this.timer = setTimeout(() => this.flush(), wait);
  }

  // One after the other; whoever asks meanwhile waits for the same round, and for what has come since.
  async flush() {
    clearTimeout(this.timer);
    while (this.saving) await this.saving;
    this.saving = this.round();
    const done = await this.saving;
    this.saving = null;
    return done;
  }

  async round() {
    for (const id of Object.keys(this.kept.items)) {
      if (!this.stopped.has(id) && !(await this.sendItem(id))) return false;
    }
    if (Object.keys(this.kept.draft).length && !(await this.sendDraft())) return false;
    if (this.last && !this.dirty) this.heard.saved(this.last, this.failures > 0);
    if (!this.dirty) this.failures = 0;
    return true;
  }

  async sendItem(id) {
    const sent = this.kept.items[id];
    const answer = await this.send("judge", { id, ...sent, passed: { yes: true, no: false }[sent.passed] ?? null, rating: sent.rating ? Number(sent.rating) : null });
    if (answer.status === 200) {
      this.last = answer.saved;
      const now = this.kept.items[id];
      if (now === sent) delete this.kept.items[id];
      else now.version = answer.version;
      this.keep();
      this.heard.version(id, answer.version);
      return true;
    }
    if (answer.theirs) this.stop(id, () => this.heard.conflict(id, answer, sent));
    else if (answer.gone) this.heard.gone(id, this.forget(id));
    else if (answer.status === 422) this.stop(id, () => this.heard.wrong(id, answer.error));
    else return this.fails(answer);
    return true;
  }

  stop(id, tell) {
    this.stopped.add(id);
    tell();
  }

  async sendDraft() {
    const sent = this.kept.draft;
    const answer = await this.send("draft", sent);
    if (answer.status !== 200) return this.fails(answer);
    this.last = answer.saved;
    this.kept.base = { ...this.kept.base, ...sent };
    this.kept.draft = this.kept.draft === sent ? {} : this.kept.draft;
    this.keep();
    this.heard.drafted(sent);
    return true;
  }

  send(what, body) {
    const headers = { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": this.form.elements.csrf_token.value };
    const again = () => renew(this.form, "form[data-conduct]");
    return send(`${this.form.getAttribute("action")}/${what}`, { body: JSON.stringify(body), headers }, again);
  }

  fails(answer) {
    if (answer.lost === undefined && answer.over) {
      this.ended = true;
      this.heard.over(answer.error);
      return false;
    }
    const why = answer.lost ?? answer.error ?? "the portal does not answer";
    this.failures += 1;
    if (why || this.failures > 2) this.heard.waits(why || "the portal does not answer");
    this.plan(why || this.failures > 2 ? Math.min(1000 * 2 ** this.failures, LONGEST) : 0);
    return false;
  }
}
