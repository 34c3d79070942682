import { failed, failure, Result } from "../errors";
import { decodeRange, encodePoint, quote } from "../text";
import { JSONKind, JSONValue } from "./value";

/** How deeply arrays and objects may be nested. */
const MAX_DEPTH = 500;

/** Reads one JSON value, and nothing after it. A failure says at which byte, from 1, and what. */
export function parse(text: Uint8Array): Result<JSONValue> {
  const reader = new Reader(text);
  const value = reader.whole();
  return value ? new Result<JSONValue>(value) : failed<JSONValue>(failure("not valid JSON: " + reader.problem));
}

/** Reads one JSON value and keeps what was wrong with it. */
export class Reader {
  /** Why whole returned null: "byte 7: …". */
  problem: string = "";
  /** The text ended before the value did. */
  early: bool = false;
  /** There is more after the value. */
  more: bool = false;
  private start: usize;
  private at: usize;
  private end: usize;
  private depth: i32 = 0;

  constructor(private source: Uint8Array) {
    this.start = source.dataStart;
    this.at = this.start;
    this.end = this.start + source.length;
  }

  /** The number of bytes that have been read. */
  get offset(): i32 {
    return <i32>(this.at - this.start);
  }

  /** Returns the value, or null when the text is not exactly one. */
  whole(): JSONValue | null {
    const value = this.value();
    if (!value) return null;
    const offset = this.offset;
    if (this.peek() >= 0) {
      this.more = true;
      this.at = this.start + offset;
      this.problem = "there is more after byte " + offset.toString();
      return null;
    }
    return value;
  }

  // peek skips white space and returns the next byte, or -1 at the end.
  private peek(): i32 {
    while (this.at < this.end) {
      const c: i32 = load<u8>(this.at);
      if (c != 0x20 && c != 0x0a && c != 0x0d && c != 0x09) return c;
      this.at++;
    }
    return -1;
  }

  private fail(expected: string): JSONValue | null {
    if (this.problem.length) return null;
    if (this.at >= this.end) {
      this.early = true;
      this.problem = "it ends too early, where there should be " + expected;
    } else {
      const c: u32 = load<u8>(this.at);
      const found = c > 0x20 && c < 0x7f ? quote(String.fromCharCode(c)) : "byte 0x" + (c < 16 ? "0" : "") + c.toString(16);
      this.problem = "byte " + (this.offset + 1).toString() + ": there should be " + expected + ", not " + found;
    }
    return null;
  }

  private value(): JSONValue | null {
    const c = this.peek();
    switch (c) {
      case 0x7b: // {
        return this.nested(this.object());
      case 0x5b: // [
        return this.nested(this.array());
      case 0x22: {
        const text = this.string();
        if (text == null) return null;
        const value = new JSONValue(JSONKind.String);
        value.text = text;
        return value;
      }
      case 0x74: // t
        return this.word("true", JSONKind.Bool);
      case 0x66: // f
        return this.word("false", JSONKind.Bool);
      case 0x6e: // n
        return this.word("null", JSONKind.Null);
    }
    if (c == 0x2d || (c >= 0x30 && c <= 0x39)) return this.number();
    return this.fail("a value");
  }

  private nested(value: JSONValue | null): JSONValue | null {
    this.depth--;
    return value;
  }

  private descend(): bool {
    this.at++;
    if (++this.depth <= MAX_DEPTH) return true;
    if (!this.problem.length) this.problem = "byte " + this.offset.toString() + ": nested more than " + MAX_DEPTH.toString() + " deep";
    return false;
  }

  private object(): JSONValue | null {
    if (!this.descend()) return null;
    const object = new JSONValue(JSONKind.Object);
    if (this.peek() == 0x7d) {
      this.at++;
      return object;
    }
    while (true) {
      if (this.peek() != 0x22) return this.fail("a name in quotes");
      const name = this.string();
      if (name == null) return null;
      if (this.peek() != 0x3a) return this.fail('":"');
      this.at++;
      const value = this.value();
      if (!value) return null;
      object.names.push(name);
      object.items.push(value);
      const c = this.peek();
      if (c != 0x2c && c != 0x7d) return this.fail('"," or "}"');
      this.at++;
      if (c == 0x7d) return object;
    }
  }

  private array(): JSONValue | null {
    if (!this.descend()) return null;
    const array = new JSONValue(JSONKind.Array);
    if (this.peek() == 0x5d) {
      this.at++;
      return array;
    }
    while (true) {
      const value = this.value();
      if (!value) return null;
      array.items.push(value);
      const c = this.peek();
      if (c != 0x2c && c != 0x5d) return this.fail('"," or "]"');
      this.at++;
      if (c == 0x5d) return array;
    }
  }

