// Runs before the first paint, so that the page never flashes the other theme. It is a file of its own because the content
// security policy allows no inline script. src/lib/theme.svelte.ts takes over later.
(function () {
  var theme = null;
  try {
    theme = localStorage.getItem("exhibit.theme");
  } catch (_) {
    // Storage is closed: the system's theme it is.
  }
  if (theme !== "light" && theme !== "dark") {
    theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }
  document.documentElement.dataset.theme = theme;
})();
