// A voice message: a bubble as wide as it is long, which plays when the browser knows its format.

import { button, el, toast } from "./dom.js";
import { icon } from "./icon.js";

let playing = null;

function stop() {
  playing?.audio.pause();
  playing?.bubble.classList.remove("playing");
  playing = null;
}

function play(audio, bubble) {
  const again = playing?.audio === audio;
  stop();
  if (again) return;
  playing = { audio, bubble };
  bubble.classList.add("playing");
  audio.currentTime = 0;
  audio.play().catch(() => { stop(); toast("浏览器放不了这种格式的语音"); });
}

function measure(bubble, length, seconds) {
  const whole = Math.max(1, Math.round(seconds));
  length.textContent = `${whole}″`;
  bubble.style.width = `${Math.min(230, 78 + whole * 4)}px`;
  bubble.setAttribute("aria-label", `语音，${whole} 秒，点一下播放`);
}

/** The bubble, and below it what the platform recognised in the voice. */
export function voice(message) {
  const length = el("span", "length", "语音");
  const bubble = button("bubble voice", null, icon("voice"), length);
  bubble.setAttribute("aria-label", "语音，点一下播放");
  if (message.url) {
    const audio = new Audio();
    audio.preload = "metadata";
    audio.onloadedmetadata = () => { if (!message.seconds && Number.isFinite(audio.duration)) measure(bubble, length, audio.duration); };
    audio.onended = stop;
    audio.src = message.url;
    bubble.onclick = () => play(audio, bubble);
  } else {
    bubble.onclick = () => toast("这条语音没有声音文件");
  }
  if (message.seconds) measure(bubble, length, message.seconds);
  return el("div", "stack", bubble, message.recognition && el("div", "heard", message.recognition));
}
