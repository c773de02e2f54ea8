// Pieces of the platform's panel: sections, rows of buttons that do something, choices.

import { button, el, select, toast } from "./dom.js";

export const section = (title, ...children) => el("section", "control", el("h3", "", title), ...children);

/** A button whose errors are told and whose success is too, when there are words for it. */
export function does(label, act, done = "", looks = "chip") {
  const element = button(looks, async () => {
    element.disabled = true;
    try {
      await act();
      if (done) toast(done);
    } catch (error) {
      toast(error.message);
    } finally {
      element.disabled = false;
    }
  }, label);
  return element;
}

export const chips = (...children) => el("div", "chips-row", ...children);

/** A named choice that does its work when it changes. */
export function choice(label, options, chosen, act) {
  const known = options.some(([value]) => String(value) === String(chosen));
  const all = known || chosen === undefined ? options : [[chosen, String(chosen)], ...options];
  const box = select(all, chosen, async (value) => {
    try {
      await act(value);
    } catch (error) {
      toast(error.message);
    }
  });
  return el("label", "choice", el("span", "", label), box);
}

/** The answer of a control, or null when this simulator has no such control. */
export async function perhaps(request) {
  try {
    return await request;
  } catch (error) {
    if (!error.missing) toast(error.message);
    return null;
  }
}

export const note = (text) => el("p", "note", text);
