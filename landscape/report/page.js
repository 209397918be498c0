"use strict";
// The page is whole without this script: it adds the filter, and zoom and values to the curves. It takes text out of
// the page and puts text back as text, never as markup.

// ---- the filter: rows of verdicts and rates, sections without a row, and the count of what is left
(() => {
  const bar = document.getElementById("filter");
  if (!bar) return;
  const [claim, verdict, words] = ["claim", "verdict", "words"].map(name => document.getElementById("filter-" + name));
  const said = document.getElementById("filter-said"), clear = document.getElementById("filter-clear");
  const rows = [...document.querySelectorAll("tr[data-check]")], sections = [...document.querySelectorAll("main > section")];
  const text = new Map(rows.map(row => [row, row.textContent.toLowerCase()]));
  const folds = new Map();
  const apply = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean), active = claim.value || verdict.value || wanted.length;
    let shown = 0, total = 0, left = 0;
    for (const section of sections) {
      const name = section.querySelector("h2").textContent.toLowerCase();
      let own = 0;
      for (const row of section.querySelectorAll("tr[data-check]")) {
        const isVerdict = "verdict" in row.dataset;
        const fits = (!claim.value || row.dataset.check === claim.value)
          && (!verdict.value || !isVerdict || row.dataset.verdict === verdict.value)
          && wanted.every(word => text.get(row).includes(word) || name.includes(word));
        row.hidden = !fits;
        if (isVerdict) { total += 1; shown += fits; own += fits; }
      }
      section.hidden = Boolean(active) && !own;
      left += own > 0;
      const link = document.querySelector(`#contents a[href="#${section.id}"]`);
      if (link) link.closest("tr").hidden = section.hidden;
      for (const fold of section.querySelectorAll("details.verdicts")) {
        if (!folds.has(fold)) folds.set(fold, fold.open);
        fold.open = active ? own > 0 : folds.get(fold);
      }
    }
    said.textContent = active ? `${shown} of ${total} verdicts, in ${left} of ${sections.length} sections` : `${total} verdicts`;
    clear.hidden = !active;
  };
  for (const input of [claim, verdict, words]) input.addEventListener("input", apply);
  clear.addEventListener("click", () => { claim.value = verdict.value = words.value = ""; apply(); });
  bar.hidden = false;
  apply();
})();

// ---- curves: x and y of every line are read from its path, in double precision, and drawn for the range in view
const rounded = (low, high, num) => {
  const rough = (high - low) / num, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map(k => k * power).find(k => k >= rough), found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k += 1) found.push(k * step);
  return [found, step];
};
const short = (value, step) => {
  const size = Math.abs(value), finer = step ? Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)) : 0;
  if (size >= 1e6 || (size && size < 1e-4)) return value.toExponential(step ? Math.max(0, Math.floor(Math.log10(size)) + finer) : 2);
  return step ? value.toFixed(finer + (Math.abs(step * 10 ** finer - Math.round(step * 10 ** finer)) > 1e-6)) : String(+value.toPrecision(3));
};

class Chart {
  constructor(figure) {
    this.figure = figure;
    this.svg = figure.querySelector("svg.plot");
    const frame = figure.querySelector(".frame"), number = name => +frame.getAttribute(name);
    this.box = [number("x"), number("y"), number("x") + number("width"), number("y") + number("height")];
    this.log = figure.dataset.log === "1";
    const layer = figure.querySelector(".lines");
    const [a, , , b, c, d] = layer.getAttribute("transform").slice(7, -1).split(" ").map(Number);
    this.whole = [(this.box[0] - c) / a, (this.box[3] - d) / b, (this.box[2] - c) / a, (this.box[1] - d) / b];
    this.view = [...this.whole];
    layer.removeAttribute("transform");
    this.lines = [...layer.children].map(path => ({
      path, name: path.dataset.name, group: path.dataset.group, hidden: false,
      points: path.getAttribute("d").split(" ").map(item => {
        const [x, y] = item.slice(1).split(",").map(Number);
        return { starts: item[0] === "M", x, y: this.log ? 10 ** y : y };
      }),
    }));
    this.readout = figure.querySelector(".readout");
    this.dot = this.add("circle", { r: 4.5, class: "dot", visibility: "hidden" });
    this.band = this.add("rect", { class: "band", visibility: "hidden" });
    this.at = null;
    this.listen();
    this.readout.hidden = figure.querySelector(".tools").hidden = false;
    this.draw();
  }