  private word(word: string, kind: JSONKind): JSONValue | null {
    for (let i = 0; i < word.length; i++) {
      if (this.at >= this.end || load<u8>(this.at) != word.charCodeAt(i)) return this.fail(word);
      this.at++;
    }
    const value = new JSONValue(kind);
    value.text = word;
    return value;
  }

  private number(): JSONValue | null {
    const from = this.at;
    if (load<u8>(this.at) == 0x2d) this.at++;
    if (this.at < this.end && load<u8>(this.at) == 0x30) this.at++;
    else if (!this.digits()) return this.fail("a digit");
    if (this.at < this.end && load<u8>(this.at) == 0x2e) {
      this.at++;
      if (!this.digits()) return this.fail("a digit");
    }
    if (this.at < this.end && (load<u8>(this.at) | 0x20) == 0x65) {
      this.at++;
      if (this.at < this.end && (load<u8>(this.at) == 0x2b || load<u8>(this.at) == 0x2d)) this.at++;
      if (!this.digits()) return this.fail("a digit");
    }
    const value = new JSONValue(JSONKind.Number);
    value.text = decodeRange(from, <i32>(this.at - from));
    return value;
  }

  private digits(): bool {
    const from = this.at;
    while (this.at < this.end && <u32>load<u8>(this.at) - 0x30 < 10) this.at++;
    return this.at > from;
  }

  // string reads a string in quotes. Its escapes are resolved as UTF-8 into a buffer
  // no longer than what is left, since every escape is longer than what it stands for.
  private string(): string | null {
    const from = ++this.at;
    while (this.at < this.end && plain(load<u8>(this.at))) this.at++;
    if (this.at < this.end && load<u8>(this.at) == 0x22) return decodeRange(from, <i32>(this.at++ - from));
    const room = new Uint8Array(<i32>(this.end - from));
    const begin = room.dataStart;
    memory.copy(begin, from, this.at - from);
    let to = begin + (this.at - from);
    while (this.at < this.end) {
      const c: u32 = load<u8>(this.at);
      if (c == 0x22) {
        this.at++;
        return decodeRange(begin, <i32>(to - begin));
      }
      if (c < 0x20) {
        this.fail("no control character in a string");
        return null;
      }
      this.at++;
      if (c != 0x5c) {
        store<u8>(to++, c);
        continue;
      }
      const point = this.escape();
      if (point < 0) return null;
      to = encodePoint(to, point);
    }
    this.fail("the end of a string");
    return null;
  }

  // escape reads what follows a backslash and returns the code point, or -1.
  private escape(): i32 {
    if (this.at < this.end) {
      const c: i32 = load<u8>(this.at);
      switch (c) {
        case 0x22:
        case 0x5c:
        case 0x2f:
          this.at++;
          return c;
        case 0x62:
          this.at++;
          return 8;
        case 0x66:
          this.at++;
          return 12;
        case 0x6e:
          this.at++;
          return 10;
        case 0x72:
          this.at++;
          return 13;
        case 0x74:
          this.at++;
          return 9;
        case 0x75: {
          this.at++;
          const unit = this.hex();
          if (unit < 0 || (unit & 0xf800) != 0xd800) return unit;
          // Half a pair alone is U+FFFD, and what follows stands for itself.
          if (unit >= 0xdc00 || this.at + 6 > this.end || load<u16>(this.at) != 0x755c) return 0xfffd;
          const back = this.at;
          this.at += 2;
          const low = this.hex();
          if (low < 0) return -1;
          if ((low & 0xfc00) == 0xdc00) return 0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff);
          this.at = back;
          return 0xfffd;
        }
      }
    }
    this.fail("an escape such as \\n or \\u00e9");
    return -1;
  }

  private hex(): i32 {
    let unit = 0;
    for (let i = 0; i < 4; i++) {
      const c: i32 = this.at < this.end ? load<u8>(this.at) : 0;
      const letter = (c | 0x20) - 0x61;
      if (c >= 0x30 && c <= 0x39) unit = unit * 16 + c - 0x30;
      else if (letter >= 0 && letter < 6) unit = unit * 16 + letter + 10;
      else {
        this.fail("four hexadecimal digits");
        return -1;
      }
      this.at++;
    }
    return unit;
  }
}

function plain(c: u8): bool {
  return c >= 0x20 && c != 0x22 && c != 0x5c;
}
