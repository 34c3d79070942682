// Small plots of the last ten minutes, drawn as SVG.
import { el, set } from "./dom.js";
import * as f from "./format.js";

const span = 600e3; // milliseconds shown
const width = 600, height = 100;

const sum = (list, of) => list.reduce((n, s) => n + of(s), 0);
const perSecond = (name) => (s) => s[name] / s.seconds;

// Each plot: what it shows, the figure above it, and what is said when there is
// nothing to draw.
const plots = [
  {
    title: "Requests", unit: "a second", axis: f.number, least: 1,
    lines: [["answered", "c0", perSecond("requests")]],
    value: (s) => f.rate(s.requests / s.seconds),
    note: (all) => `${f.count(sum(all, (s) => s.requests))} in ten minutes`,
    none: "No requests in the last ten minutes",
  },
  {
    title: "Duration", unit: "p99", axis: f.seconds, least: 1e-4,
    lines: [["p50", "c0", (s) => s.p50], ["p99", "c1", (s) => s.p99]],
    value: (s) => f.seconds(s.p99),
    note: (all, s) => `p50 ${f.seconds(s.p50)}`,
    none: "No requests in the last ten minutes",
  },
  {
    title: "Errors", unit: "5xx a second", axis: f.number, least: 1,
    lines: [["5xx", "cbad", perSecond("errors")], ["4xx", "c1", perSecond("client_errors")]],
    value: (s) => f.rate(s.errors / s.seconds),
    note: (all) => `${f.count(sum(all, (s) => s.errors))} 5xx, ${f.count(sum(all, (s) => s.client_errors))} 4xx in ten minutes`,
    none: "No errors in the last ten minutes",
  },
  {
    title: "Instances", unit: "in use", axis: f.count, least: 4,
    lines: [["in use", "c0", (s) => s.in_use], ["idle", "c1", (s) => s.idle], ["requests waiting", "c2", (s) => s.waiting]],
    value: (s) => f.count(s.in_use),
    note: (all, s) => `${f.count(s.idle)} idle, ${f.count(s.waiting)} waiting`,
    none: "No instances in the last ten minutes",
  },
  {
    title: "Memory", unit: "resident", axis: f.bytes, least: 16 << 20, binary: true,
    lines: [["resident", "c0", (s) => s.memory]],
    value: (s) => f.bytes(s.memory),
    note: (all) => `most ${f.bytes(Math.max(...all.map((s) => s.memory)))}`,
    none: "Not known on this system",
  },
  {
    title: "Processor", unit: "of one core", axis: f.share, least: 0.1,
    lines: [["used", "c0", (s) => s.cpu]],
    value: (s) => (s.cpu === null ? "–" : f.share(s.cpu)),
    note: (all) => `mean ${f.share(sum(all, (s) => s.cpu ?? 0) / all.length)}`,
    none: "Idle for the last ten minutes",
  },
];

// build puts the empty plots into the page and returns a function that draws
// samples into them. A pointer on a plot, or the arrow keys, choose a second whose
// figures all of them show instead of the last one's; when says which it is.
export function build(parent, when) {
  const drawn = plots.map((p) => {
    const d = { ...p, figure: el("span"), words: el("span", "soft"), top: el("span", "top"), nothing: el("span", "none"), picture: svg("svg") };
    const size = { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img" };
    for (const [name, value] of Object.entries(size)) d.picture.setAttribute(name, value);
    const rules = [0, height / 2, height].map((y) => line(0, y, width, y));
    d.area = svg("path", "area");
    d.paths = p.lines.map(([, color]) => svg("path", color));
    d.cursor = line(0, 0, 0, height, "cursor");
    d.picture.append(...rules, d.area, ...d.paths.slice().reverse(), d.cursor); // the first path on top
    parent.append(el("figure", "",
      el("figcaption", "", el("h3", "", p.title), d.words, el("p", "value", d.figure, el("small", "", p.unit))),
      el("div", "plot", d.picture, d.top, d.nothing),
      el("div", "axis", el("span", "", "−10 min"), el("span", "", "−5 min"), el("span", "", "now")),
      p.lines.length > 1 ? el("p", "legend", ...p.lines.map(([name, color]) => el("span", color, name))) : null));
    return d;
  });
  let samples = [], chosen = null; // a time, or null for now
  const show = () => {
    if (samples.length === 0) return;
    const near = chosen === null ? null : samples[nearest(samples, chosen)];
    const at = near && Math.abs(near.time - chosen) <= 1000 ? near : null; // the host may have stood still
    set(when, at ? "at " + f.clock(at.time) : "");
    for (const d of drawn) tell(d, samples, at);
  };
  const choose = (time) => {
    chosen = time;
    show();
  };
  parent.addEventListener("pointermove", (event) => {
    const box = event.target.closest(".plot")?.getBoundingClientRect();
    if (box && samples.length > 0) choose(samples.at(-1).time - span * (1 - (event.clientX - box.left) / box.width));
  });
  parent.addEventListener("pointerleave", () => choose(null));
  parent.addEventListener("blur", () => choose(null));
  parent.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -30, PageDown: 30 }[event.key];
    if (samples.length === 0 || (!step && event.key !== "Escape")) return;
    event.preventDefault();
    if (!step) return choose(null);
    // From sample to sample: a busy host takes them at uneven distances.
    const next = (chosen === null ? samples.length - 1 : nearest(samples, chosen)) + step;
    choose(next < samples.length ? samples[Math.max(next, 0)].time : null);
  });
  return (all) => {
    samples = all;
    if (all.length > 0) for (const d of drawn) draw(d, all);
    show();
  };
}

