// A voice message: recorded with this machine's microphone where the browser allows it, or a sample. The platform here cannot recognise speech,
// so what it recognised is typed.

import { button, el, field, input, toast } from "./dom.js";
import { icon } from "./icon.js";

const RATE = 8000; // samples per second
const LONGEST = 60; // seconds, as on the platform

/** A soft tone of so many seconds as a WAV file, for machines without a microphone. */
export function sample(seconds) {
  const count = RATE * seconds;
  const view = new DataView(new ArrayBuffer(44 + count * 2));
  const ascii = (at, text) => [...text].forEach((sign, place) => view.setUint8(at + place, sign.charCodeAt(0)));
  ascii(0, "RIFF"); view.setUint32(4, 36 + count * 2, true); ascii(8, "WAVEfmt "); view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); view.setUint16(22, 1, true); view.setUint32(24, RATE, true); view.setUint32(28, RATE * 2, true);
  view.setUint16(32, 2, true); view.setUint16(34, 16, true); ascii(36, "data"); view.setUint32(40, count * 2, true);
  for (let place = 0; place < count; place += 1) {
    const fade = Math.min(1, place / 800, (count - place) / 800);
    view.setInt16(44 + place * 2, Math.sin((place / RATE) * 2 * Math.PI * 440) * 5000 * fade, true);
  }
  return new Blob([view], { type: "audio/wav" });
}

class Recording {
  async start() {
    this.stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    this.recorder = new MediaRecorder(this.stream);
    this.chunks = [];
    this.recorder.ondataavailable = ({ data }) => this.chunks.push(data);
    this.began = performance.now();
    this.recorder.start();
  }

  /** {blob, seconds} of what was recorded; the microphone is free again. */
  stop() {
    return new Promise((resolve) => {
      this.recorder.onstop = () => {
        for (const track of this.stream.getTracks()) track.stop();
        resolve({ blob: new Blob(this.chunks, { type: this.recorder.mimeType.split(";")[0] }), seconds: Math.max(1, Math.round((performance.now() - this.began) / 1000)) });
      };
      this.recorder.stop();
    });
  }
}

/** Asks for a voice message and does `act({blob, seconds, recognition})` with it. */
export function askVoice(sheet, act) {
  let recorded = null;
  let recording = null;
  const state = el("p", "note", "没有录音时，发一段示例语音");
  const done = async () => {
    recorded = await recording.stop();
    recording = null;
    record.classList.remove("on");
    state.textContent = `录好了，${recorded.seconds} 秒`;
  };
  const record = button("record", async () => {
    if (recording) return done();
    try {
      const begun = new Recording();
      await begun.start();
      recording = begun;
      record.classList.add("on");
      state.textContent = "正在录音，再点一下停止";
      setTimeout(() => { if (recording === begun) done(); }, LONGEST * 1000);
    } catch {
      toast("不能用麦克风，可以发示例语音");
    }
    return undefined;
  }, icon("microphone"));
  record.setAttribute("aria-label", "录音");
  record.hidden = !(navigator.mediaDevices && window.MediaRecorder);
  const length = input({ type: "number", min: 1, max: LONGEST, value: 3 });
  const recognition = input({ placeholder: "可以不填", maxLength: 500 });
  sheet.ask("语音", [record, state, field("示例秒数", length), field("识别结果", recognition)], "发送", async () => {
    if (recording) await done();
    const seconds = Math.min(LONGEST, Math.max(1, Number(length.value) || 3));
    act({ ...(recorded ?? { blob: sample(seconds), seconds }), recognition: recognition.value.trim() });
  });
}
