// What opens below the input: the "+" with its eight things to send or do, and a few faces.

import { button, el, field, input } from "./dom.js";
import { askFile } from "./file.js";
import { icon } from "./icon.js";
import { askPlace } from "./place.js";
import { askVoice } from "./recorder.js";
import { askScene } from "./scan.js";
import * as server from "./server.js";

const FACES = [..."😀😄😂🙂😉😍😘😎🤔😅😭😡👍👏🙏💪🎉🌹❤️🔥☕🍉🎁✅".matchAll(/\p{Emoji}\uFE0F?/gu)].map(([face]) => face);

function item(name, label, act) {
  return button("item", act, el("span", "tile", icon(name)), label);
}

/** The "+" panel's things. */
export function things(phone) {
  const picture = (camera) => askFile("image/*", camera, (file) => sendFile(phone, "image", file));
  return el("div", "things",
    item("image", "照片", () => picture(false)),
    item("camera", "拍摄", () => picture(true)),
    item("voice", "语音", () => voice(phone)),
    item("video", "视频", () => askFile("video/*", false, (file) => sendFile(phone, "video", file))),
    item("place", "位置", () => askPlace(phone.sheet, "发送位置", (place) => phone.send(
      { type: "location", x: place.x, y: place.y, scale: place.scale, label: place.label },
    ))),
    item("link", "链接", () => askLink(phone)),
    item("scan", "扫一扫", () => scan(phone)),
    item("more", "资料", () => phone.showProfile()),
  );
}

export function faces(act) {
  return el("div", "faces", ...FACES.map((face) => button("", () => act(face), face)));
}

/** 扫一扫: follows the account, or is seen by it, with the scene of a code. */
export function scan(phone) {
  return askScene(phone.sheet, "扫一扫", (what) => phone.act((openid) => server.scan(openid, what)));
}

export function voice(phone) {
  askVoice(phone.sheet, ({ blob, seconds, recognition }) => {
    const extension = blob.type.split("/")[1] || "wav";
    const shown = { type: "voice", url: URL.createObjectURL(blob), seconds, recognition };
    phone.send(shown, () => server.upload("voice", `voice.${extension}`, blob), recognition ? { recognition } : {});
  });
}

function sendFile(phone, kind, file) {
  phone.send({ type: kind, url: URL.createObjectURL(file) }, () => server.upload(kind, file.name, file), {});
}

function askLink(phone) {
  const url = input({ type: "url", placeholder: "https://", required: true });
  const title = input({ placeholder: "标题", required: true, maxLength: 100 });
  const description = input({ placeholder: "可以不填", maxLength: 200 });
  phone.sheet.ask("发送链接", [field("地址", url), field("标题", title), field("描述", description)], "发送", () => {
    phone.send({ type: "link", title: title.value, description: description.value, url: url.value });
  });
}
