/** What a JSON value is. */
export enum JSONKind {
  Null,
  Bool,
  Number,
  String,
  Array,
  Object,
}

/** A JSON value that has been read. */
export class JSONValue {
  /** The text of a string; a number or true, false or null as it was written. */
  text: string = "";
  /** The elements of an array, or an object's values. */
  items: JSONValue[] = [];
  /** The names of an object's values, in their order; one may occur twice, and the last one counts. */
  names: string[] = [];

  constructor(public kind: JSONKind) {}

  get isNull(): bool {
    return this.kind == JSONKind.Null;
  }

  /** Whether this is true; false for what is no boolean. */
  get isTrue(): bool {
    return this.kind == JSONKind.Bool && this.text == "true";
  }

  /** The value of that name in an object; null when there is none. */
  get(name: string): JSONValue | null {
    for (let i = this.names.length - 1; i >= 0; i--) {
      if (this.names[i] == name) return this.items[i];
    }
    return null;
  }

  /** The string of that name in an object; "" when there is none. */
  string(name: string): string {
    const value = this.get(name);
    return value && value.kind == JSONKind.String ? value.text : "";
  }

  /** The whole number of that name in an object; otherwise when there is none, or it is outside i64. */
  integer(name: string, otherwise: i64 = 0): i64 {
    const value = this.get(name);
    return value ? value.toInteger(otherwise) : otherwise;
  }

  /** The number as f64; NaN for what is no number. */
  toFloat(): f64 {
    return this.kind == JSONKind.Number ? parseFloat(this.text) : NaN;
  }

  /** The number as i64; otherwise for what is no whole number or outside i64. */
  toInteger(otherwise: i64 = 0): i64 {
    if (this.kind != JSONKind.Number) return otherwise;
    const negative = this.text.charCodeAt(0) == 0x2d;
    const most: u64 = negative ? 1 << 63 : i64.MAX_VALUE;
    let n: u64 = 0;
    for (let i = negative ? 1 : 0; i < this.text.length; i++) {
      const digit: u64 = this.text.charCodeAt(i) - 0x30;
      if (digit > 9 || n > (most - digit) / 10) return otherwise;
      n = n * 10 + digit;
    }
    return negative ? -(<i64>n) : <i64>n;
  }

  /** What this is, for a message to a client: "a string". */
  get what(): string {
    switch (this.kind) {
      case JSONKind.Null:
        return "null";
      case JSONKind.Bool:
        return "true or false";
      case JSONKind.Number:
        return "a number";
      case JSONKind.String:
        return "a string";
      case JSONKind.Array:
        return "an array";
      default:
        return "an object";
    }
  }
}
