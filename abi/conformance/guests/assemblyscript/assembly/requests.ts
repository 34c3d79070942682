import { rand, Request, Result } from "wasmlane";
import { Script } from "./script";
import { showBytes, showOptional, showText, showValue } from "./show";

export function requestCommand(script: Script, r: Request): string {
  const name = script.name;
  if (name == "request") return field(script.word(), r);
  if (name == "param") return showOptional(r.paramBytes(script.bytes()));
  if (name == "query" || name == "header") {
    const key = script.bytes();
    const index = <u32>script.number();
    if (script.bad) return "?";
    return showOptional(name == "query" ? r.queryBytes(key, index) : r.headerBytes(key, index));
  }
  if (name == "header_name") {
    const names = r.headerNames();
    const index = script.number();
    return index < names.length ? showText(names[<i32>index]) : "!ABSENT";
  }
  if (name == "body_size") return r.bodySize.toString();
  if (name == "body") return showValue(body(r));
  if (name == "body_part") return showValue(r.read(<i32>script.number()));
  if (name == "random") return rand.next().toString();
  return "?";
}

// What is left: body() gives the same again when it is asked again, so that the first
// byte, if there is one, is read by itself.
function body(r: Request): Result<Uint8Array> {
  const first = r.read(1);
  if (!first.ok || !first.value.length) return first;
  const rest = r.body();
  if (!rest.ok) return rest;
  const whole = new Uint8Array(1 + rest.value.length);
  whole.set(first.value);
  whole.set(rest.value, 1);
  return new Result<Uint8Array>(whole);
}

function field(name: string, r: Request): string {
  // Through the getters, where they give text, and once as bytes.
  if (name == "method") return showText(r.method);
  if (name == "path") return showBytes(r.fieldBytes(1));
  if (name == "query") return showText(r.rawQuery);
  if (name == "target") return showText(r.target);
  if (name == "host") return showText(r.host);
  if (name == "scheme") return showText(r.scheme);
  if (name == "remote_addr") return showText(r.remoteAddr);
  if (name == "protocol") return showText(r.protocol);
  if (name == "route") return showText(r.route);
  if (name == "request_id") return showText(r.id);
  return "?";
}
