/*
 * Keeps the part of an admin page that shows work under way fresh, until the work is done.
 *
 * On the script tag: data-part is the selector of the part that is fetched anew and replaced,
 * data-watch the selector that matches while there is work under way.
 * Without JavaScript the page shows the state as of its loading.
 */
(() => {
  const { part = "#changelist-form", watch } = document.currentScript.dataset;
  const every = 1500;

  async function renew() {
    const response = await fetch(location.href, { credentials: "same-origin" });
    if (!response.ok) return;
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html").querySelector(part);
    const old = document.querySelector(part);
    // Somebody is choosing rows or writing: replacing the form would lose it.
    const written = (field) => field.value !== field.defaultValue;
    if (!fresh || !old || old.querySelector("input[type=checkbox]:checked")) return;
    if ([...old.querySelectorAll("textarea, input[type=text]")].some(written)) return;
    const held = old.contains(document.activeElement) && document.activeElement.closest("form")?.getAttribute("action");
    old.replaceWith(fresh);
    if (held) fresh.querySelector(`form[action="${CSS.escape(held)}"] button`)?.focus();
  }

  async function follow() {
    if (document.querySelector(part)?.querySelector(watch) && !document.hidden) {
      await renew().catch((error) => console.warn("GridKit: the page could not be renewed.", error));
    }
    setTimeout(follow, every);
  }
  document.addEventListener("DOMContentLoaded", () => setTimeout(follow, every));
})();
