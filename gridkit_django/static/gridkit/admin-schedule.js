/*
 * Keeps the list of saved views in the form of a scheduled export true: it shows those that the owner sees in the grid.
 *
 * Without JavaScript the list is that of the owner and the grid that were sent or stored last.
 */
document.addEventListener("DOMContentLoaded", () => {
  const [view, grid, owner] = ["id_view", "id_grid", "id_owner"].map((id) => document.getElementById(id));
  if (!view || !grid || !owner) return;
  let asked = 0;

  async function renew() {
    const mine = ++asked;
    const query = new URLSearchParams({ grid: grid.value, owner: owner.value });
    const response = await fetch(`${view.dataset.views}?${query}`, { credentials: "same-origin" });
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    const { views } = await response.json();
    // Somebody chose again meanwhile: the later answer counts.
    if (mine !== asked) return;
    const chosen = view.value;
    const none = view.options[0];
    view.replaceChildren(none, ...views.map(([id, name]) => new Option(name, id, false, id === chosen)));
    if (!views.some(([id]) => id === chosen)) none.selected = true;
  }
  const follow = () => renew().catch((error) => console.warn("GridKit: the views could not be read.", error));
  grid.addEventListener("change", follow);
  // The owner's box is select2, which tells its changes through jQuery only.
  window.django?.jQuery?.(owner).on("change", follow);
});
