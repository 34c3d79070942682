// The page: connecting, the state of that, the head, and the reload button.
import { $, el, set, sync } from "./dom.js";
import { clock, count, duration } from "./format.js";
import { Refused, ask, follow, reason } from "./stream.js";
import * as plots from "./plots.js";
import * as tables from "./tables.js";

const keep = 600; // samples
const draw = plots.build($("plots"), $("when"));
let samples = [], fields = [], host = null, last = null;
let token = sessionStorage.getItem("token") ?? "";
let connection = null; // aborts the one there is, or the wait for the next

const events = {
  fields(names) {
    fields = names;
    samples = []; // all of them follow
  },
  samples(rows) {
    for (const row of rows) samples.push(Object.fromEntries(fields.map((name, i) => [name, row[i]])));
    samples = samples.slice(-keep);
    last = Date.now();
    draw(samples);
    facts();
  },
  host(document) {
    host = document;
    live();
    facts();
  },
  plugins: tables.plugins,
  routes: tables.routes,
  failures: tables.failures,
  reloads: tables.reloads,
  logs: tables.logs,
};

function state(name, text) {
  $("state").dataset.state = name;
  set($("state"), text);
}

function live() {
  if (host.draining) state("drain", "Draining");
  else if (host.generation === 0) state("drain", "Closed");
  else state("live", "Live");
}

function facts() {
  if (!host) return;
  const up = (Date.now() - Date.parse(host.started)) / 1000;
  const list = [["generation", count(host.generation)], ["up", duration(up)], ["connections", count(host.connections)], ["version", host.version]];
  const now = samples.at(-1);
  if (now) list.splice(2, 0, ["in flight", count(now.in_flight)]);
  sync($("facts"), list, ([name]) => name,
    ([name]) => el("div", "", el("dt", "", name), el("dd")),
    (div, [, value]) => set(div.lastChild, value));
}

// connect follows the events until the operator has to do something. A lost
// connection is tried again after 1, 2, 4, 8 and then every 15 seconds.
async function connect() {
  connection?.abort();
  const mine = connection = new AbortController();
  for (let tries = 0; !mine.signal.aborted; tries++) {
    let why = "The host has ended it.";
    try {
      await follow("events", token, mine.signal, (event, data) => {
        if (mine.signal.aborted) return;
        if (tries >= 0) connected();
        tries = -1;
        events[event]?.(data);
      });
    } catch (e) {
      if (mine.signal.aborted) return;
      if (e instanceof Refused) return refused(e);
      why = e instanceof TypeError ? "The host does not answer." : e.message;
    }
    if (mine.signal.aborted) return;
    await lost(why, Math.min(2 ** Math.max(tries, 0), 15), mine.signal);
  }
}

function connected() {
  $("lost").hidden = $("login").hidden = true;
  $("main").hidden = false;
  $("reload").hidden = false;
  $("forget").hidden = token === "";
  set($("refusal"), "");
}

// lost says so and waits.
async function lost(why, wait, signal) {
  state("lost", "Not connected");
  $("lost").hidden = false;
  set($("lost-why"), why);
  set($("lost-since"), last === null ? "never" : clock(last));
  for (let left = wait; left > 0 && !signal.aborted; left--) {
    set($("lost-next"), `Trying again in ${left} s.`);
    await new Promise((done) => {
      const timer = setTimeout(done, 1000);
      signal.addEventListener("abort", () => { clearTimeout(timer); done(); }, { once: true });
    });
  }
  set($("lost-next"), "Trying.");
}

// refused asks for the token, or says why asking is no use.
function refused(e) {
  state("lost", e.status === 401 ? "Token needed" : "Refused");
  $("main").hidden = $("lost").hidden = $("reload").hidden = $("forget").hidden = true;
  if (e.status !== 401) return result("bad", e.message);
  const first = token === "";
  token = "";
  sessionStorage.removeItem("token");
  set($("refusal"), first ? "" : "That is not the token.");
  $("login").hidden = false;
  $("token").value = "";
  $("token").focus();
}

function result(kind, text, ...more) {
  $("result").className = "notice " + kind;
  const close = el("button", "quiet", "Dismiss");
  close.type = "button";
  close.addEventListener("click", () => {
    $("result").className = "";
    $("result").replaceChildren();
    $("reload").focus();
  });
  $("result").replaceChildren(el("p", "", text), close, ...more);
}

$("login").addEventListener("submit", (event) => {
  event.preventDefault();
  token = $("token").value.trim();
  sessionStorage.setItem("token", token);
  $("token").value = "";
  state("wait", "Connecting");
  connect();
});

$("forget").addEventListener("click", () => {
  token = "";
  sessionStorage.removeItem("token");
  connect();
});

$("retry").addEventListener("click", connect);

$("reload").addEventListener("click", async () => {
  const button = $("reload");
  button.disabled = true;
  set(button, "Reloading");
  try {
    const response = await ask("POST", "reload", token);
    const copy = response.clone();
    const answer = await response.json().catch(() => null);
    if (response.ok && answer) {
      result("good", `Reloaded. Generation ${count(answer.generation)} serves: ${answer.changed.join(", ") || "nothing changed"}.`);
    } else if (answer?.errors) {
      result("bad", `Not reloaded. Nothing was changed, generation ${count(answer.generation)} serves on.`, tables.items(answer.errors));
    } else {
      result("bad", "Not reloaded: " + await reason(copy));
    }
  } catch (e) {
    if (e instanceof Refused && e.status === 401) return refused(e);
    result("bad", "Not reloaded: " + (e instanceof TypeError ? "the host does not answer." : e.message));
  } finally {
    button.disabled = false;
    set(button, "Reload");
    if (!button.hidden) button.focus();
  }
});

set($("where"), location.host);
document.title = `${location.host} · Wasmlane`;
connect();
