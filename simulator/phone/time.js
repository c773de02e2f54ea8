// The platform's time, which may be ahead of this machine's and run faster, as a phone in China shows it.

const DAY = 86400;
const ZONE = 8 * 3600;
const WEEKDAYS = ["星期日", "星期一", "星期二", "星期三", "星期四", "星期五", "星期六"];

let base = { platform: Date.now() / 1000, here: Date.now() / 1000, speed: 1 };

/** From now on the platform's clock is known to show `now` and to run `speed` times as fast as a real one. */
export function sync({ now, speed }) {
  base = { platform: now, here: Date.now() / 1000, speed: speed ?? 1 };
}

/** Something happened at this moment: the platform's clock shows at least as much, however it was put forward. */
export function happened(at) {
  if (at > now() + 1) base = { ...base, platform: at, here: Date.now() / 1000 };
}

export const now = () => base.platform + (Date.now() / 1000 - base.here) * base.speed;

const two = (number) => String(number).padStart(2, "0");

function parts(seconds) {
  const date = new Date((seconds + ZONE) * 1000);
  return {
    year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate(), weekday: WEEKDAYS[date.getUTCDay()],
    clock: `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`, second: two(date.getUTCSeconds()),
  };
}

const daysAgo = (seconds) => Math.floor((now() + ZONE) / DAY) - Math.floor((seconds + ZONE) / DAY);

function date(seconds) {
  const { year, month, day, weekday } = parts(seconds);
  const ago = daysAgo(seconds);
  if (ago <= 0) return "";
  if (ago === 1) return "昨天";
  if (ago < 7) return weekday;
  return year === parts(now()).year ? `${month}月${day}日` : `${year}年${month}月${day}日`;
}

/** 14:05, 昨天 14:05, 星期三 14:05, 3月2日 14:05: between messages. */
export const when = (seconds) => [date(seconds), parts(seconds).clock].filter(Boolean).join(" ");

/** 14:05, 昨天, 星期三, 3月2日: in the list. */
export const briefly = (seconds) => date(seconds) || parts(seconds).clock;

/** 2026年3月2日 14:05 */
export function exactly(seconds) {
  const { year, month, day, clock } = parts(seconds);
  return `${year}年${month}月${day}日 ${clock}`;
}

/** An element that says when something was, in words that stay true as days go by: see `retell`. */
export function moment(looks, at, words) {
  const element = document.createElement("span");
  element.className = looks;
  element.retell = () => { const text = words(at); if (element.textContent !== text) element.textContent = text; };
  element.dataset.moment = "";
  element.retell();
  return element;
}

export function retell() {
  for (const element of document.querySelectorAll("[data-moment]")) element.retell();
}

export const clock = (seconds) => parts(seconds).clock;
export const withSeconds = (seconds) => `${parts(seconds).clock}:${parts(seconds).second}`;
export const weekday = (seconds) => parts(seconds).weekday;
