import { bytesOf, decode, quote } from "./text";

/** What the host answers when it cannot do what was asked. */
export namespace Code {
  export const OK: i32 = 0;
  /** There is no such key. */
  export const ABSENT: i32 = -1;
  /** A malformed name, value, key or target, or a header that is the host's to set. */
  export const INVALID: i32 = -2;
  /** Not granted in host.toml, or a write while the plugin initialises. */
  export const DENIED: i32 = -3;
  /** The deadline of the request came first; its answer is 504. */
  export const TIMEOUT: i32 = -4;
  /** The store or the service failed; trying later may help. */
  export const UNAVAILABLE: i32 = -5;
  /** Over a limit of the ABI or of host.toml. */
  export const TOO_LARGE: i32 = -6;
  /** The client went away; there is no point in going on. */
  export const CLOSED: i32 = -7;
}

/**
 * Why something failed. AssemblyScript has no exceptions that could be caught, so
 * functions return it, null when all is well, and a handler passes it on:
 *
 *     const failed = kv.set("user/7", text);
 *     if (failed) return failed;
 *
 * A handler's failure becomes its answer: one that has a status gives that status
 * and its message, {"error": message, "request_id": …}; any other is 503 when its code
 * is UNAVAILABLE, 504 when it is TIMEOUT, else 500, and its message goes to the log and
 * not to the client.
 */
export class Failure {
  constructor(
    /** For people. */
    public message: string,
    /** The status of the answer, 200 to 599; 0 for a failure that is not the client's to know. */
    public status: i32 = 0,
    /** What the host said, one of Code; Code.OK for a failure that is not the host's. */
    public code: i32 = Code.OK,
  ) {}

  toString(): string {
    return this.status ? this.status.toString() + " " + this.message : this.message;
  }
}

/** Returns a failure that is answered with a status and a message for the client. */
export function httpError(status: i32, message: string): Failure {
  return new Failure(message, status);
}

/** Returns a failure that is answered with 500; its message is logged. */
export function failure(message: string): Failure {
  return new Failure(message);
}

/** A value, or the failure that there is in its place. */
export class Result<T> {
  private held: T;

  constructor(
    value: T,
    /** null when there is a value. */
    public error: Failure | null = null,
  ) {
    this.held = value;
  }

  /** Whether there is a value. */
  get ok(): bool {
    return this.error == null;
  }

  /** What the host answered: Code.OK, or the failure's code. */
  get code(): i32 {
    const error = this.error;
    return error ? error.code : Code.OK;
  }

  /** Whether what was asked for does not exist. */
  get absent(): bool {
    return this.code == Code.ABSENT;
  }

  /** The value. Where there is none this aborts: look at error or ok before. */
  get value(): T {
    const error = this.error;
    if (error) throw new Error("the value of a failed Result: " + error.message);
    return this.held;
  }
}

/** Returns a result that has failed. */
export function failed<T>(error: Failure): Result<T> {
  if (isReference<T>()) return new Result<T>(changetype<T>(0), error);
  return new Result<T>(<T>0, error);
}

/** Turns what the host answered into a failure, or null when it is no code. */
export function check<A>(call: string, argument: A, code: i32): Failure | null {
  if (code >= 0) return null;
  const text = decode(bytesOf<A>(argument));
  return new Failure(call + " " + quote(text.substring(0, 80)) + ": " + meaning(code), 0, code);
}

function meaning(code: i32): string {
  if (code == Code.ABSENT) return "absent";
  if (code == Code.INVALID) return "malformed name, value, key or target";
  if (code == Code.DENIED) return "not granted in host.toml";
  if (code == Code.TIMEOUT) return "the deadline came first";
  if (code == Code.UNAVAILABLE) return "the other side failed";
  if (code == Code.TOO_LARGE) return "over a limit";
  if (code == Code.CLOSED) return "the client went away";
  return "the host answered a code that this SDK does not know";
}