  add(name, attributes) {
    const element = document.createElementNS(this.svg.namespaceURI, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    this.svg.append(element);
    return element;
  }

  value(y) { return this.log ? Math.log10(y) : y; }
  place(x, y) {
    const [x0, y0, x1, y1] = this.view, [left, top, right, bottom] = this.box;
    return [left + (x - x0) / (x1 - x0) * (right - left), bottom - (this.value(y) - y0) / (y1 - y0) * (bottom - top)];
  }
  inverse(px, py) {
    const [x0, y0, x1, y1] = this.view, [left, top, right, bottom] = this.box;
    return [x0 + (px - left) / (right - left) * (x1 - x0), y0 + (bottom - py) / (bottom - top) * (y1 - y0)];
  }
  inside(event) {
    const matrix = this.svg.getScreenCTM().inverse(), point = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix);
    return [Math.min(Math.max(point.x, this.box[0]), this.box[2]), Math.min(Math.max(point.y, this.box[1]), this.box[3])];
  }

  draw() {
    for (const line of this.lines) {
      if (line.hidden) { line.path.setAttribute("d", ""); continue; }
      const parts = [];
      line.points.forEach((point, k) => {
        const [x, y] = this.place(point.x, point.y), at = `${x.toFixed(2)},${Math.min(Math.max(y, -9e4), 9e4).toFixed(2)}`;
        const alone = point.starts && (k + 1 === line.points.length || line.points[k + 1].starts);
        parts.push((point.starts ? "M" : "L") + at + (alone ? ` l0.01,0` : ""));
      });
      line.path.setAttribute("d", parts.join(" "));
    }
    const [left, top, right, bottom] = this.box;
    this.axis("x", ...rounded(this.view[0], this.view[2], 8), (at, text) => {
      const [x] = this.place(at, 1);
      return [`M${x},${top} V${bottom}`, { x, y: bottom + 20, "text-anchor": "middle" }, text];
    });
    const [low, high] = [this.view[1], this.view[3]];
    let places, step = 0;
    if (this.log && high - low > 1) {
      const every = Math.max(1, Math.round((high - low) / 8));
      const parts = high - low > 4 ? [1] : [1, 2, 5];
      places = [];
      for (let k = Math.floor(low); k <= high; k += every) for (const m of parts) places.push(m * 10 ** k);
    } else {
      [places, step] = this.log ? rounded(10 ** low, 10 ** high, 6) : rounded(low, high, 6);
    }
    places = places.filter(v => this.value(v) >= low && this.value(v) <= high);
    this.axis("y", places, step, (at, text) => {
      const [, y] = this.place(0, at);
      return [`M${left},${y} H${right}`, { x: left - 6, y: y + 4, "text-anchor": "end" }, text];
    });
    this.mark();
  }

  axis(name, places, step, laid) {
    const layer = this.svg.querySelector(`g.${name}`);
    layer.replaceChildren();
    for (const at of places) {
      const [rule, attributes, text] = laid(at, short(Math.abs(at) < step * 1e-6 ? 0 : at, step));
      const [path, label] = ["path", "text"].map(kind => document.createElementNS(this.svg.namespaceURI, kind));
      path.setAttribute("d", rule);
      path.setAttribute("class", "rule");
      for (const [key, value] of Object.entries(attributes)) label.setAttribute(key, value);
      label.textContent = text;
      layer.append(path, label);
    }
  }

