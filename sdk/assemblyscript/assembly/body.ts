import { failed, httpError, Result } from "./errors";
import { Reader } from "./json/reader";
import { JSONValue } from "./json/value";

/** Reads a request's body; what is wrong with it is said to the client. */
export function parseBody(body: Uint8Array): Result<JSONValue> {
  const reader = new Reader(body);
  const value = reader.whole();
  if (value) return new Result<JSONValue>(value);
  if (reader.early && blank(body)) return refuse("the body is empty; it must be JSON");
  if (reader.more) return refuse("the body must be one JSON value, and " + reader.problem);
  if (reader.early) return refuse("the body is not valid JSON: it ends too early");
  return refuse("the body is not valid JSON at " + reader.problem);
}

function refuse(message: string): Result<JSONValue> {
  return failed<JSONValue>(httpError(400, message));
}

function blank(body: Uint8Array): bool {
  for (let i = 0; i < body.length; i++) {
    const c = body[i];
    if (c != 0x20 && c != 0x0a && c != 0x0d && c != 0x09) return false;
  }
  return true;
}
