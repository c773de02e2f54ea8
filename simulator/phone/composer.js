// Writing: the input, what the follower wrote lately as chips, and the panel below.

import { button } from "./dom.js";
import { faces, things, voice } from "./panel.js";

const FIRST = ["签到", "积分", "问卷", "菜单", "营业时间"];
const STORE = "yizhan-simulator-said";
const CHIPS = 8;

/** What was said lately from this browser, newest last asked for first. */
function lately() {
  try {
    const said = JSON.parse(localStorage.getItem(STORE));
    return Array.isArray(said) ? said.filter((text) => typeof text === "string") : FIRST;
  } catch {
    return FIRST;
  }
}

function remember(text) {
  if ([...text].length > 12 || lately().includes(text)) return;
  try {
    localStorage.setItem(STORE, JSON.stringify([text, ...lately()].slice(0, CHIPS)));
  } catch { /* a browser that keeps nothing has the first chips only */ }
}

export class Composer {
  constructor(phone, part) {
    Object.assign(this, { phone, part, text: part("text"), panel: part("panel") });
    this.text.addEventListener("input", () => this.fit());
    this.text.addEventListener("focus", () => this.fold());
    this.text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return; // Enter also confirms a Chinese input method's choice
      event.preventDefault();
      this.submit();
    });
    part("composer").addEventListener("submit", (event) => { event.preventDefault(); this.submit(); });
    part("voice").onclick = () => voice(phone);
    part("plus").onclick = () => this.unfold("plus", () => things(phone));
    part("smile").onclick = () => this.unfold("smile", () => faces((face) => this.insert(face)));
    this.chips();
  }

  submit() {
    const words = this.text.value.trim();
    if (!words) return;
    this.text.value = "";
    this.fit();
    this.phone.say(words);
    remember(words);
    this.chips();
  }

  chips() {
    this.part("chips").replaceChildren(...lately().map((words) => button("", () => this.phone.say(words), words)));
  }

  insert(face) {
    const { selectionStart, selectionEnd } = this.text;
    this.text.setRangeText(face, selectionStart, selectionEnd, "end");
    this.fit();
  }

  /** The field is as high as its text, up to five lines; "+" gives way to 发送 when there is something to send. */
  fit() {
    this.text.style.height = "auto";
    this.text.style.height = `${this.text.scrollHeight}px`;
    const blank = !this.text.value.trim();
    this.part("send").hidden = blank;
    this.part("plus").hidden = !blank;
  }

  unfold(name, build) {
    const open = this.opened === name;
    this.fold();
    if (open) return;
    this.opened = name;
    this.part(name).setAttribute("aria-expanded", "true");
    this.panel.replaceChildren(build());
    this.panel.hidden = false;
  }

  fold() {
    for (const name of ["plus", "smile"]) this.part(name).setAttribute("aria-expanded", "false");
    this.panel.hidden = true;
    this.opened = null;
  }
}
