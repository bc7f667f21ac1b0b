// The bell's panel: the link becomes a button that opens the latest notifications.

const { icon, line } = await import(`./toasts.js${new URL(import.meta.url).search}`);

function item(note, sprite) {
  const row = document.createElement("li");
  row.className = note.read ? "notice" : "notice is-unread";
  const picture = document.createElement("span");
  picture.className = `notice-icon tone-${note.tone}`;
  picture.append(icon(sprite, note.icon));
  const text = document.createElement("div");
  text.className = "notice-text";
  const title = line("a", "notice-title", note.title);
  title.href = note.link;
  const when = document.createElement("time");
  when.dateTime = note.created_at;
  when.textContent = note.when;
  when.lang = "en";
  text.append(title);
  if (!note.read) text.append(hidden(", unread"));
  if (note.message) text.append(line("p", "", note.message));
  text.append(when);
  row.append(picture, text);
  return row;
}

function hidden(text) {
  const made = document.createElement("span");
  made.className = "visually-hidden";
  made.lang = "en";
  made.textContent = text;
  return made;
}

// `ask` answers the latest from the portal, null where it does not answer; `draw` takes a new count.
export class Panel {
  constructor(button, panel, ask, draw) {
    Object.assign(this, { button, panel, ask, draw });
    this.list = panel.querySelector("[data-bell-list]");
    this.note = panel.querySelector("[data-bell-note]");
    this.form = panel.querySelector("[data-bell-read]");
    button.setAttribute("role", "button");
    button.setAttribute("aria-haspopup", "dialog");
    button.setAttribute("aria-controls", panel.id);
    button.setAttribute("aria-expanded", "false");
    this.#listen();
  }

  #listen() {
    this.button.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return; // the list, in a tab of its own
      event.preventDefault();
      if (this.isOpen) this.close();
      else this.open();
    });
    this.button.addEventListener("keydown", (event) => {
      if (event.key !== " ") return;
      event.preventDefault();
      this.button.click();
    });
    this.panel.parentElement.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.isOpen) return;
      event.stopPropagation();
      this.close();
      this.button.focus();
    });
    const leaves = (target) => this.isOpen && target && !this.panel.parentElement.contains(target) && this.close();
    document.addEventListener("click", (event) => leaves(event.target));
    this.panel.addEventListener("focusout", (event) => leaves(event.relatedTarget));
    this.form.addEventListener("submit", (event) => this.#readAll(event));
  }

  get isOpen() {
    return !this.panel.hidden;
  }

  open() {
    this.panel.hidden = false;
    this.button.setAttribute("aria-expanded", "true");
    this.panel.focus();
    if (!this.list.childElementCount) this.note.textContent = "One moment …";
    this.fill();
  }

  close() {
    this.panel.hidden = true;
    this.button.setAttribute("aria-expanded", "false");
  }

  async fill() {
    const told = await this.ask();
    if (!told) {
      this.note.textContent = "The portal does not answer. Your notifications are kept.";
      return;
    }
    this.draw(told.unread);
    this.form.elements.upto.value = told.newest;
    this.form.hidden = !told.unread;
    this.note.textContent = told.items.length ? "" : "Nothing yet. What concerns you will stand here.";
    this.list.replaceChildren(...told.items.map((note) => item(note, this.button.dataset.icons)));
  }

  async #readAll(event) {
    event.preventDefault();
    const body = new URLSearchParams(new FormData(this.form));
    try {
      const answer = await fetch(this.form.action, { method: "POST", body, headers: { Accept: "application/json" } });
      if (!answer.ok || answer.redirected) throw new Error(answer.status);
    } catch {
      this.note.textContent = "This was not kept. Please reload the page and try again.";
      return;
    }
    this.panel.focus(); // the button that had it goes
    await this.fill();
  }
}
