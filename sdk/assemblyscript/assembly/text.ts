// Text is UTF-16 here and bytes for the host. What has no equal on the other side,
// a byte that is no UTF-8 or half a surrogate pair, becomes U+FFFD.

const REPLACEMENT: u32 = 0xfffd;

/** Returns text as UTF-8. */
export function encode(text: string): Uint8Array {
  // Half a pair counts for three bytes, as U+FFFD does.
  const bytes = new Uint8Array(String.UTF8.byteLength(text));
  encodeTo(bytes.dataStart, text);
  return bytes;
}

/** Writes text as UTF-8 where there is room for it, and returns where it ends. */
export function encodeTo(to: usize, text: string): usize {
  const size = text.length;
  for (let i = 0; i < size; i++) {
    let c: u32 = text.charCodeAt(i);
    if (c < 0x80) {
      store<u8>(to++, c);
      continue;
    }
    if ((c & 0xf800) == 0xd800) {
      const low: u32 = i + 1 < size ? text.charCodeAt(i + 1) : 0;
      if (c < 0xdc00 && (low & 0xfc00) == 0xdc00) {
        c = 0x10000 + ((c & 0x3ff) << 10) + (low & 0x3ff);
        i++;
      } else {
        c = REPLACEMENT;
      }
    }
    to = encodePoint(to, c);
  }
  return to;
}

/** Writes a code point as UTF-8 and returns where it ends. */
export function encodePoint(to: usize, c: u32): usize {
  if (c < 0x80) {
    store<u8>(to, c);
    return to + 1;
  }
  if (c < 0x800) {
    store<u8>(to, 0xc0 | (c >> 6));
    store<u8>(to, 0x80 | (c & 63), 1);
    return to + 2;
  }
  if (c < 0x10000) {
    store<u8>(to, 0xe0 | (c >> 12));
    store<u8>(to, 0x80 | ((c >> 6) & 63), 1);
    store<u8>(to, 0x80 | (c & 63), 2);
    return to + 3;
  }
  store<u8>(to, 0xf0 | (c >> 18));
  store<u8>(to, 0x80 | ((c >> 12) & 63), 1);
  store<u8>(to, 0x80 | ((c >> 6) & 63), 2);
  store<u8>(to, 0x80 | (c & 63), 3);
  return to + 4;
}

/** Returns bytes, taken for UTF-8, as text. */
export function decode(bytes: Uint8Array): string {
  return decodeRange(bytes.dataStart, bytes.length);
}

/** Returns the text of a range of memory. */
export function decodeRange(from: usize, size: i32): string {
  if (size == 0) return "";
  // A byte gives one UTF-16 unit at most. Written where the string will be and cut to
  // size, the text needs no second place.
  const text = __new(<usize>size << 1, idof<string>());
  const end = from + size;
  let to = text;
  while (from < end) {
    let c: u32 = load<u8>(from);
    if (c < 0x80) {
      from++;
    } else {
      const length = sequence(from, end);
      if (length == 0) {
        c = REPLACEMENT;
        from++;
      } else {
        c &= 0x7f >> length;
        for (let i: u32 = 1; i < length; i++) c = (c << 6) | (load<u8>(from + i) & 63);
        from += length;
      }
    }
    if (c >= 0x10000) {
      c -= 0x10000;
      store<u16>(to, 0xd800 | (c >> 10));
      to += 2;
      c = 0xdc00 | (c & 0x3ff);
    }
    store<u16>(to, c);
    to += 2;
  }
  return changetype<string>(__renew(text, to - text));
}

// sequence returns how many bytes a sequence of more than one has, or 0 when it is
// none: cut off, too long for its value, a surrogate, or over U+10FFFF.
function sequence(at: usize, end: usize): u32 {
  const first: u32 = load<u8>(at);
  const length: u32 = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (length == 0 || at + length > end) return 0;
  const second: u32 = load<u8>(at, 1);
  const least: u32 = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const most: u32 = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (second < least || second > most) return 0;
  for (let i: u32 = 2; i < length; i++) {
    if ((load<u8>(at + i) & 0xc0) != 0x80) return 0;
  }
  return length;
}

/**
 * Returns what a function of this SDK was given as bytes: a string becomes UTF-8, a
 * Uint8Array or an ArrayBuffer is taken as it is. Another type is an error of the
 * compiler.
 */
export function bytesOf<T>(data: T): Uint8Array {
  if (isString<T>()) {
    return encode(data as string);
  } else if (data instanceof Uint8Array) {
    return data as Uint8Array;
  } else if (data instanceof ArrayBuffer) {
    return Uint8Array.wrap(data as ArrayBuffer);
  } else {
    ERROR("wasmlane: names, keys and values are a string, a Uint8Array or an ArrayBuffer");
    return new Uint8Array(0);
  }
}

/** Returns text in quotes for a message, as JSON writes it. */
export function quote(text: string): string {
  let out = '"';
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c == 0x22 || c == 0x5c) out += "\\" + text.charAt(i);
    else if (c < 0x20 || c == 0x7f) out += "\\u00" + (c < 16 ? "0" : "") + c.toString(16);
    else out += text.charAt(i);
  }
  return out + '"';
}
