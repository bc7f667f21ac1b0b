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

// Within the button that opens an operation, its path is a link: two controls in one. Here it is a text.
const plain = () => ({
  wrapComponents: {
    DeepLink: (Original, { React }) => ({ text }) => React.createElement("span", null, text),
  },
});

window.SwaggerUIBundle({
  domNode: box,
  url: box.dataset.document,
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
  requestInterceptor: sign,
  plugins: [plain],
});
