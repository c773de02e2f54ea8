// The account's menu at the foot of the chat: three buttons, their lists, and what each kind of button asks for before it does its work.

import { button, el } from "./dom.js";
import { askFile } from "./file.js";
import { icon } from "./icon.js";
import { askPlace } from "./place.js";
import { askCode } from "./scan.js";
import * as server from "./server.js";
import * as visit from "./visit.js";

const PICTURES = { pic_sysphoto: true, pic_photo_or_album: false, pic_weixin: false };

export class Menubar {
  /** `act(request)` does a control of the phone's follower and shows what comes of it. */
  constructor(phone, box) {
    this.phone = phone;
    this.box = box;
    this.shown = "";
    phone.root.addEventListener("click", (event) => { if (!event.target.closest(".entry")) this.fold(); });
    phone.root.addEventListener("keydown", (event) => { if (event.key === "Escape") this.fold(); });
  }

  /** The buttons are these; whether there are any. */
  show(buttons) {
    const looks = JSON.stringify(buttons);
    if (looks !== this.shown) {
      this.shown = looks;
      this.box.replaceChildren(...(buttons ?? []).map((item, place) => this.entry(item, [place])));
    }
    return Boolean(buttons?.length);
  }

  entry(item, path) {
    const items = item.sub_button?.list ?? item.sub_button ?? [];
    if (!items.length) return el("div", "entry", button("", () => this.tap(item, path), el("span", "", item.name)));
    const list = el("div", "pop", ...items.map((inner, place) => button("", () => { this.fold(); this.tap(inner, [...path, place]); }, inner.name)));
    list.hidden = true;
    const opener = button("", () => {
      const open = list.hidden;
      this.fold();
      list.hidden = !open;
      opener.setAttribute("aria-expanded", String(open));
      if (open) this.phone.chat.bottom();
    }, icon("menu"), el("span", "", item.name));
    opener.setAttribute("aria-expanded", "false");
    opener.setAttribute("aria-haspopup", "true");
    return el("div", "entry", opener, list);
  }

  fold() {
    for (const list of this.box.querySelectorAll(".pop")) list.hidden = true;
    for (const opener of this.box.querySelectorAll("[aria-expanded]")) opener.setAttribute("aria-expanded", "false");
  }

  tap(item, path) {
    const { sheet } = this.phone;
    const send = (more) => this.send(item, path, more);
    if (item.type?.startsWith("scancode")) askCode(sheet, item.name, (result) => send({ result }));
    else if (item.type === "location_select") askPlace(sheet, item.name, (location) => send({ location }));
    else if (item.type in PICTURES) askFile("image/*", PICTURES[item.type], (file) => this.picture(item, path, file));
    else send({});
  }

  picture(item, path, file) {
    return this.phone.act(async (openid) => {
      const { media_id } = await server.upload("image", file.name, file);
      return server.tap(openid, path, { media_id });
    });
  }

  async send(item, path, more) {
    const outcome = await this.phone.act((openid) => server.tap(openid, path, more));
    if (!outcome) return;
    if (item.type === "miniprogram") visit.miniProgram(this.phone.sheet, { title: item.name, app_id: item.appid, path: item.pagepath });
    else if (outcome.opened) visit.page(this.phone.sheet, outcome.opened);
  }
}
