import { Code, Failure } from "./errors";
import { fetch, fetchedText } from "./fetch";
import { host_config } from "./imports";
import { log } from "./log";
import { beginRandom } from "./random";
import { Request } from "./request";
import { Response } from "./response";
import { bytesOf, quote } from "./text";

/** Answers one request; see Failure for what becomes of the one it returns. */
export type Handler = (w: Response, r: Request) => Failure | null;

/**
 * Runs a handler for the request that the host is calling about. It is what an
 * exported function consists of:
 *
 *     export function get_user(): void { handle(getUser); }
 *
 * After the body has begun a failure aborts, lest a client take half an answer for a
 * whole one.
 */
export function handle(handler: Handler): void {
  beginRandom();
  const w = new Response();
  const r = new Request();
  const failed = handler(w, r);
  if (failed) answer(w, r, failed);
}

function answer(w: Response, r: Request, error: Failure): void {
  if (w.refused) {
    // The host knows already: it answers 500 for a body over max_response, and nobody
    // listens in the other cases.
    if (error.code != Code.CLOSED) log.error(error.toString());
    return;
  }
  if (w.begun) {
    // Part of the body is out. Only a trap makes the host drop it, or cut the
    // connection if it has been sent.
    throw new Error("the handler failed after it had begun the body: " + error.toString());
  }
  let status = 500;
  let message = "internal error";
  if (error.status) {
    status = error.status;
    message = error.message;
  } else if (error.code == Code.UNAVAILABLE) {
    // Another host may have what this one lacks.
    status = 503;
    message = "unavailable; try again later";
  } else if (error.code == Code.TIMEOUT) {
    status = 504;
    message = "the handler did not answer in time";
  }
  if (status >= 500) log.error(error.toString());
  w.begin(status, "application/json");
  w.write('{"error": ' + quote(message) + ', "request_id": ' + quote(r.id) + "}\n");
}

/**
 * Returns a value of [plugin.NAME.config] in host.toml, or null when it is not
 * there. It works while the plugin initialises, too.
 */
export function config<K>(key: K): string | null {
  return fetch(getConfig, bytesOf<K>(key)) < 0 ? null : fetchedText();
}

function getConfig(a: usize, aLen: u32, b: usize, bLen: u32, index: u32, buf: usize, cap: u32): i32 {
  return host_config(a, aLen, buf, cap);
}
