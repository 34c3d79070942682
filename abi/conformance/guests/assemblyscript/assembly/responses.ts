import { Failure, flush, Response } from "wasmlane";
import { Script } from "./script";
import { showFailure } from "./show";

export function responseCommand(script: Script, w: Response): string {
  const name = script.name;
  if (name == "status") {
    const code = <i32>script.number();
    if (script.bad) return "?";
    w.status(code);
    return "ok";
  }
  if (name == "set_header" || name == "add_header") {
    const header = script.bytes();
    const value = script.bytes();
    if (script.bad) return "?";
    return showFailure(name == "set_header" ? w.setHeader(header, value) : w.addHeader(header, value));
  }
  if (name == "write") {
    const data = script.bytes();
    return script.bad ? "?" : showFailure(w.write(data));
  }
  if (name == "flush") return showFailure(flush(w));
  if (name == "drip") {
    const rounds = script.number();
    const data = script.bytes();
    if (script.bad) return "?";
    for (let i: i64 = 0; i < rounds; i++) {
      let failed: Failure | null = w.write(data);
      if (!failed) failed = flush(w);
      if (failed) return showFailure(failed);
    }
    return rounds.toString();
  }
  return "?";
}