// nearest returns the index of the sample that was taken closest to time.
function nearest(samples, time) {
  let best = 0;
  samples.forEach((s, i) => {
    if (Math.abs(s.time - time) < Math.abs(samples[best].time - time)) best = i;
  });
  return best;
}

// tell writes the figures of one second, the last one if none is chosen.
function tell(d, samples, at) {
  const s = at ?? samples.at(-1);
  set(d.figure, d.value(s));
  set(d.words, d.note(samples, s));
  const x = at ? width * (1 - (samples.at(-1).time - at.time) / span) : -width;
  d.cursor.setAttribute("x1", x);
  d.cursor.setAttribute("x2", x);
}

function draw(d, samples) {
  const now = samples.at(-1);
  const series = d.lines.map(([, , of]) => samples.map(of));
  const most = Math.max(0, ...series.flat().filter((v) => v !== null));
  set(d.nothing, most > 0 ? "" : d.none);
  const top = roundUp(Math.max(most, d.least), d.binary);
  set(d.top, most > 0 ? d.axis(top) : "");
  d.picture.setAttribute("aria-label", most > 0
    ? `${d.title} over the last ten minutes: now ${d.value(now)} ${d.unit}, at most ${d.axis(most)}` : d.none);
  series.forEach((values, i) => {
    const drawing = most > 0 ? trace(samples, values, now.time, top) : { path: "", area: "" };
    d.paths[i].setAttribute("d", drawing.path);
    if (i === 0) d.area.setAttribute("d", drawing.area);
  });
}

function svg(tag, className) {
  const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
  if (className) e.setAttribute("class", className);
  return e;
}

function line(x1, y1, x2, y2, className) {
  const e = svg("line", className);
  for (const [name, value] of Object.entries({ x1, y1, x2, y2 })) e.setAttribute(name, value);
  return e;
}

// trace returns one line, and the area below it. It is broken where nothing was
// measured.
function trace(samples, values, now, top) {
  let path = "", area = "", start = null, last = null;
  const close = () => {
    if (start !== null) area += `L${last} ${height}L${start} ${height}Z`;
    start = null;
  };
  samples.forEach((s, i) => {
    const v = values[i];
    if (v === null || (i > 0 && s.time - samples[i - 1].time > 3000)) close();
    if (v === null) return;
    const x = (width * (1 - (now - s.time) / span)).toFixed(1), y = (height * (1 - v / top)).toFixed(1);
    if (start === null) {
      start = x;
      path += `M${x - 3} ${y}h3`; // so that a lone second can be seen
      area += `M${x} ${y}`;
    } else {
      path += `L${x} ${y}`;
      area += `L${x} ${y}`;
    }
    last = x;
  });
  close();
  return { path, area };
}

// roundUp returns a round number that is not less than n.
function roundUp(n, binary) {
  const base = binary ? 2 : 10;
  const unit = base ** Math.floor(Math.log(n) / Math.log(base));
  const steps = binary ? [1, 1.25, 1.5, 1.75, 2] : [1, 2, 5, 10];
  return unit * steps.find((s) => s * unit >= n * 0.9999);
}
