// Line drawings on a grid of 24. `solid` ones are filled instead of stroked.

const SHAPES = {
  back: "M15 5l-7 7 7 7",
  chevron: "M9 5l7 7-7 7",
  down: "M6 9l6 6 6-6",
  close: "M6 6l12 12M18 6L6 18",
  search: "M10.5 4.5a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM15 15l4.5 4.5",
  sliders: "M4 7h9M17 7h3M4 17h3M11 17h9M13 7a2 2 0 1 0 4 0 2 2 0 0 0-4 0zM7 17a2 2 0 1 0 4 0 2 2 0 0 0-4 0z",
  keyboard: "M3.5 6.5h17v11h-17zM7 10h.01M10.3 10h.01M13.7 10h.01M17 10h.01M8 14h8",
  menu: "M5 7h14M5 12h14M5 17h14",
  voice: "M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17zM9 12h.01M11 9.8a3.2 3.2 0 0 1 0 4.4M13.6 8a6 6 0 0 1 0 8",
  smile: "M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17zM8.8 10h.01M15.2 10h.01M8 13.8a4.6 4.6 0 0 0 8 0",
  plus: "M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17zM12 8v8M8 12h8",
  scan: "M4 8.5V5a1 1 0 0 1 1-1h3.5M15.5 4H19a1 1 0 0 1 1 1v3.5M20 15.5V19a1 1 0 0 1-1 1h-3.5M8.5 20H5a1 1 0 0 1-1-1v-3.5M4 12h16",
  image: "M4 5.5h16v13H4zM4 16l5-5 4 4 2.5-2.5L20 17M15.5 9h.01",
  camera: "M4 8h3.5L9 5.5h6L16.5 8H20v11H4zM12 10.2a3.2 3.2 0 1 1 0 6.4 3.2 3.2 0 0 1 0-6.4z",
  video: "M4 6.5h11v11H4zM15 10.5l5-3v9l-5-3",
  place: "M12 20.5s6.5-5.6 6.5-10.5a6.5 6.5 0 0 0-13 0c0 4.9 6.5 10.5 6.5 10.5zM12 7.8a2.3 2.3 0 1 1 0 4.6 2.3 2.3 0 0 1 0-4.6z",
  link: "M10 14a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.7L12 6.3M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.7l1-1",
  music: "M9 17.5V6l10-2v11.5M9 17.5a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0zM19 15.5a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0z",
  mini: "M12 4a8 8 0 1 1 0 16 8 8 0 0 1 0-16zM12 14.5a2 2 0 1 1-2-2M12 9.5a2 2 0 1 1 2 2M12 9.5v5",
  headset: "M5 13v-1a7 7 0 0 1 14 0v1M5 13h2.5v4.5H5zM16.5 13H19v4.5h-2.5zM19 17.5c0 2-2 2.5-5 2.5",
  microphone: "M12 4a2.6 2.6 0 0 1 2.6 2.6v5a2.6 2.6 0 0 1-5.2 0v-5A2.6 2.6 0 0 1 12 4zM6.5 11.5a5.5 5.5 0 0 0 11 0M12 17v3",
  pause: "M9 6v12M15 6v12",
  globe: "M12 4a8 8 0 1 1 0 16 8 8 0 0 1 0-16zM4 12h16M12 4c5 5 5 11 0 16M12 4c-5 5-5 11 0 16",
  copy: "M9 9h10v10H9zM15 9V5H5v10h4",
};
const SOLID = {
  more: "M3.6 12a1.7 1.7 0 1 0 3.4 0 1.7 1.7 0 1 0-3.4 0M10.3 12a1.7 1.7 0 1 0 3.4 0 1.7 1.7 0 1 0-3.4 0M17 12a1.7 1.7 0 1 0 3.4 0 1.7 1.7 0 1 0-3.4 0",
  play: "M8 5.5v13l11-6.5z",
};

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const shape = document.createElementNS("http://www.w3.org/2000/svg", "path");
  shape.setAttribute("d", SHAPES[name] || SOLID[name]);
  if (SOLID[name]) shape.setAttribute("class", "solid");
  svg.append(shape);
  return svg;
}

/** Every element with `data-icon` inside `root` begins with that drawing. */
export function decorate(root) {
  for (const element of root.querySelectorAll("[data-icon]")) element.prepend(icon(element.dataset.icon));
}
