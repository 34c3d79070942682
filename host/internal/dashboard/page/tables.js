// Plugins, routes, failures, reloads and log lines.
import { $, el, set, sync } from "./dom.js";
import * as f from "./format.js";

const body = (id) => $(id).tBodies[0];

// row makes a row of a heading and so many cells, with the classes of the head.
function row(table, head) {
  const classes = [...$(table).tHead.rows[0].cells].slice(1).map((c) => c.className);
  const first = el("th", "", ...head);
  first.scope = "row";
  return el("tr", "", first, ...classes.map((c) => el("td", c)));
}

function fill(tr, texts) {
  texts.forEach((text, i) => set(tr.cells[i + 1], text));
}

function errors(cell, n) {
  cell.classList.toggle("bad", n > 0);
}

// explained puts after each item with an error another one, for a row that says it.
function explained(list) {
  return list.flatMap((item) => (item.error ? [item, { why: item.error, of: item }] : [item]));
}

function explanation(table) {
  const cell = el("td", "bad");
  cell.colSpan = $(table).tHead.rows[0].cells.length;
  return el("tr", "why", cell);
}

export function plugins(list) {
  sync(body("plugins"), explained(list), (p) => (p.why ? "why " + p.of.name : p.name),
    (p) => (p.why ? explanation("plugins") : row("plugins", [p.name, el("span", "detail")])),
    (tr, p) => {
      if (p.why) return set(tr.cells[0], p.why);
      set(tr.querySelector(".detail"), [p.language, p.sha256?.slice(0, 12)].filter(Boolean).join(" · "));
      const i = p.instances;
      fill(tr, [p.error ? "not loaded" : p.no_reset ? "no image" : "ready",
        f.rate(p.minute.rate), f.seconds(p.minute.p99), f.count(p.minute.errors), `${f.count(i.in_use)} / ${f.count(i.limit)}`,
        f.count(i.idle), f.count(i.waiting), f.count(p.busy), f.count(p.failures), f.bytes(p.memory_limit_bytes),
        p.size_bytes ? f.bytes(p.size_bytes) : "–"]);
      tr.cells[1].className = "wide " + (p.error ? "bad" : p.no_reset ? "warn" : "");
      tr.cells[1].title = p.no_reset ?? "";
      errors(tr.cells[4], p.minute.errors);
    });
}

export function routes(list) {
  // The last one is what no route took.
  const none = list.at(-1);
  const shown = none && none.requests > 0 ? list : list.slice(0, -1);
  sync(body("routes"), explained(shown), (r) => (r.why ? `why ${r.of.path} ${r.of.handler}` : `${r.path} ${r.handler}`),
    (r) => (r.why ? explanation("routes") : row("routes", [el("span", "method"), el("span", "mono")])),
    (tr, r) => {
      if (r.why) return set(tr.cells[0], r.why);
      const [method, path] = tr.cells[0].children;
      set(method, r.path ? r.methods.join(", ") || "any" : "");
      set(path, r.path || "no route");
      path.className = r.path ? "mono" : "soft";
      const m = r.minute;
      fill(tr, [r.path ? r.handler : "404, 405 and what was no HTTP", f.rate(m.rate), f.seconds(m.p50), f.seconds(m.p99),
        f.count(m.client_errors), f.count(m.errors), f.count(r.requests)]);
      errors(tr.cells[6], m.errors);
    });
}

export function failures(list) {
  sync($("failures"), list, (e) => `${e.time} ${e.plugin} ${e.request_id}`, (e) =>
    el("details", "",
      el("summary", "", time(e.time), el("strong", "", `${e.plugin}.${e.handler}`), ` ${e.kind}: `, el("span", "bad", e.reason)),
      e.request_id ? el("p", "soft", "request ", el("code", "", e.request_id)) : null,
      e.wasm_stack ? el("pre", "", e.wasm_stack) : el("p", "soft", "There is no stack: the guest was not computing.")));
}

export function reloads(list) {
  sync($("reloads"), list, (r) => r.time, (r) =>
    el("li", "", time(r.time),
      r.ok ? `generation ${r.generation}` : el("strong", "bad", `failed; generation ${r.generation} serves on`),
      el("span", "soft", ` in ${f.seconds(r.seconds)}`),
      r.ok ? el("span", "detail", (r.changed ?? []).join(", ") || "nothing changed") : items(r.errors)));
}

export function logs(list) {
  const seen = new Map();
  const key = (l) => {
    const k = JSON.stringify(l), n = seen.get(k) ?? 0; // two lines may be the same
    seen.set(k, n + 1);
    return `${n} ${k}`;
  };
  sync($("logs"), list.slice().reverse(), key, (l) =>
    el("li", "", time(l.time),
      el("span", { ERROR: "level bad", WARN: "level warn" }[l.level] ?? "level soft", l.level),
      l.plugin ? el("strong", "", l.plugin + " ") : null, l.msg,
      el("span", "soft", ...Object.entries(l.attrs ?? {}).map(([k, v]) => ` ${k}=${v}`))));
}

// items lists texts, as errors with file and line are.
export function items(texts) {
  return el("ul", "mono", ...(texts ?? []).map((text) => el("li", "", text)));
}

function time(when) {
  const t = el("time", "", f.clock(when));
  t.dateTime = when;
  return t;
}
