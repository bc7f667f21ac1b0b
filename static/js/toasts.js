// What pops up: three at once, then how many more. Each goes by itself, but not while one points at them or is in them.

const MOST = 3;
const AGAIN = 1000; // ms

function element(name, className, text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text; // a notification is text, whatever stands in it
  return made;
}

export function icon(sprite, name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${sprite}#${name}`);
  svg.append(use);
  return svg;
}

// A line in which any script reads from its own side.
export function line(name, className, text) {
  const made = element(name, className, text);
  made.dir = "auto";
  return made;
}

export class Toasts {
  #more = 0;

  constructor(box, spoken, sprite, lang, stay) {
    Object.assign(this, { box, spoken, sprite, lang, stay });
    box.addEventListener("keydown", (event) => {
      const toast = event.target.closest(".note-toast");
      if (event.key === "Escape" && toast) this.#close(toast);
    });
  }

  show(note) {
    this.box.hidden = false;
    if (this.box.querySelectorAll(".note-toast").length >= MOST) {
      this.#oneMore();
      return;
    }
    const toast = this.#made(note);
    this.box.insertBefore(toast, this.box.querySelector(".toasts-more"));
    this.#say(`${note.title}. ${note.message}`, this.lang);
    this.#goLater(toast);
  }

  #made(note) {
    const toast = element("div", "note-toast");
    toast.dataset.toast = note.id;
    const text = element("div", "notice-text");
    text.lang = this.lang;
    const title = line("a", "notice-title fw-semibold", note.title);
    title.href = note.link;
    text.append(title, line("p", "", note.message));
    const close = element("button", "note-close");
    close.type = "button";
    close.setAttribute("aria-label", `Dismiss: ${note.title}`);
    close.append(icon(this.sprite, "x-lg"));
    close.addEventListener("click", () => this.#close(toast));
    toast.append(icon(this.sprite, "bell"), text, close);
    return toast;
  }

  // Said by screen readers; the toast itself takes no focus.
  #say(text, lang) {
    const said = element("p", "", text);
    said.lang = lang;
    this.spoken.append(said);
    setTimeout(() => said.remove(), 30000);
  }

  #goLater(toast, wait = this.stay) {
    setTimeout(() => {
      if (!toast.isConnected) return;
      if (this.box.matches(":hover, :focus-within")) this.#goLater(toast, AGAIN);
      else this.#close(toast);
    }, wait);
  }

  #close(toast) {
    const inIt = toast.contains(document.activeElement);
    const next = toast.nextElementSibling ?? toast.previousElementSibling;
    toast.remove();
    if (!this.box.querySelector(".note-toast")) this.#clear();
    if (inIt) (next?.isConnected ? next.querySelector("a") ?? next : document.getElementById("bell"))?.focus();
  }

  #clear() {
    this.#more = 0;
    this.box.replaceChildren();
    this.box.hidden = true;
  }

  #oneMore() {
    this.#more += 1;
    let more = this.box.querySelector(".toasts-more");
    if (!more) {
      more = element("a", "toasts-more");
      more.href = "/notifications/";
      this.box.append(more);
      this.#say("And more.", "en");
    }
    more.textContent = `${this.#more} more`;
  }
}