  zoom(factor, x = (this.view[0] + this.view[2]) / 2, y = (this.view[1] + this.view[3]) / 2) {
    const next = [x + (this.view[0] - x) * factor, y + (this.view[1] - y) * factor, x + (this.view[2] - x) * factor, y + (this.view[3] - y) * factor];
    const closest = (next[2] - next[0]) / (this.whole[2] - this.whole[0]) < 1e-5 || (next[3] - next[1]) / (this.whole[3] - this.whole[1]) < 1e-7;
    if (closest && factor < 1) return;
    if (next[2] - next[0] > 4 * (this.whole[2] - this.whole[0])) return;
    this.view = next;
    this.draw();
  }
  move(dx, dy) {
    const width = this.view[2] - this.view[0], height = this.view[3] - this.view[1];
    this.view = [this.view[0] + dx * width, this.view[1] + dy * height, this.view[2] + dx * width, this.view[3] + dy * height];
    this.draw();
  }
  all() { this.view = [...this.whole]; this.draw(); }
  swap() {
    const change = this.log ? v => 10 ** v : Math.log10;
    const bounds = [this.whole, this.view].map(box => [box[0], box[1], box[2], box[3]]);
    const lowest = Math.min(...this.lines.flatMap(line => line.points.map(point => point.y)));
    for (const box of bounds) {
      if (!this.log && !(box[1] > 0)) box[1] = lowest / 1.2;
      if (!this.log && !(box[3] > box[1])) box[3] = this.whole[3]; // the view lay below 0
      [box[1], box[3]] = [change(box[1]), change(box[3])];
    }
    this.log = !this.log;
    [this.whole, this.view] = bounds;
    this.figure.querySelector('[data-do="log"]').setAttribute("aria-pressed", String(this.log));
    this.draw();
  }

  // What is read: line and point; its dot, and its values in words.
  mark() {
    if (!this.at) { this.dot.setAttribute("visibility", "hidden"); return; }
    const point = this.at.line.points[this.at.k], [x, y] = this.place(point.x, point.y);
    const seen = x >= this.box[0] - 1 && x <= this.box[2] + 1 && y >= this.box[1] - 1 && y <= this.box[3] + 1;
    this.dot.setAttribute("cx", x);
    this.dot.setAttribute("cy", y);
    this.dot.setAttribute("visibility", seen ? "visible" : "hidden");
    this.readout.textContent = `${this.figure.dataset.x} = ${point.x}: J = ${+point.y.toPrecision(7)}${this.figure.dataset.unit} (${this.at.line.name})`;
  }
  read(px, py, only = null) {
    let best = null, least = Infinity;
    for (const line of only ? [only] : this.lines) {
      if (line.hidden) continue;
      line.points.forEach((point, k) => {
        const [x, y] = this.place(point.x, point.y), far = (x - px) ** 2 + (only ? 0 : (y - py) ** 2);
        if (far < least) { least = far; best = { line, k }; }
      });
    }
    if (best) { this.at = best; this.mark(); }
  }
  step(by) {
    if (!this.at) { this.read((this.box[0] + this.box[2]) / 2, (this.box[1] + this.box[3]) / 2); return; }
    this.at.k = Math.min(Math.max(this.at.k + by, 0), this.at.line.points.length - 1);
    this.mark();
  }
  other(by) {
    if (!this.at) { this.step(0); return; }
    const shown = this.lines.filter(line => !line.hidden), point = this.at.line.points[this.at.k];
    const next = shown[(shown.indexOf(this.at.line) + by + shown.length) % shown.length];
    if (next) this.read(this.place(point.x, point.y)[0], 0, next);
  }

