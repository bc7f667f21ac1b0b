// The API's document as a page to read and to try things on. Who is logged in asks as themselves.

const box = document.getElementById("api-docs");
const root = document.documentElement;

function dress() {
  root.classList.toggle("dark-mode", root.dataset.bsTheme === "dark");
}

dress();
new MutationObserver(dress).observe(root, { attributes: true, attributeFilter: ["data-bs-theme"] });

function sign(request) {
  if (box.dataset.csrf && !request.headers.Authorization) request.headers["X-CSRFToken"] = box.dataset.csrf;
  return request;
}

window.SwaggerUIBundle({
  domNode: box,
  url: box.dataset.document,
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
  requestInterceptor: sign,
});
