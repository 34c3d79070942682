import { bytesOf, encode } from "../text";

/**
 * Writes JSON, compactly, in the order of its calls; commas and colons come by
 * themselves:
 *
 *     const out = new JSONWriter();
 *     out.object().key("id").string("7").key("tags").array().string("a").end().end();
 *
 * writes {"id":"7","tags":["a"]}. Characters that mean something in HTML, and the
 * line separators U+2028 and U+2029, are escaped.
 */
export class JSONWriter {
  private buffer: Uint8Array = new Uint8Array(256);
  private size: i32 = 0;
  private comma: bool = false;
  private closing: u8[] = [];

  /** Begins an object; end() ends it. */
  object(): JSONWriter {
    return this.open(0x7b, 0x7d);
  }

  /** Begins an array; end() ends it. */
  array(): JSONWriter {
    return this.open(0x5b, 0x5d);
  }

  /** Ends the object or array that began last. */
  end(): JSONWriter {
    if (!this.closing.length) throw new Error("JSONWriter: end() without object() or array()");
    this.byte(this.closing.pop());
    this.comma = true;
    return this;
  }

  /** Writes the name of the value that follows. */
  key(name: string): JSONWriter {
    this.string(name);
    this.byte(0x3a);
    this.comma = false;
    return this;
  }

  /** Writes a string. */
  string(text: string): JSONWriter {
    this.separate();
    const bytes = encode(text);
    this.byte(0x22);
    let from = bytes.dataStart;
    const end = from + bytes.length;
    while (from < end) {
      const c: u32 = load<u8>(from);
      // U+2028 and U+2029 are e2 80 a8 and e2 80 a9.
      if (c == 0xe2 && load<u8>(from, 1) == 0x80 && (load<u8>(from, 2) & 0xfe) == 0xa8) {
        this.raw(load<u8>(from, 2) == 0xa8 ? "\\u2028" : "\\u2029");
        from += 3;
        continue;
      }
      this.escaped(c);
      from++;
    }
    this.byte(0x22);
    return this;
  }

  /** Writes a whole number. */
  integer(n: i64): JSONWriter {
    this.separate();
    this.raw(n.toString());
    return this;
  }

  /** Writes a number. JSON has no word for infinity and NaN: they become null. */
  number(n: f64): JSONWriter {
    if (!isFinite(n)) return this.null();
    this.separate();
    const text = n.toString();
    this.raw(text.endsWith(".0") ? text.substring(0, text.length - 2) : text);
    return this;
  }

  /** Writes true or false. */
  bool(b: bool): JSONWriter {
    this.separate();
    this.raw(b ? "true" : "false");
    return this;
  }

  /** Writes null. */
  null(): JSONWriter {
    this.separate();
    this.raw("null");
    return this;
  }

  /** Writes a value that is JSON already. */
  json<T>(text: T): JSONWriter {
    this.separate();
    this.raw(text);
    return this;
  }

  /** Returns what has been written. It must not be used after the next call. */
  bytes(): Uint8Array {
    if (this.closing.length) throw new Error("JSONWriter: an object or array has not ended");
    return this.buffer.subarray(0, this.size);
  }

  /** Returns what has been written, with a line end after it. */
  line(): Uint8Array {
    this.byte(0x0a);
    return this.bytes();
  }

  private open(first: u8, last: u8): JSONWriter {
    this.separate();
    this.byte(first);
    this.closing.push(last);
    this.comma = false;
    return this;
  }

  private separate(): void {
    if (this.comma) this.byte(0x2c);
    this.comma = true;
  }

  private escaped(c: u32): void {
    if (c >= 0x20 && c != 0x22 && c != 0x5c && c != 0x3c && c != 0x3e && c != 0x26) return this.byte(<u8>c);
    this.byte(0x5c);
    switch (c) {
      case 0x22:
      case 0x5c:
        return this.byte(<u8>c);
      case 8:
        return this.byte(0x62);
      case 9:
        return this.byte(0x74);
      case 10:
        return this.byte(0x6e);
      case 12:
        return this.byte(0x66);
      case 13:
        return this.byte(0x72);
    }
    this.raw("u00" + (c < 16 ? "0" : "") + c.toString(16));
  }

  private raw<T>(text: T): void {
    const bytes = bytesOf<T>(text);
    this.reserve(bytes.length);
    memory.copy(this.buffer.dataStart + this.size, bytes.dataStart, bytes.length);
    this.size += bytes.length;
  }

  private byte(c: u8): void {
    this.reserve(1);
    store<u8>(this.buffer.dataStart + this.size++, c);
  }

  private reserve(more: i32): void {
    if (this.size + more <= this.buffer.length) return;
    const larger = new Uint8Array(max(2 * this.buffer.length, this.size + more));
    memory.copy(larger.dataStart, this.buffer.dataStart, this.size);
    this.buffer = larger;
  }
}
