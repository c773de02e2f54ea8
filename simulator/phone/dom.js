// Building elements. Text only ever becomes text: nothing here, or anywhere on this page, parses HTML from a message.

export const $ = (id) => document.getElementById(id);

/** An element with classes, properties and children; strings become text nodes. */
export function el(tag, className = "", ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

/** An avatar: the first sign of a name on its colour. */
export function face(name, color) {
  const element = el("span", "face", [...name][0] || "?");
  element.style.background = color;
  element.setAttribute("aria-hidden", "true");
  return element;
}

export function icon(path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const shape = document.createElementNS("http://www.w3.org/2000/svg", "path");
  shape.setAttribute("d", path);
  svg.append(shape);
  return svg;
}

/** The address if it is one a page may open, else null. */
export function safeUrl(address) {
  try {
    const url = new URL(address);
    return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
  } catch {
    return null;
  }
}

/** `into`, made a link when the address is safe. */
export function link(address, className, ...children) {
  const href = safeUrl(address);
  const element = el(href ? "a" : "div", className, ...children);
  if (href) Object.assign(element, { href, target: "_blank", rel: "noopener noreferrer" });
  return element;
}

/** 14:05, 昨天 14:05, 3月2日 14:05. */
export function when(seconds) {
  const date = new Date(seconds * 1000);
  const clock = `${String(date.getHours()).padStart(2, "0")}:${String(date.getMinutes()).padStart(2, "0")}`;
  const midnight = new Date().setHours(0, 0, 0, 0);
  if (date >= midnight) return clock;
  if (date >= midnight - 86400000) return `昨天 ${clock}`;
  return `${date.getMonth() + 1}月${date.getDate()}日 ${clock}`;
}

let fading;
export function toast(text) {
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(fading);
  fading = setTimeout(() => { $("toast").hidden = true; }, 2200);
}
