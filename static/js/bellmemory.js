// What the tabs of one reader share: up to which notification they have caught up, after which one something is news,
// and what has popped up already. Keys are in the order of making, and so are their texts. Without storage each page
// remembers for itself.

const KEPT = 100;
const AWAY = 5 * 60 * 1000; // ms

// Two windows side by side read and write one after the other, where the browser has locks.
const alone = (name, work) => (navigator.locks ? navigator.locks.request(name, work) : work());

export class Memory {
  constructor(reader, newest) {
    this.name = `greenroom-bell-${reader}`;
    const state = this.#read();
    // Who was away for a while is not shown all that came meanwhile: it stands under the bell.
    if (!state || Date.now() - state.beat > AWAY) this.#write({ after: newest, known: newest, shown: [] });
    else this.#write(state);
  }

  #read() {
    try {
      return JSON.parse(localStorage.getItem(this.name)) ?? this.own;
    } catch {
      return this.own;
    }
  }

  #write(state) {
    this.own = { ...state, beat: Date.now() };
    try {
      localStorage.setItem(this.name, JSON.stringify(this.own));
    } catch {
      // Refused or full: `own` stands.
    }
  }

  get after() {
    return this.#read().after;
  }

  beat(newest = "") {
    return alone(this.name, () => {
      const state = this.#read();
      this.#write(newest > state.after ? { ...state, after: newest } : state);
    });
  }

  isNews(note) {
    return note.id > this.#read().known;
  }

  // Whether this tab may show it: true for one of them, once.
  claim(id) {
    return alone(this.name, () => {
      const state = this.#read();
      if (state.shown.includes(id)) return false;
      this.#write({ ...state, shown: [...state.shown, id].slice(-KEPT) });
      return true;
    });
  }
}
