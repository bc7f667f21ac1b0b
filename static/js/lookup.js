// Pick-lists: Tom Select on [data-lookup] (asks the server) and [data-pick] (options of the page).
// Its files are fetched only where such a field stands.

function load() {
  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = document.body.dataset.tomCss;
  const ours = document.querySelector("link[rel=stylesheet][href*='css/tokens.css']");
  ours.before(style); // ours come after it and win
  const script = document.createElement("script");
  script.src = document.body.dataset.tomJs;
  const ready = [style, script].map((it) => new Promise((resolve, reject) => {
    it.addEventListener("load", resolve);
    it.addEventListener("error", reject);
  }));
  document.head.append(script);
  return Promise.all(ready);
}

function line(item, escape) {
  const hint = item.hint ? `<small class="hint" dir="auto">${escape(item.hint)}</small>` : "";
  return `<div dir="auto">${escape(item.label ?? "")}${hint}</div>`;
}

const render = {
  option: line,
  item: (item, escape) => `<div dir="auto">${escape(item.label ?? "")}</div>`,
  no_results: () => '<div class="no-results">Nothing found</div>',
};

function common(select) {
  const required = select.required;
  return {
    plugins: select.multiple ? { remove_button: { title: "Remove" } } : required ? [] : { clear_button: { title: "Clear" } },
    placeholder: select.dataset.placeholder ?? (select.dataset.lookup ? "Type to search" : "Choose"),
    maxOptions: null,
    closeAfterSelect: !select.multiple,
    hidePlaceholder: true,
    allowEmptyOption: false,
    // Tom Select would draw the list 300 ms after the last key, and take the focus back from whoever has chosen and gone on.
    refreshThrottle: 0,
    render,
    onInitialize() {
      name(this, select);
    },
    onItemAdd() {
      this.setTextboxValue("");
      if (!select.multiple) this.blur();
    },
  };
}

// What the native field said about itself, the visible one says too.
function name(box, select) {
  for (const attribute of ["aria-describedby", "aria-invalid", "aria-label"]) {
    const value = select.getAttribute(attribute);
    if (value) box.control_input.setAttribute(attribute, value);
  }
  if (select.required) box.control_input.setAttribute("aria-required", "true");
  select.setAttribute("aria-hidden", "true"); // its label now names the visible field
}

function remote(select) {
  let latest = null;
  let answered = new Set(); // what the server found last; a kept choice that does not match stays out of the list
  return new window.TomSelect(select, {
    ...common(select),
    valueField: "id",
    labelField: "label",
    searchField: [],
    score: () => (option) => (answered.has(String(option.id)) ? 1 : 0), // searched and sorted by the server
    onFocus() {
      this.loadedSearches = {}; // the first page afresh, not what an earlier search left
      this.load("");
    },
    loadThrottle: 200,
    shouldLoad: () => true,
    load(text, done) {
      latest?.abort();
      latest = new AbortController();
      const url = new URL(select.dataset.lookup, location.href);
      url.searchParams.set("q", text);
      fetch(url, { headers: { Accept: "application/json" }, signal: latest.signal })
        .then((answer) => (answer.ok ? answer.json() : []))
        .then((items) => {
          this.clearOptions((option) => this.items.includes(String(option.id)));
          answered = new Set(items.map((item) => String(item.id)));
          done(items);
        })
        .catch(() => done()); // a later question overtook this one, or the network failed
    },
  });
}

function local(select) {
  return new window.TomSelect(select, {
    ...common(select),
    valueField: "value",
    labelField: "label",
    searchField: ["label"],
    sortField: [{ field: "$order" }, { field: "$score" }],
  });
}

// Tom Select reads an option's text as `text`; ours is `label` everywhere.
function labelOptions(select) {
  for (const option of select.options) {
    option.dataset.data = JSON.stringify({ id: option.value, value: option.value, label: option.label });
  }
}

export async function start(root) {
  const fields = [...root.querySelectorAll("select[data-lookup], select[data-pick]")];
  if (!fields.length) return;
  try {
    await load();
  } catch {
    return; // the plain lists stay usable
  }
  for (const select of fields) {
    labelOptions(select);
    (select.dataset.lookup ? remote : local)(select);
  }
}