  listen() {
    const svg = this.svg;
    svg.setAttribute("tabindex", "0");
    let from = null;
    svg.addEventListener("wheel", event => {
      if (document.activeElement !== svg && !event.ctrlKey) return; // the page scrolls until a chart was clicked
      event.preventDefault();
      this.zoom(event.deltaY > 0 ? 1.25 : 0.8, ...this.inverse(...this.inside(event)));
    }, { passive: false });
    svg.addEventListener("pointerdown", event => {
      svg.focus({ preventScroll: true });
      if (event.button || event.pointerType === "touch") return;
      from = this.inside(event);
      svg.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    svg.addEventListener("pointermove", event => {
      const [x, y] = this.inside(event);
      if (!from) { this.read(x, y); return; }
      if (event.shiftKey) {
        const [ax, ay] = this.inverse(...from), [bx, by] = this.inverse(x, y);
        this.move((ax - bx) / (this.view[2] - this.view[0]), (ay - by) / (this.view[3] - this.view[1]));
        from = [x, y];
        return;
      }
      const shape = { x: Math.min(x, from[0]), y: Math.min(y, from[1]), width: Math.abs(x - from[0]), height: Math.abs(y - from[1]) };
      for (const [key, value] of Object.entries(shape)) this.band.setAttribute(key, value);
      this.band.setAttribute("visibility", "visible");
    });
    const end = event => {
      if (!from) return;
      const [x, y] = this.inside(event), [ax, ay] = this.inverse(...from), [bx, by] = this.inverse(x, y);
      const wide = Math.abs(x - from[0]) > 6 && Math.abs(y - from[1]) > 6 && !event.shiftKey;
      from = null;
      this.band.setAttribute("visibility", "hidden");
      if (!wide || event.type === "pointercancel") return;
      this.view = [Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by)];
      this.draw();
    };
    svg.addEventListener("pointerup", end);
    svg.addEventListener("pointercancel", end);
    svg.addEventListener("dblclick", event => { event.preventDefault(); this.all(); });
    const keys = {
      "+": () => this.zoom(0.7, ...this.centre()), "=": () => this.zoom(0.7, ...this.centre()), "-": () => this.zoom(1.4, ...this.centre()),
      "0": () => this.all(), Home: () => this.all(), l: () => { if (this.figure.querySelector('[data-do="log"]')) this.swap(); },
      ArrowLeft: shift => shift ? this.move(-0.1, 0) : this.step(-1), ArrowRight: shift => shift ? this.move(0.1, 0) : this.step(1),
      ArrowUp: shift => shift ? this.move(0, 0.1) : this.other(-1), ArrowDown: shift => shift ? this.move(0, -0.1) : this.other(1),
    };
    svg.addEventListener("keydown", event => {
      const act = keys[event.key];
      if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      act(event.shiftKey);
    });
    const buttons = { in: () => this.zoom(0.7), out: () => this.zoom(1.4), all: () => this.all(), log: () => this.swap() };
    for (const button of this.figure.querySelectorAll("[data-do]")) button.addEventListener("click", buttons[button.dataset.do]);
    for (const entry of this.figure.querySelectorAll(".legend li")) {
      entry.tabIndex = 0;
      entry.setAttribute("role", "button");
      entry.setAttribute("aria-pressed", "true");
      const turn = () => {
        const hidden = entry.classList.toggle("off");
        entry.setAttribute("aria-pressed", String(!hidden));
        for (const line of this.lines) if (line.group === entry.dataset.group) line.hidden = hidden;
        if (this.at && this.at.line.hidden) this.at = null;
        this.draw();
      };
      entry.addEventListener("click", turn);
      entry.addEventListener("keydown", event => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); turn(); } });
    }
  }
  centre() {
    if (!this.at) return [];
    const point = this.at.line.points[this.at.k], y = this.value(point.y), [x0, y0, x1, y1] = this.view;
    return point.x >= x0 && point.x <= x1 && y >= y0 && y <= y1 ? [point.x, y] : [];
  }
}

for (const hint of document.querySelectorAll(".hint")) hint.hidden = false;
for (const figure of document.querySelectorAll("figure.chart")) new Chart(figure);
