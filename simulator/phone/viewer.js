// A picture in full size over the whole page, until it is tapped.

import { $, button, el, picture } from "./dom.js";
import { icon } from "./icon.js";

export function prepare() {
  $("viewer").onclick = () => $("viewer").close();
}

export function view(address) {
  $("viewer").querySelector("img").src = address;
  $("viewer").showModal();
}

/** A picture in the chat, which is viewed large when tapped; a picture without a file is a drawn one. */
export function photo(message, looks = "photo") {
  const blank = el("span", "blank-picture", icon("image"), el("small", "", message.url ? "图片打不开" : "图片已失效"));
  const frame = button(looks, () => { if (frame.querySelector("img")) view(message.url); }, blank);
  frame.setAttribute("aria-label", "图片，点一下放大");
  if (message.url) frame.append(picture(message.url, "图片", () => blank.remove()));
  return frame;
}
