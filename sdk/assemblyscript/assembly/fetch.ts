import { decodeRange } from "./text";

// Functions that yield bytes answer the full length and write only what fits. fetch
// asks with a static buffer first and again with one of the right size.

const SCRATCH: u32 = 4096;
// @ts-ignore: decorator
@lazy const scratch: usize = memory.data(4096);

// @ts-ignore: decorator
@lazy const nothing = new Uint8Array(0);

// Where the value of the last fetch lies, until the next one.
// @ts-ignore: decorator
@lazy let at: usize = 0;
// @ts-ignore: decorator
@lazy let size: i32 = 0;
// What at points into when that is not scratch, for a collector to see.
// @ts-ignore: decorator
@lazy let held: Uint8Array = nothing;

/** A function of the host with two byte arguments and an index, of which it may use fewer. */
export type Getter = (a: usize, aLen: u32, b: usize, bLen: u32, index: u32, buf: usize, cap: u32) => i32;

/** Fetches a value for bytes() or text() to take; returns its length or a code. */
export function fetch(get: Getter, a: Uint8Array = nothing, index: u32 = 0, b: Uint8Array = nothing): i32 {
  at = scratch;
  let cap = SCRATCH;
  while (true) {
    const n = get(a.dataStart, a.length, b.dataStart, b.length, index, at, cap);
    size = n;
    if (n < 0 || <u32>n <= cap) return n;
    // It may have grown when it is asked for again.
    cap = n;
    held = new Uint8Array(n);
    at = held.dataStart;
  }
}

/** Returns a copy of what fetch has fetched. */
export function fetchedBytes(): Uint8Array {
  const bytes = new Uint8Array(max(size, 0));
  memory.copy(bytes.dataStart, at, bytes.length);
  return bytes;
}

/** Returns what fetch has fetched as text, "" when it was a code. */
export function fetchedText(): string {
  return decodeRange(at, max(size, 0));
}

/** What reads on in a body: of the request, or of the answer to a call. */
export type Reader = (handle: i32, buf: usize, cap: u32) => i32;

// Why the last readAll or readPart ended: 0 or a code.
export let readCode: i32 = 0;

/** Reads a body to its end; expected is its length or less than 0 when that is not known. */
export function readAll(read: Reader, handle: i32, expected: i64): Uint8Array {
  let body = new Uint8Array(expected < 0 ? <i32>SCRATCH : <i32>expected);
  let n = 0;
  readCode = 0;
  while (n != expected) {
    if (n == body.length) {
      const larger = new Uint8Array(max(2 * n, <i32>SCRATCH));
      memory.copy(larger.dataStart, body.dataStart, n);
      body = larger;
    }
    const got = read(handle, body.dataStart + n, body.length - n);
    if (got <= 0) {
      readCode = got;
      break;
    }
    n += got;
  }
  return body.subarray(0, n);
}

/** Reads on, up to limit bytes; none are the end. */
export function readPart(read: Reader, handle: i32, limit: i32): Uint8Array {
  const part = new Uint8Array(max(limit, 0));
  readCode = limit > 0 ? read(handle, part.dataStart, limit) : 0;
  return part.subarray(0, max(readCode, 0));
}
