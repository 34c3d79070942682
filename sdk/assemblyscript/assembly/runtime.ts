import { host_log } from "./imports";
import { log as journal } from "./log";
import { monotonic, now, randomBytes, seed } from "./random";
import { encodeTo } from "./text";

// What AssemblyScript's own library would import from "env", which no host of
// Wasmlane has. asconfig.json puts these in its place with "use".

// @ts-ignore: decorator
@lazy const line: usize = memory.data(2048);

// Ends the request: throw, a failed assert, an index out of bounds. It allocates
// nothing, for there may be nothing left.
// @ts-ignore: decorator
@global
function wasmlane_abort(message: string | null, file: string | null, lineNumber: u32, column: u32): void {
  let end = append(line, "abort: ");
  end = append(end, message ? message : "no message");
  if (file) {
    end = append(end, " at ");
    end = append(end, file);
    end = appendNumber(append(end, ":"), lineNumber);
    end = appendNumber(append(end, ":"), column);
  }
  host_log(3, line, <u32>(end - line));
  unreachable();
}

function append(to: usize, text: string): usize {
  // 300 units are 900 bytes at most, and there are two long parts.
  return encodeTo(to, text.length > 300 ? text.substring(0, 300) : text);
}

function appendNumber(to: usize, n: u32): usize {
  if (n >= 10) to = appendNumber(to, n / 10);
  store<u8>(to, 48 + (n % 10));
  return to + 1;
}

// Seeds Math.random.
// @ts-ignore: decorator
@global
function wasmlane_seed(): f64 {
  return reinterpret<f64>(seed());
}

// trace("message", n, …) is a line at level debug.
// @ts-ignore: decorator
@global
function wasmlane_trace(message: string, n: i32 = 0, a0: f64 = 0, a1: f64 = 0, a2: f64 = 0, a3: f64 = 0, a4: f64 = 0): void {
  let text = message;
  if (n > 0) text += " " + a0.toString();
  if (n > 1) text += ", " + a1.toString();
  if (n > 2) text += ", " + a2.toString();
  if (n > 3) text += ", " + a3.toString();
  if (n > 4) text += ", " + a4.toString();
  journal.debug(text);
}

// @ts-ignore: decorator
@global
namespace wasmlane_console {
  export function assert<T>(condition: T, message: string = ""): void {
    if (!condition) journal.error("assertion failed: " + message);
  }
  export function log(message: string = ""): void {
    journal.info(message);
  }
  export function debug(message: string = ""): void {
    journal.debug(message);
  }
  export function info(message: string = ""): void {
    journal.info(message);
  }
  export function warn(message: string = ""): void {
    journal.warn(message);
  }
  export function error(message: string = ""): void {
    journal.error(message);
  }
}

// @ts-ignore: decorator
@global
namespace wasmlane_crypto {
  export function getRandomValues(array: Uint8Array): void {
    randomBytes(array);
  }
}

// @ts-ignore: decorator
@global
namespace wasmlane_performance {
  export function now(): f64 {
    return <f64>monotonic() / 1e6;
  }
}

// @ts-ignore: decorator
@global
class wasmlane_Date extends Date {
  static now(): i64 {
    return now() / 1000000;
  }
}
