"use strict";

// Follows a mailing while it runs. Without this script the page reloads itself.
(() => {
  const box = document.querySelector("[data-progress]");
  if (!box || box.dataset.over === "true") {
    return;
  }
  const bar = box.querySelector("progress");
  const said = box.querySelector("[data-said]");
  let lastState = box.dataset.state;
  let lastTenth = -1;
  let wait = 1000;

  const show = (found) => {
    for (const cell of box.querySelectorAll("[data-count]")) {
      const number = String(found[cell.dataset.count]);
      if (cell.textContent !== number) {
        cell.textContent = number;
      }
    }
    if (found.state === "counting") {
      bar.removeAttribute("value");
    } else {
      bar.max = Math.max(found.total, 1);
      bar.value = found.over ? bar.max : found.settled;
    }
    for (const part of document.querySelectorAll("[data-when]")) {
      part.hidden = !part.dataset.when.split(" ").includes(found.state);
    }
    // Spoken aloud: each change of state, and each tenth of the way, not every message.
    const tenth = found.total ? Math.floor((10 * found.settled) / found.total) : 0;
    if (found.state !== lastState || tenth !== lastTenth) {
      const label = box.querySelector(`[data-label="${found.state}"]`);
      said.textContent = `${label ? label.textContent : found.state} · ${found.settled} / ${found.total}`;
      lastState = found.state;
      lastTenth = tenth;
    }
  };

  const ask = async () => {
    try {
      const answer = await fetch(box.dataset.progress, { cache: "no-cache", credentials: "same-origin" });
      if (answer.status === 401) {
        location.reload();
        return;
      }
      if (answer.ok) {
        const found = await answer.json();
        show(found);
        wait = 1000;
        if (found.over) {
          return;
        }
      } else {
        wait = Math.min(wait * 2, 15000);
      }
    } catch {
      wait = Math.min(wait * 2, 15000);
    }
    setTimeout(ask, wait);
  };

  setTimeout(ask, 300);
})();
