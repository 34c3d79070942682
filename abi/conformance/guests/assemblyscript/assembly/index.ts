// The conformance plugin in AssemblyScript: abi/conformance/README.md says what it does.

import { CallResponse, config, failure, Failure, handle, httpError, JSONWriter, kv, log, Request, Response } from "wasmlane";
import { Script } from "./script";
import { showFailure, showText, showValue } from "./show";
import { callCommand } from "./calls";
import { requestCommand } from "./requests";
import { responseCommand } from "./responses";
import { storeCommand } from "./store";

let remembered = "";
let initConfig = "";
let initAbsent = "";
let initGet = "";
let initSet = "";

export function wasmlane_init(): void {
  log.info("conformance: init");
  initConfig = showConfig("greeting");
  initAbsent = showConfig("nothing");
  initGet = showValue(kv.get("seed"));
  initSet = showFailure(kv.set("seed", "changed"));
}

export function run(): void {
  handle(runScript);
}

function runScript(w: Response, r: Request): Failure | null {
  const lines: string[] = [];
  const calls: CallResponse[] = [];
  const commands = r.header("script").split(";");
  for (let i = 0; i < commands.length; i++) {
    const script = new Script(commands[i]);
    switch (script.name == "json" ? 0 : script.name == "error" ? 1 : script.name == "fail" ? 2 : 3) {
      case 0: {
        const name = script.text();
        return w.json(200, new JSONWriter().object().key(name).string(script.text()).end());
      }
      case 1: {
        const status = <i32>script.number();
        return httpError(status, script.text());
      }
      case 2:
        return failure(script.text());
    }
    if (script.name == "tell") {
      log.info(lines.join(" "));
      continue;
    }
    let line = command(script);
    if (line == "?") line = requestCommand(script, r);
    if (line == "?") line = responseCommand(script, w);
    if (line == "?") line = storeCommand(script);
    if (line == "?") line = callCommand(script, calls);
    lines.push(script.bad ? "?" : line);
  }
  return lines.length ? w.write(lines.join("\n") + "\n") : null;
}

function command(script: Script): string {
  const name = script.name;
  if (name == "log") return logLine(script.word(), script);
  if (name == "config") return showConfig(script.text());
  if (name == "trap") throw new Error("conformance: trap");
  if (name == "spin") for (;;) {}
  if (name == "recall") return showText(remembered);
  if (name == "remember") {
    remembered = script.text();
    return "ok";
  }
  if (name == "init") {
    const what = script.word();
    if (what == "config") return initConfig;
    if (what == "absent") return initAbsent;
    if (what == "get") return initGet;
    if (what == "set") return initSet;
  }
  return "?";
}

function logLine(level: string, script: Script): string {
  const message = script.bytes();
  if (script.bad) return "?";
  if (level == "debug") log.debug(message);
  else if (level == "info") log.info(message);
  else if (level == "warn") log.warn(message);
  else if (level == "error") log.error(message);
  else return "?";
  return "ok";
}

function showConfig(key: string): string {
  const value = config(key);
  return value == null ? "!ABSENT" : showText(value);
}
