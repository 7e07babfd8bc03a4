// Finding on the page, and the contents on small screens. Everything can be read without it.
"use strict";
(function () {
  const find = document.getElementById("find");
  const none = document.getElementById("none");
  const menu = document.getElementById("menu");
  const nav = document.getElementById("nav");

  function narrow() {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const item of document.querySelectorAll("[data-words]")) {
      const match = words.every((word) => item.dataset.words.includes(word));
      item.hidden = !match;
      if (match) shown += 1;
      const link = nav.querySelector('a[href="#' + item.id + '"]');
      if (link) link.parentElement.hidden = !match;
    }
    for (const group of document.querySelectorAll(".group")) {
      group.hidden = words.length > 0 && !group.querySelector("[data-words]:not([hidden])");
    }
    none.hidden = shown > 0;
  }

  function toggle(open) {
    menu.setAttribute("aria-expanded", String(open));
    nav.classList.toggle("open", open);
  }

  find.addEventListener("input", narrow);
  menu.addEventListener("click", () => toggle(menu.getAttribute("aria-expanded") !== "true"));
  nav.addEventListener("click", (event) => {
    if (event.target.closest("a")) toggle(false);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== find) {
      event.preventDefault();
      find.focus();
    }
    if (event.key === "Escape") toggle(false);
  });
})();
