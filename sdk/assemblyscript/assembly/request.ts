import { check, failed, Result } from "./errors";
import { fetch, fetchedBytes, fetchedText, Getter, readAll, readCode, readPart } from "./fetch";
import { host_body, host_body_size, host_header, host_header_name, host_param, host_query, host_request } from "./imports";
import { parseBody } from "./body";
import { JSONValue } from "./json/value";
import { bytesOf, decode } from "./text";

/**
 * What the client sent. Nothing of it is copied into the plugin before it is asked
 * for: each method asks the host. Methods that return a string take the bytes for
 * UTF-8 and put U+FFFD for what is none; those that end in Bytes give them as they
 * are, and null when there is no such value.
 */
export class Request {
  private whole: Uint8Array | null = null;
  private taken: i64 = 0;

  /** The method, such as "GET". A HEAD request that is answered by a GET route says "HEAD". */
  get method(): string {
    return field(0);
  }
  /** The path, percent-decoded. */
  get path(): string {
    return field(1);
  }
  /** The query as it was sent, without the "?". */
  get rawQuery(): string {
    return field(2);
  }
  /** The request target as it was sent: path and query. */
  get target(): string {
    return field(3);
  }
  /** The Host header. */
  get host(): string {
    return field(4);
  }
  /** "http" or "https". */
  get scheme(): string {
    return field(5);
  }
  /** The client's address, without a port. */
  get remoteAddr(): string {
    return field(6);
  }
  /** "HTTP/1.1" or "HTTP/1.0". */
  get protocol(): string {
    return field(7);
  }
  /** The route's pattern, such as "/users/{id}". */
  get route(): string {
    return field(8);
  }
  /** The request id, which is in the log and in the answer's X-Request-Id. */
  get id(): string {
    return field(9);
  }

  /** One of the fields above as bytes; index is its number in the ABI, 0 for the method. */
  fieldBytes(index: u32): Uint8Array {
    return fetch(getField, new Uint8Array(0), index) < 0 ? new Uint8Array(0) : fetchedBytes();
  }

  /** The value of a {name} of the route, percent-decoded; "" when there is none of that name. */
  param<N>(name: N): string {
    return text(getParam, bytesOf<N>(name), 0);
  }
  paramBytes<N>(name: N): Uint8Array | null {
    return bytes(getParam, bytesOf<N>(name), 0);
  }

  /** The index-th value, from 0, of a query key, decoded as forms are; "" when there is none. */
  query<N>(name: N, index: u32 = 0): string {
    return text(getQuery, bytesOf<N>(name), index);
  }
  /** Unlike query this tells "?k" from a query without k. */
  queryBytes<N>(name: N, index: u32 = 0): Uint8Array | null {
    return bytes(getQuery, bytesOf<N>(name), index);
  }
  /** All values of a query key, in the order they were sent. */
  queryAll<N>(name: N): string[] {
    return all(getQuery, bytesOf<N>(name));
  }

  /** The index-th value, from 0, of a header, whose name may be in any case; "" when there is none. */
  header<N>(name: N, index: u32 = 0): string {
    return text(getHeader, bytesOf<N>(name), index);
  }
  headerBytes<N>(name: N, index: u32 = 0): Uint8Array | null {
    return bytes(getHeader, bytesOf<N>(name), index);
  }
  /** All values of a header, in the order they were sent. */
  headerValues<N>(name: N): string[] {
    return all(getHeader, bytesOf<N>(name));
  }
  /** The names of all headers, each once and in lower case. */
  headerNames(): string[] {
    return all(getHeaderName, new Uint8Array(0));
  }

  /** The Content-Length, 0 when there is no body, -1 when its length is not known beforehand. */
  get bodySize(): i64 {
    return host_body_size();
  }

  /** The whole body, or what read has left of it. Later calls return the same array. */
  body(): Result<Uint8Array> {
    let body = this.whole;
    if (body) return new Result<Uint8Array>(body);
    const size = host_body_size();
    body = readAll(readBody, 0, size > 0 ? size - this.taken : size);
    const error = check("body", "", readCode);
    if (error) return failed<Uint8Array>(error);
    this.whole = body;
    return new Result<Uint8Array>(body);
  }

  /** The whole body as text. */
  text(): Result<string> {
    const body = this.body();
    const error = body.error;
    return error ? failed<string>(error) : new Result<string>(decode(body.value));
  }

  /** Reads on in the body, up to limit bytes; none are its end. After body() it finds the end. */
  read(limit: i32): Result<Uint8Array> {
    const part = readPart(readBody, 0, limit);
    const error = check("body", "", readCode);
    if (error) return failed<Uint8Array>(error);
    this.taken += part.length;
    return new Result<Uint8Array>(part);
  }

  /**
   * The body as one JSON value. What is wrong with it is a failure with status 400
   * and a message for the client: return it as it is.
   */
  json(): Result<JSONValue> {
    const body = this.body();
    const error = body.error;
    return error ? failed<JSONValue>(error) : parseBody(body.value);
  }
}

function field(index: u32): string {
  return text(getField, new Uint8Array(0), index);
}

function text(get: Getter, name: Uint8Array, index: u32): string {
  fetch(get, name, index);
  return fetchedText();
}

function bytes(get: Getter, name: Uint8Array, index: u32): Uint8Array | null {
  return fetch(get, name, index) < 0 ? null : fetchedBytes();
}

function all(get: Getter, name: Uint8Array): string[] {
  const values: string[] = [];
  for (let index: u32 = 0; fetch(get, name, index) >= 0; index++) values.push(fetchedText());
  return values;
}

function getField(a: usize, aLen: u32, b: usize, bLen: u32, index: u32, buf: usize, cap: u32): i32 {
  return host_request(index, buf, cap);
}
function getParam(a: usize, aLen: u32, b: usize, bLen: u32, index: u32, buf: usize, cap: u32): i32 {
  return host_param(a, aLen, buf, cap);
}
function getQuery(a: usize, aLen: u32, b: usize, bLen: u32, index: u32, buf: usize, cap: u32): i32 {
  return host_query(a, aLen, index, buf, cap);
}
function getHeader(a: usize, aLen: u32, b: usize, bLen: u32, index: u32, buf: usize, cap: u32): i32 {
  return host_header(a, aLen, index, buf, cap);
}
function getHeaderName(a: usize, aLen: u32, b: usize, bLen: u32, index: u32, buf: usize, cap: u32): i32 {
  return host_header_name(index, buf, cap);
}
function readBody(handle: i32, buf: usize, cap: u32): i32 {
  return host_body(buf, cap);
}
