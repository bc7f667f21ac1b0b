// One polite region for what a screen reader should hear.
export function say(text) {
  const region = document.getElementById("live");
  if (region && region.textContent !== text) region.textContent = text;
}
