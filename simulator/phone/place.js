// Choosing a place: one with a name, or any by its coordinates.

import { el, field, input } from "./dom.js";
import { icon } from "./icon.js";
import { row } from "./sheet.js";

const PLACES = [
  { label: "北京市东城区东长安街", poiname: "天安门广场", x: 39.9037, y: 116.3976 },
  { label: "上海市黄浦区人民大道", poiname: "人民广场", x: 31.2304, y: 121.4737 },
  { label: "广州市海珠区阅江西路 222 号", poiname: "广州塔", x: 23.1065, y: 113.3245 },
  { label: "深圳市南山区滨海大道", poiname: "深圳湾公园", x: 22.5163, y: 113.9546 },
  { label: "杭州市西湖区龙井路 1 号", poiname: "西湖风景名胜区", x: 30.2429, y: 120.1501 },
  { label: "成都市锦江区春熙路", poiname: "春熙路", x: 30.6571, y: 104.0817 },
];
const SCALE = 16;

/** Asks for a place and does `act({x, y, scale, label, poiname})` with it. */
export function askPlace(sheet, title, act) {
  const known = PLACES.map((place) => row(
    () => { sheet.close(); act({ ...place, scale: SCALE }); },
    icon("place"), el("span", "", el("strong", "", place.poiname), el("small", "", place.label)),
  ));
  const x = input({ inputMode: "decimal", placeholder: "31.2304" });
  const y = input({ inputMode: "decimal", placeholder: "121.4737" });
  const label = input({ placeholder: "地点的名字", maxLength: 100 });
  const own = el("details", "own", el("summary", "", "别的地方"), field("纬度", x), field("经度", y), field("名称", label));
  sheet.ask(title, [...known, own], "发送这个坐标", () => {
    own.open = true;
    const place = { x: Number(x.value), y: Number(y.value), scale: SCALE, label: label.value || "所选位置", poiname: "" };
    if (!x.value || !y.value || !(Math.abs(place.x) <= 90 && Math.abs(place.y) <= 180)) throw new Error("纬度在 -90 到 90 之间，经度在 -180 到 180 之间");
    act(place);
    return true;
  });
}
