// What slides up over one phone: a form, a list, a question. One at a time; Escape or a tap beside it closes it.

import { button, el, iconButton, toast } from "./dom.js";

const TRAY = "button, input, select, textarea, a[href]";

export class Sheet {
  constructor(layer) {
    this.layer = layer;
    layer.addEventListener("click", (event) => { if (event.target === layer) this.close(); });
    layer.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.close();
    });
  }

  /** The sheet is there and has the keyboard. `looks`: "page" fills the phone, otherwise it comes up from below. */
  open(title, children, looks = "tray") {
    const again = !this.layer.hidden && this.title === title; // the same sheet with new words: it stands still and keeps the focus's place
    const place = again ? [...this.layer.querySelectorAll(TRAY)].indexOf(document.activeElement) : -1;
    if (this.layer.hidden) this.before = document.activeElement;
    this.title = title;
    this.layer.classList.toggle("still", again);
    const head = el("header", "sheet-head", el("h3", "", title), iconButton("round", looks === "page" ? "back" : "close", "关闭", () => this.close()));
    const box = el("div", `sheet ${looks}`, head, el("div", "sheet-body", ...children));
    box.setAttribute("role", "dialog");
    box.setAttribute("aria-modal", "true");
    box.setAttribute("aria-label", title);
    this.layer.replaceChildren(box);
    this.layer.hidden = false;
    this.others((other) => { other.inert = true; });
    const stops = box.querySelectorAll(TRAY);
    (stops[place] ?? stops[0]).focus({ preventScroll: true });
  }

  close() {
    if (this.layer.hidden) return;
    this.others((other) => { other.inert = false; });
    this.layer.hidden = true;
    this.layer.replaceChildren();
    this.before?.focus?.({ preventScroll: true });
  }

  /** A form whose button does `act()` and closes the sheet; an error is told and the sheet stays. */
  ask(title, children, label, act) {
    const form = el("form", "form", ...children, Object.assign(button("primary", null, label), { type: "submit" }));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        if ((await act()) !== false) this.close();
      } catch (error) {
        toast(error.message);
      }
    });
    this.open(title, [form]);
  }

  others(act) {
    for (const other of this.layer.parentElement.children) if (other !== this.layer) act(other);
  }
}

/** A row of a list in a sheet. */
export function row(act, ...children) {
  return button("sheet-row", act, ...children);
}
