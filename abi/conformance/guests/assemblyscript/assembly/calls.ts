import { CallRequest, CallResponse } from "wasmlane";
import { Script } from "./script";
import { showCode, showNumber, showValue } from "./show";

export function callCommand(script: Script, calls: CallResponse[]): string {
  const name = script.name;
  if (!name.startsWith("call")) return "?";
  if (name == "call") return call(script, calls);
  const slot = script.number();
  if (script.bad || slot < 0 || slot >= calls.length) return "?";
  const answer = calls[<i32>slot];
  if (name == "call_status") return showNumber(answer.currentStatus());
  if (name == "call_body") return showValue(answer.body());
  if (name == "call_header") {
    const header = script.bytes();
    const index = <u32>script.number();
    return script.bad ? "?" : showValue(answer.headerBytes(header, index));
  }
  if (name == "call_part") {
    const limit = <i32>script.number();
    return script.bad ? "?" : showValue(answer.read(limit));
  }
  if (name == "call_close") {
    answer.close();
    return "ok";
  }
  return "?";
}

function call(script: Script, calls: CallResponse[]): string {
  const target = script.bytes();
  const method = script.text();
  const request = new CallRequest(method, script.text());
  request.body(script.bytes());
  while (script.more) request.header(script.bytes(), script.bytes());
  if (script.bad) return "?";
  const answer = request.send(target);
  if (!answer.ok) return showCode(answer.code);
  calls.push(answer.value);
  return (calls.length - 1).toString();
}
