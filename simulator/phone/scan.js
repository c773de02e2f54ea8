// 扫一扫: the codes the account has made, and any scene one likes to type.

import { el, field, input, picture, toast } from "./dom.js";
import { icon } from "./icon.js";
import * as server from "./server.js";
import { row } from "./sheet.js";
import { exactly } from "./time.js";

async function codes() {
  try {
    return await server.codes();
  } catch (error) {
    if (!error.missing) toast(error.message);
    return [];
  }
}

function life(code) {
  if (code.permanent) return "永久二维码";
  return code.until ? `有效到 ${exactly(code.until)}` : "临时二维码";
}

function choice(code, act) {
  const image = el("span", "qr", icon("scan"), picture(code.picture, ""));
  return row(() => act(code), image, el("span", "", el("strong", "", String(code.scene)), el("small", "", life(code))));
}

/** Asks which code is scanned: `act({ticket})` for one of the account's, `act({scene})` for a typed one. */
export async function askScene(sheet, title, act) {
  const known = await codes();
  const scene = input({ placeholder: "例如 store_01", maxLength: 64 });
  const none = known.length ? null : el("p", "note", "公众号还没有生成过带参数的二维码，可以直接填一个场景值");
  const list = known.map((code) => choice(code, () => { sheet.close(); act({ ticket: code.ticket }); }));
  sheet.ask(title, [none, ...list, field("场景值", scene)], "扫这个场景", () => {
    if (!scene.value.trim()) throw new Error("先填一个场景值");
    act({ scene: scene.value.trim() });
    return true;
  });
}

/** Asks what a menu's scanner reads: the words in a code, or one of the account's own codes. */
export async function askCode(sheet, title, act) {
  const known = await codes();
  const words = input({ placeholder: "条码或二维码里的内容" });
  const list = known.map((code) => choice(code, () => { sheet.close(); act(code.url || String(code.scene)); }));
  sheet.ask(title, [...list, field("内容", words)], "扫到了", () => {
    if (!words.value.trim()) throw new Error("先填扫到的内容");
    act(words.value.trim());
    return true;
  });
}

