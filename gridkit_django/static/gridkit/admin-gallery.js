/*
 * Shows the pictures of a plugin large, one after the other, over the page.
 *
 * A click or the enter key on a picture opens it, the arrow keys turn over, escape closes and leads back to the
 * picture that was open last. Without JavaScript each picture is a link to itself.
 */
document.addEventListener("DOMContentLoaded", () => {
  const links = [...document.querySelectorAll(".gridkit-pictures a")];
  const viewer = document.querySelector(".gridkit-viewer");
  if (!links.length || !viewer?.showModal) return;
  const [image, caption] = [viewer.querySelector("img"), viewer.querySelector("p")];
  const turns = viewer.querySelectorAll("[data-turn]");
  let shown = 0;

  function show(number) {
    shown = (number + links.length) % links.length;
    const [picture, words] = [links[shown].querySelector("img"), links[shown].querySelector("span")];
    image.src = links[shown].href;
    image.alt = words?.textContent ?? picture.alt;
    caption.textContent = words ? `${picture.alt}: ${words.textContent}` : picture.alt;
  }

  turns.forEach((button) => {
    button.hidden = links.length < 2;
    button.addEventListener("click", () => show(shown + Number(button.dataset.turn)));
  });
  links.forEach((link, number) => {
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      show(number);
      viewer.showModal();
    });
  });
  viewer.addEventListener("keydown", (event) => {
    const turn = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (turn) show(shown + turn);
  });
  viewer.addEventListener("click", (event) => {
    if (event.target === viewer || event.target.closest("[data-close]")) viewer.close();
  });
  viewer.addEventListener("close", () => links[shown].focus());
});
