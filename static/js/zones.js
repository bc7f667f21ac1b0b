// The note beside a time follows the zone that the form names and the day that was chosen: it says whose time it is.

function offset(zone, wall) {
  const at = wall ? new Date(`${wall}Z`) : new Date();
  if (Number.isNaN(at.getTime())) return "";
  const parts = new Intl.DateTimeFormat("en-GB", { timeZone: zone, timeZoneName: "longOffset" }).formatToParts(at);
  const name = parts.find((part) => part.type === "timeZoneName")?.value ?? "";
  return name === "GMT" ? "UTC+00:00" : name.replace("GMT", "UTC");
}

export function start(page) {
  for (const note of page.querySelectorAll("[data-zone-of]")) {
    const form = note.closest("form");
    const time = form?.elements[note.dataset.zoneOf];
    const zone = form?.elements[note.dataset.zoneFrom];
    if (!time || !zone) continue;
    const tell = () => {
      if (zone.value) note.textContent = `${zone.value}, ${offset(zone.value, time.value)}`;
    };
    zone.addEventListener("change", tell);
    time.addEventListener("change", tell);
  }
}
