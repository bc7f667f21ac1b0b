// Notifications as they come: over a socket at once, or else by asking every half minute. They move the bell's count,
// pop up in one of the reader's tabs, and stand in the list and the panel if these are open.

const own = (name) => import(`./${name}.js${new URL(import.meta.url).search}`);
const [{ Memory }, { Panel }, { Toasts }] = await Promise.all(["bellmemory", "bellpanel", "toasts"].map(own));

const RECENT = "/notifications/recent.json";
const SOON = 300; // ms: several that come together are drawn together
const LATER = 150; // ms
const BEAT = 60000; // ms
const CAPPED = 100;
const seen = () => document.visibilityState === "visible";

class Bell {
  constructor(button, root) {
    const { reader, newest, icons, stay } = button.dataset;
    const box = root.querySelector("[data-toasts]");
    const lang = root.querySelector("[data-bell-list]").lang;
    Object.assign(this, { root, button, newest, live: false, over: false, missed: false, known: new Set() });
    this.memory = new Memory(reader, newest);
    this.toasts = new Toasts(box, root.querySelector("[data-toasts-said]"), icons, lang, Number(stay) * 1000);
    this.panel = new Panel(button, root.getElementById("bell-panel"), () => this.ask(), (unread) => this.draw(unread));
    this.title = document.title;
    this.draw(Number(button.dataset.bell));
  }

  draw(unread) {
    this.unread = unread;
    const shown = unread < CAPPED ? String(unread) : `${CAPPED - 1}+`;
    const count = this.button.querySelector("[data-bell-count]");
    count.textContent = shown;
    count.hidden = !unread;
    this.button.setAttribute("aria-label", unread ? `Notifications, ${shown} unread` : "Notifications");
    document.title = unread ? `(${shown}) ${this.title}` : this.title;
  }

  // What the portal says; null where it does not answer now, or no longer to this reader.
  async ask(after) {
    if (this.over) return null;
    try {
      const url = after ? `${RECENT}?after=${after}` : RECENT;
      const answer = await fetch(url, { redirect: "manual", headers: { Accept: "application/json" } });
      if (answer.type === "opaqueredirect") this.end(); // logged out, in another tab
      return answer.ok ? await answer.json() : null;
    } catch {
      return null;
    }
  }

  async catchUp() {
    const told = await this.ask(this.memory.after);
    if (!told) return;
    const changed = told.newest !== this.newest || told.unread !== this.unread;
    this.newest = told.newest;
    this.draw(told.unread);
    if (changed) this.refresh();
    for (const note of told.items) this.known.add(note.id);
    await this.popUp(told.items.reverse());
    if (seen()) await this.memory.beat(told.newest);
  }

  // One came over the socket.
  async arrive(note) {
    if (this.known.has(note.id)) return;
    this.known.add(note.id);
    // An older one may be in the page's count already: then the portal is asked.
    if (note.id > this.newest) {
      this.newest = note.id;
      this.draw(this.unread + 1);
      this.refresh();
    } else {
      this.catchUp();
    }
    this.missed = this.missed || !seen();
    await this.popUp([note]);
    if (seen()) await this.memory.beat(note.id);
  }

  // Only where somebody looks, and only in one tab: of two windows side by side that in which they work, which is
  // a little faster. Quiet ones move the count alone.
  async popUp(notes) {
    if (!document.hasFocus()) await new Promise((go) => setTimeout(go, LATER));
    for (const note of notes) {
      if (note.quiet || note.read || !seen() || !this.memory.isNews(note)) continue;
      if (await this.memory.claim(note.id)) this.toasts.show(note);
    }
  }

  refresh() {
    clearTimeout(this.soon);
    this.soon = setTimeout(() => {
      if (this.panel.isOpen) this.panel.fill();
      this.redrawList();
    }, SOON);
  }

  // The list is the server's own page, fetched anew; the focus stays where it was.
  async redrawList() {
    const list = this.root.querySelector("[data-notices]");
    if (!list) return;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-notices]");
      const focused = list.contains(document.activeElement) ? document.activeElement.id : "";
      if (fresh) list.replaceChildren(...document.adoptNode(fresh).childNodes);
      if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    } catch {
      // The next one that comes tries again.
    }
  }

  async connect() {
    const { io } = await import(this.button.dataset.socket);
    this.socket = io("/notifications", { transports: ["websocket"], reconnectionDelayMax: 30000 });
    this.socket.on("connect", () => {
      this.live = true;
      this.root.documentElement.dataset.socket = "open";
      this.catchUp();
    });
    this.socket.on("disconnect", () => {
      this.live = false;
      this.root.documentElement.dataset.socket = "none";
    });
    this.socket.on("notification:new", (note) => this.arrive(note));
    this.socket.on("notification:read", () => this.catchUp());
  }

  end() {
    this.over = true;
    this.socket?.disconnect();
  }

  start() {
    setInterval(() => !this.live && seen() && this.catchUp(), Number(this.button.dataset.every) * 1000);
    setInterval(() => seen() && this.memory.beat(), BEAT);
    document.addEventListener("visibilitychange", () => {
      if (!seen() || (this.live && !this.missed)) return;
      this.missed = false;
      this.catchUp();
    });
    if (this.memory.after !== this.newest) this.catchUp(); // something came between two pages
    return this.connect();
  }
}

export function start(root) {
  const button = root.querySelector("[data-bell]");
  if (button) new Bell(button, root).start();
}
