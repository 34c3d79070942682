import { check, Failure } from "./errors";
import { host_add_header, host_flush, host_set_header, host_status, host_write } from "./imports";
import { JSONWriter } from "./json/writer";
import { bytesOf } from "./text";

/**
 * The answer to the request. The host holds it and sends it when the handler has
 * returned, or piece by piece for a handler that calls flush. Without flush it does
 * not matter whether status and headers come before the body.
 */
export class Response {
  /** Something was written: the status is no longer for a failure to choose. */
  begun: bool = false;
  /** The host refused a write. */
  refused: bool = false;

  /** Sets the status, 200 to start with. One outside 200 to 599, and any after flush, ends the request with 500. */
  status(code: i32): void {
    host_status(code);
  }

  /**
   * Sets a header, replacing what it had. Code.INVALID for a name or value that HTTP
   * does not allow, for headers that are the host's (Content-Length, Date, Server,
   * Connection and its like) and after flush; Code.TOO_LARGE past 64 KiB of headers.
   */
  setHeader<N, V>(name: N, value: V): Failure | null {
    const n = bytesOf<N>(name);
    const v = bytesOf<V>(value);
    return check("set_header", n, host_set_header(n.dataStart, n.length, v.dataStart, v.length));
  }

  /** Adds a value to a header. It fails as setHeader does. */
  addHeader<N, V>(name: N, value: V): Failure | null {
    const n = bytesOf<N>(name);
    const v = bytesOf<V>(value);
    return check("add_header", n, host_add_header(n.dataStart, n.length, v.dataStart, v.length));
  }

  /**
   * Appends to the body. Code.TOO_LARGE past max_response; Code.CLOSED or
   * Code.TIMEOUT when there is no point in going on.
   */
  write<T>(data: T): Failure | null {
    const bytes = bytesOf<T>(data);
    this.begun = true;
    return this.checkWrite("write", host_write(bytes.dataStart, bytes.length));
  }

  /** Answers with what a JSON writer has written, and a line end after it. */
  json(status: i32, body: JSONWriter): Failure | null {
    const failed = this.begin(status, "application/json");
    return failed ? failed : this.write(body.line());
  }

  /** Answers with plain text in UTF-8. */
  text(status: i32, text: string): Failure | null {
    const failed = this.begin(status, "text/plain; charset=utf-8");
    return failed ? failed : this.write(text);
  }

  /** Answers 204. It returns null, for a handler to return. */
  noContent(): Failure | null {
    this.status(204);
    return null;
  }

  /** Sets what comes before the body. */
  begin(status: i32, contentType: string): Failure | null {
    this.status(status);
    return this.setHeader("Content-Type", contentType);
  }

  checkWrite(call: string, code: i32): Failure | null {
    if (code < 0) this.refused = true;
    return check(call, "", code);
  }
}

/**
 * Sends the status, the headers and what has been written so far. From there on the
 * response streams: max_response no longer applies, and a failure cuts the
 * connection. A plugin that contains this function costs more in the host, whether
 * or not it is called.
 */
export function flush(w: Response): Failure | null {
  w.begun = true;
  return w.checkWrite("flush", host_flush());
}
