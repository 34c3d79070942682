import { check, Code, failed, Result } from "./errors";
import { fetch, fetchedBytes, fetchedText, readAll, readCode, readPart } from "./fetch";
import { host_call, host_call_body, host_call_close, host_call_header, host_call_status } from "./imports";
import { parse } from "./json/reader";
import { JSONValue } from "./json/value";
import { bytesOf, decode } from "./text";

/** A request to another service. */
export class CallRequest {
  private headers: Uint8Array[] = [];
  private content: Uint8Array = new Uint8Array(0);

  /** path comes with the query: "/users?limit=5". */
  constructor(
    public method: string,
    public path: string,
  ) {}

  /**
   * Adds a header. Host, framing, hop-by-hop names and X-Request-Id are the host's to
   * set. The request id and the trace context travel along by themselves.
   */
  header<N, V>(name: N, value: V): CallRequest {
    this.headers.push(bytesOf<N>(name));
    this.headers.push(bytesOf<V>(value));
    return this;
  }

  /** Sets the body. */
  body<T>(data: T): CallRequest {
    this.content = bytesOf<T>(data);
    return this;
  }

  /**
   * Sends the request to a service, by the name it has in host.toml, or to an absolute
   * origin such as "https://api.example.com"; host.toml grants both, with calls and
   * outbound. The time that is left for this request bounds the call.
   *
   * Any status is an answer. A failure says that there is none: Code.TIMEOUT,
   * Code.UNAVAILABLE, Code.DENIED, Code.INVALID for a malformed request, or
   * Code.TOO_LARGE.
   */
  send<T>(target: T): Result<CallResponse> {
    const to = bytesOf<T>(target);
    const head = this.head();
    const handle = head
      ? host_call(to.dataStart, to.length, head.dataStart, head.length, this.content.dataStart, this.content.length)
      : Code.INVALID;
    let error = check("call", to, handle);
    if (error) return failed<CallResponse>(error);
    const status = host_call_status(handle);
    error = check("call_status", to, status);
    return error ? failed<CallResponse>(error) : new Result<CallResponse>(new CallResponse(status, handle, to));
  }

  // The request line and the headers, or null when a part could be read as two: the
  // host sees lines, and a line end in a value would make one more of them.
  private head(): Uint8Array | null {
    const method = bytesOf(this.method);
    const path = bytesOf(this.path);
    if (!oneWord(method) || !oneWord(path)) return null;
    let size = method.length + path.length + 2;
    for (let i = 0; i < this.headers.length; i += 2) {
      const name = this.headers[i];
      const value = this.headers[i + 1];
      if (!oneWord(name) || has(name, 0x3a) || has(value, 0x0a)) return null;
      size += name.length + value.length + 3;
    }
    const head = new Uint8Array(size);
    let n = put(head, 0, method);
    head[n++] = 0x20;
    n = put(head, n, path);
    head[n++] = 0x0a;
    for (let i = 0; i < this.headers.length; i += 2) {
      n = put(head, n, this.headers[i]);
      head[n++] = 0x3a;
      head[n++] = 0x20;
      n = put(head, n, this.headers[i + 1]);
      head[n++] = 0x0a;
    }
    return head;
  }
}

/** Sends a GET request; see CallRequest.send. */
export function call<T>(target: T, path: string): Result<CallResponse> {
  return new CallRequest("GET", path).send(target);
}

/**
 * A service's answer. It ends with the request; close it when a handler makes more
 * than a few calls, for no more than 16 may be open at once.
 */
export class CallResponse {
  constructor(
    public status: i32,
    private handle: i32,
    private target: Uint8Array,
  ) {}

  /** The index-th value, from 0, of a header; "" when there is none. */
  header<N>(name: N, index: u32 = 0): string {
    asked = this.handle;
    fetch(getHeader, bytesOf<N>(name), index);
    return fetchedText();
  }

  /** The same as bytes. What the host answers instead, Code.ABSENT for one, is the result's code. */
  headerBytes<N>(name: N, index: u32 = 0): Result<Uint8Array> {
    const n = bytesOf<N>(name);
    asked = this.handle;
    const error = check("call_header", n, fetch(getHeader, n, index));
    return error ? failed<Uint8Array>(error) : new Result<Uint8Array>(fetchedBytes());
  }

  /** What is left of the body. */
  body(): Result<Uint8Array> {
    return this.result(readAll(readBody, this.handle, -1));
  }

  /** What is left of the body, as text. */
  text(): Result<string> {
    const body = this.body();
    const error = body.error;
    return error ? failed<string>(error) : new Result<string>(decode(body.value));
  }

  /** The body as JSON. */
  json(): Result<JSONValue> {
    const body = this.body();
    const error = body.error;
    return error ? failed<JSONValue>(error) : parse(body.value);
  }

  /** Reads on in the body, up to limit bytes; none are its end. */
  read(limit: i32): Result<Uint8Array> {
    return this.result(readPart(readBody, this.handle, limit));
  }

  /** The status as the host knows it: Code.INVALID once the answer is closed. */
  currentStatus(): Result<i32> {
    const status = host_call_status(this.handle);
    const error = check("call_status", this.target, status);
    return error ? failed<i32>(error) : new Result<i32>(status);
  }

  /** Gives the answer back. The handler's return does so, too. */
  close(): void {
    host_call_close(this.handle);
  }

  private result(body: Uint8Array): Result<Uint8Array> {
    const error = check("call_body", this.target, readCode);
    return error ? failed<Uint8Array>(error) : new Result<Uint8Array>(body);
  }
}

// The handle that getHeader asks about: fetch has no place for it.
// @ts-ignore: decorator
@lazy let asked: i32 = 0;

function getHeader(a: usize, aLen: u32, b: usize, bLen: u32, index: u32, buf: usize, cap: u32): i32 {
  return host_call_header(asked, a, aLen, index, buf, cap);
}

function oneWord(s: Uint8Array): bool {
  return s.length > 0 && !has(s, 0x20) && !has(s, 0x0a);
}

function has(s: Uint8Array, byte: u8): bool {
  return s.includes(byte);
}

function put(into: Uint8Array, at: i32, from: Uint8Array): i32 {
  memory.copy(into.dataStart + at, from.dataStart, from.length);
  return at + from.length;
}

function readBody(handle: i32, buf: usize, cap: u32): i32 {
  return host_call_body(handle, buf, cap);
}
