import { Code, encode, Failure, Result } from "wasmlane";

/** Writes bytes as a result line. */
export function showBytes(bytes: Uint8Array): string {
  if (!bytes.length) return '""';
  if (bytes.length > 256) {
    let hash: u32 = 0x811c9dc5;
    for (let i = 0; i < bytes.length; i++) hash = (hash ^ bytes[i]) * 0x01000193;
    return "*" + bytes.length.toString() + ":" + hash.toString(16).padStart(8, "0");
  }
  let line = "";
  for (let i = 0; i < bytes.length; i++) {
    const c = String.fromCharCode(bytes[i]);
    const letter = bytes[i] | 0x20;
    if ((letter >= 0x61 && letter <= 0x7a) || (bytes[i] >= 0x30 && bytes[i] <= 0x39) || "-._~/:".includes(c)) line += c;
    else line += "%" + bytes[i].toString(16).toUpperCase().padStart(2, "0");
  }
  return line;
}

export function showText(text: string): string {
  return showBytes(encode(text));
}

/** Writes what a function answers that may find nothing. */
export function showOptional(bytes: Uint8Array | null): string {
  return bytes ? showBytes(bytes) : "!ABSENT";
}

export function showCode(code: i32): string {
  switch (code) {
    case Code.ABSENT:
      return "!ABSENT";
    case Code.INVALID:
      return "!INVALID";
    case Code.DENIED:
      return "!DENIED";
    case Code.TIMEOUT:
      return "!TIMEOUT";
    case Code.UNAVAILABLE:
      return "!UNAVAILABLE";
    case Code.TOO_LARGE:
      return "!TOO_LARGE";
    case Code.CLOSED:
      return "!CLOSED";
  }
  return "ok";
}

export function showFailure(failed: Failure | null): string {
  return failed ? showCode(failed.code) : "ok";
}

export function showValue(r: Result<Uint8Array>): string {
  return r.ok ? showBytes(r.value) : showCode(r.code);
}

export function showFlag(r: Result<bool>): string {
  return r.ok ? (r.value ? "1" : "0") : showCode(r.code);
}

export function showNumber<T>(r: Result<T>): string {
  return r.ok ? r.value.toString() : showCode(r.code);
}
