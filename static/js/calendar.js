// The calendar: draws what the page already lists. A dropped interview goes back to where it was, and its page asks.

const box = document.querySelector("[data-calendar]");
const settings = box.dataset;
const phone = matchMedia("(width < 768px)").matches;
const VIEWS = { "": "timeGridWeek", week: "timeGridWeek", day: "timeGridDay" };

// --- times: the server sends what the reader's clock shows, without an offset ---

function wallNow() {
  const parts = new Intl.DateTimeFormat("sv-SE", { timeZone: settings.zone, dateStyle: "short", timeStyle: "medium" });
  return parts.format(new Date()).replace(" ", "T");
}

const clock = (hour) => `${String(hour).padStart(2, "0")}:00:00`;

// --- the data ---

async function fetchEvents(span) {
  const url = new URL(settings.events, location.href);
  url.searchParams.set("start", span.startStr.slice(0, 10));
  url.searchParams.set("end", span.endStr.slice(0, 10));
  const answer = await fetch(url, { headers: { Accept: "application/json" } });
  if (answer.redirected) throw new Error("You are logged out. Reload the page to log in again.");
  if (!answer.ok) throw new Error("The calendar could not be loaded. Here is the list instead.");
  return (await answer.json()).events;
}

function fail(error) {
  const note = box.querySelector("[data-failure]");
  note.textContent = error.message;
  note.hidden = false;
  showList();
}

function showList() {
  box.querySelector("[data-drawing]").hidden = true;
  box.classList.add("as-list");
}

// --- one interview ---

function part(name, text) {
  const element = document.createElement("span");
  element.className = name;
  element.dir = "auto";
  element.textContent = text;
  return element;
}

function content({ event, view }) {
  const { clock, status, panel } = event.extendedProps;
  // A column of the week is narrow; how long it lasts, the box says.
  const lines =
    view.type === "timeGridWeek"
      ? [part("ev-clock", clock.split("–")[0]), part("ev-who", event.title), part("ev-status", status)]
      : [part("ev-clock", `${clock} · ${status}`), part("ev-who", event.title)];
  if (panel) lines.push(part("ev-panel", panel));
  return { domNodes: lines };
}

function describe({ event, el }) {
  const more = event.extendedProps;
  el.title = [more.clock, event.title, more.what, more.project, more.panel, more.status].filter(Boolean).join("\n");
}

// A new time is only proposed: the page it leads to says what it means and who is told, and asks.
function propose(change, given) {
  const { event } = change;
  const url = new URL(event.extendedProps.move, location.href);
  const said = { ...given(event), zone: settings.zone, version: event.extendedProps.version, back: settings.back };
  for (const [name, value] of Object.entries(said)) url.searchParams.set(name, value);
  change.revert();
  location.assign(url);
}

const minute = (text) => text.slice(0, 16);
const moved = (change) => propose(change, (event) => ({ scheduled_start: minute(event.startStr) }));
const resized = (change) => propose(change, (event) => ({ scheduled_end: minute(event.endStr) }));

function openDay(date) {
  const url = new URL(settings.days, location.href);
  url.searchParams.set("date", date.toISOString().slice(0, 10));
  location.assign(url);
}

function draw(grid) {
  grid.hidden = false;
  const week = VIEWS[settings.view] === "timeGridWeek";
  const hours = { hour: "2-digit", minute: "2-digit", hour12: false };
  const calendar = new FullCalendar.Calendar(grid, {
    initialView: VIEWS[settings.view],
    initialDate: settings.day,
    timeZone: settings.zone,
    now: wallNow,
    nowIndicator: true,
    headerToolbar: false,
    firstDay: 1,
    allDaySlot: false,
    height: "auto",
    stickyHeaderDates: true,
    slotMinTime: clock(settings.from),
    slotMaxTime: clock(settings.to),
    slotLabelFormat: hours,
    eventTimeFormat: hours,
    dayHeaderFormat: { weekday: "short", day: "numeric", month: "short" },
    // Rows as fine as the steps of a drag: with coarser ones FullCalendar takes hold of a row by its middle, and
    // drops an event a step too late.
    slotDuration: "00:15:00",
    slotLabelInterval: "01:00:00",
    slotEventOverlap: false,
    eventMaxStack: Math.max(2, Math.floor(grid.clientWidth / (week ? 7 : 1) / 60)),
    moreLinkContent: ({ num }) => `+${num}`, // its title says the rest
    moreLinkDidMount: ({ el }) => el.setAttribute("role", "button"),
    eventMinHeight: 22,
    locale: "en-GB",
    navLinks: week,
    navLinkDayClick: openDay,
    events: (span, done, failed) => fetchEvents(span).then(done, failed),
    eventSourceFailure: fail,
    loading: (busy) => {
      if (!busy) document.documentElement.dataset.calendar = "ready";
    },
    eventContent: content,
    eventDidMount: describe,
    eventDrop: moved,
    eventResize: resized,
  });
  calendar.render();
}

// --- a day by interviewer: lines of time, where the list says who has what ---

function lanes(rows) {
  const ends = [];
  for (const row of rows) {
    const from = Number(row.dataset.from);
    let lane = ends.findIndex((end) => end <= from);
    if (lane < 0) lane = ends.push(0) - 1;
    ends[lane] = Number(row.dataset.to);
    row.style.setProperty("--lane", lane);
  }
  return ends.length;
}

function hourLine() {
  const line = document.createElement("div");
  line.className = "plan-hours";
  line.setAttribute("aria-hidden", "true");
  for (let hour = Number(settings.from); hour < Number(settings.to); hour += 1) {
    line.append(part("plan-hour", `${String(hour).padStart(2, "0")}:00`));
  }
  return line;
}

function drawPlan(plan) {
  const [from, to] = [Number(settings.from) * 60, Number(settings.to) * 60];
  plan.style.setProperty("--hours", settings.to - settings.from);
  for (const list of plan.querySelectorAll("ul")) {
    for (const row of list.children) {
      row.style.setProperty("--at", (row.dataset.from - from) / (to - from));
      row.style.setProperty("--long", (row.dataset.to - row.dataset.from) / (to - from));
    }
    list.style.setProperty("--lanes", lanes([...list.children]));
  }
  plan.prepend(hourLine());
  plan.classList.add("is-drawn");
}

// --- start ---

const grid = box.querySelector("[data-drawing]");
const plan = box.querySelector("[data-plan]");
if (grid && phone && settings.view === "") {
  showList(); // seven columns do not fit; who asks for the week gets it all the same
  for (const tab of document.querySelectorAll(".cal-tools .tab")) {
    tab.toggleAttribute("aria-current", tab.dataset.view === "list");
    if (tab.dataset.view === "list") tab.setAttribute("aria-current", "page");
  }
} else if (grid) {
  try {
    draw(grid);
  } catch (error) {
    fail(new Error("The calendar could not be drawn. Here is the list instead."));
    console.error(error);
  }
}
if (plan && !phone) drawPlan(plan);
