/**
 * For writing Wasmlane plugins in AssemblyScript; README.md is the introduction.
 */
export { call, CallRequest, CallResponse } from "./call";
export { Code, failed, Failure, failure, httpError, Result } from "./errors";
export { config, handle, Handler } from "./handler";
export { JSONKind, JSONValue } from "./json/value";
export { JSONWriter } from "./json/writer";
export { parse } from "./json/reader";
export { Keys, kv } from "./kv";
export { log } from "./log";
export { monotonic, now, rand, randomBytes } from "./random";
export { Request } from "./request";
export { flush, Response } from "./response";
export { decode, encode, quote } from "./text";
import "./runtime";
