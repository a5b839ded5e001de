"use strict";

// Draws the parts to cover on the picture. Without this script they are given as numbers, which this one fills in.
(() => {
  const form = document.querySelector("form[data-cover]");
  if (!form) {
    return;
  }
  const canvas = form.querySelector(".canvas");
  const layer = canvas.querySelector("svg");
  const list = form.querySelector(".boxes");
  const edges = ["left", "top", "width", "height"];
  const field = (row, edge) => row.querySelector(`[name="${edge}"]`);
  const rows = () => [...list.querySelectorAll("[data-box]")];
  const isEmpty = (row) => edges.every((edge) => field(row, edge).value === "");

  const show = () => {
    layer.replaceChildren();
    for (const row of rows()) {
      const [x, y, width, height] = edges.map((edge) => Number(field(row, edge).value));
      if (width > 0 && height > 0) {
        const part = document.createElementNS("http://www.w3.org/2000/svg", "rect");
        for (const [name, value] of Object.entries({ x, y, width, height })) {
          part.setAttribute(name, value);
        }
        layer.append(part);
      }
    }
  };

  const emptyRow = () => {
    const found = rows().find(isEmpty);
    if (found) {
      return found;
    }
    const made = rows().at(-1).cloneNode(true);
    for (const edge of edges) {
      field(made, edge).value = "";
    }
    made.querySelector("[data-number]").textContent = String(rows().length + 1);
    list.append(made);
    return made;
  };

  const place = (event) => {
    const frame = canvas.getBoundingClientRect();
    const part = (value, start, length) => Math.min(100, Math.max(0, (100 * (value - start)) / length));
    return [part(event.clientX, frame.left, frame.width), part(event.clientY, frame.top, frame.height)];
  };

  let drawn = null;
  const stretch = (event) => {
    const [x, y] = place(event);
    const values = [
      Math.min(x, drawn.x),
      Math.min(y, drawn.y),
      Math.abs(x - drawn.x),
      Math.abs(y - drawn.y),
    ];
    edges.forEach((edge, index) => {
      field(drawn.row, edge).value = values[index].toFixed(2);
    });
    show();
  };

  canvas.classList.add("draws");
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button === 0) {
      const [x, y] = place(event);
      drawn = { row: emptyRow(), x, y };
      canvas.setPointerCapture(event.pointerId);
      event.preventDefault();
    }
  });
  canvas.addEventListener("pointermove", (event) => {
    if (drawn) {
      stretch(event);
    }
  });
  const finish = (event) => {
    if (!drawn) {
      return;
    }
    stretch(event);
    // A mere click covers nothing.
    if (Number(field(drawn.row, "width").value) < 0.2 || Number(field(drawn.row, "height").value) < 0.2) {
      for (const edge of edges) {
        field(drawn.row, edge).value = "";
      }
      show();
    }
    drawn = null;
  };
  canvas.addEventListener("pointerup", finish);
  canvas.addEventListener("pointercancel", finish);
  list.addEventListener("input", show);
  show();
})();
