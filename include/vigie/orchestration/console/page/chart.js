// One figure over the last minutes as a small chart, without a library.

import { draw, make, tell } from "./make.js";
import { clock, duration, number } from "./words.js";

const WIDTH = 300;
const HEIGHT = 48;

export class Chart {
  // `kind` is "area" (filled to the bottom) or "line".
  constructor(kind, title, unit) {
    this.title = title;
    this.unit = unit;
    this.kind = kind;
    this.points = [];
    this.line = draw("path", { class: "line" });
    this.area = draw("path", { class: "area" });
    this.mark = draw("line", { class: "mark", y1: 0, y2: HEIGHT, x1: -9, x2: -9 });
    this.plot = draw(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", class: `plot ${kind}` },
      draw("line", { class: "floor", x1: 0, x2: WIDTH, y1: HEIGHT - 0.5, y2: HEIGHT - 0.5 }),
      this.area,
      this.line,
      this.mark,
    );
    this.top = make("span", { class: "scale" });
    this.told = make("span", { class: "told" });
    const head = make("figcaption", {}, make("span", {}, title), this.told, this.top);
    this.element = make("figure", { class: "chart" }, head, this.plot);
    this.plot.addEventListener("pointermove", (event) => this.point(event));
    this.plot.addEventListener("pointerleave", () => this.unpoint());
  }

  // `points` are [seconds since 1970, value or null], oldest first, over [from, to].
  show(points, from, to) {
    Object.assign(this, { points, from, to });
    const values = points.map((point) => point[1]).filter((value) => value !== null);
    const most = Math.max(...values, 0);
    const scale = most || 1;
    const x = (seconds) => ((seconds - from) / (to - from)) * WIDTH;
    const y = (value) => HEIGHT - 1 - (value / scale) * (HEIGHT - 4);
    let line = "";
    let area = "";
    let begun = null;
    points.forEach(([at, value], index) => {
      if (value === null) {
        if (begun !== null) area += `L${x(points[index - 1][0])} ${HEIGHT}Z`;
        begun = null;
        return;
      }
      const where = `${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
      line += `${begun === null ? "M" : "L"}${where}`;
      area += begun === null ? `M${x(at).toFixed(1)} ${HEIGHT}L${where}` : `L${where}`;
      begun = at;
    });
    if (begun !== null) area += `L${x(begun).toFixed(1)} ${HEIGHT}Z`;
    this.line.setAttribute("d", line);
    this.area.setAttribute("d", this.kind === "area" ? area : "");
    tell(this.top, values.length ? `most ${number(most)} ${this.unit}` : "nothing yet");
    const last = values.length ? number(values.at(-1)) : "unknown";
    this.plot.setAttribute(
      "aria-label",
      `${this.title}, ${duration(to - from)}: now ${last}, at most ${number(most)} ${this.unit}`,
    );
  }

  point(event) {
    if (!this.points.length) return;
    const box = this.plot.getBoundingClientRect();
    const at = this.from + ((event.clientX - box.left) / box.width) * (this.to - this.from);
    const nearest = this.points.reduce((a, b) => (Math.abs(b[0] - at) < Math.abs(a[0] - at) ? b : a));
    const x = ((nearest[0] - this.from) / (this.to - this.from)) * WIDTH;
    this.mark.setAttribute("x1", x);
    this.mark.setAttribute("x2", x);
    tell(this.told, `${clock(nearest[0] * 1000)}: ${number(nearest[1])} ${this.unit}`);
  }

  unpoint() {
    this.mark.setAttribute("x1", -9);
    this.mark.setAttribute("x2", -9);
    tell(this.told, "");
  }
}
