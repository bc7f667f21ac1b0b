// What pages save by themselves, for the modules that do: sent, and answered as JSON. Any other answer means that the
// connection, the portal or the log-in is lost: `lost` says which, '' where the next try may succeed at once.

export async function send(url, options, renew) {
  try {
    const answer = await fetch(url, { method: "POST", ...options });
    const told = (answer.headers.get("Content-Type") ?? "").includes("json");
    if (told) return { status: answer.status, ...(await answer.json()) };
    if (answer.status >= 500 || answer.status === 429) return { lost: "the portal does not answer" };
    return { lost: (await renew()) ? "" : "please log in again, in another window" };
  } catch {
    return { lost: "no connection" };
  }
}

// Whoever has logged in again has a new token for forms: the form takes it over, if it is the same person's.
export async function renew(form, selector) {
  const answer = await fetch(form.action, { headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector(selector);
  const token = fresh?.querySelector("[name=csrf_token]");
  if (!token || fresh.dataset.user !== form.dataset.user) return false;
  form.elements.csrf_token.value = token.value;
  return true;
}
