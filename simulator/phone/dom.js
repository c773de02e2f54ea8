// Building elements. Text only ever becomes text: nothing here, or anywhere on this page, parses HTML from a message.

import { icon } from "./icon.js";

export const $ = (id) => document.getElementById(id);

/** An element with classes and children; strings become text nodes, nothing becomes nothing. */
export function el(tag, className = "", ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== "" && child !== false));
  return element;
}

/** A button that does something. `looks` are its class names. */
export function button(looks, act, ...children) {
  return Object.assign(el("button", looks, ...children), { type: "button", onclick: act });
}

/** A button that shows only a drawing; `label` is what a screen reader says. */
export function iconButton(looks, name, label, act) {
  const element = button(looks, act, icon(name));
  element.setAttribute("aria-label", label);
  element.title = label;
  return element;
}

/** A line of a form: what it is called, and the field. */
export function field(label, input) {
  return el("label", "field", el("span", "", label), input);
}

export function input(facts) {
  return Object.assign(document.createElement("input"), { type: "text", autocomplete: "off", ...facts });
}

export function select(options, chosen, act) {
  const element = document.createElement("select");
  for (const [value, label] of options) element.append(new Option(label, value, false, String(value) === String(chosen)));
  if (act) element.onchange = () => act(element.value);
  return element;
}

/** An avatar: the first sign of a name on its colour. */
export function face(name, color) {
  const element = el("span", "face", [...(name || "?")][0]);
  element.style.backgroundColor = color;
  element.setAttribute("aria-hidden", "true");
  return element;
}

/** The address if it is one a page may open, else null. A path is one of this platform's own pages, as articles have. */
export function safeUrl(address) {
  try {
    const url = address?.startsWith("/") ? new URL(address, location.origin) : new URL(address);
    return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
  } catch {
    return null;
  }
}

/** The children, made a link when the address is safe. */
export function link(address, className, ...children) {
  const href = safeUrl(address);
  const element = el(href ? "a" : "div", className, ...children);
  if (href) Object.assign(element, { href, target: "_blank", rel: "noopener noreferrer" });
  return element;
}

/** A picture that is there once it has loaded; until then, and without a network, what lies behind it is seen. */
export function picture(address, label, act) {
  const image = Object.assign(document.createElement("img"), { alt: label, decoding: "async", draggable: false });
  image.className = "loading";
  image.onload = () => { image.className = ""; act?.(image); };
  image.onerror = () => image.remove();
  image.src = address;
  return image;
}

let fading;
export function toast(text) {
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(fading);
  fading = setTimeout(() => { $("toast").hidden = true; }, 2600);
}

export async function copy(text, element) {
  try {
    await navigator.clipboard.writeText(text);
    toast("已复制");
  } catch { // browsers keep the clipboard from pages that come over plain HTTP from another machine
    getSelection().selectAllChildren(element);
    toast("已选中，请手动复制");
  }
}
