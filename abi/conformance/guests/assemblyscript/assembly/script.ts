import { decode } from "wasmlane";

/** One command of a script, and how far its words have been read. */
export class Script {
  /** A word is missing, or is no number where there should be one. */
  bad: bool = false;
  private words: string[];
  private at: i32 = 1;

  constructor(command: string) {
    this.words = command.split(" ");
  }

  get name(): string {
    return this.words[0];
  }

  get more(): bool {
    return this.at < this.words.length;
  }

  /** The next word as it stands. */
  word(): string {
    if (this.more) return this.words[this.at++];
    this.bad = true;
    return "";
  }

  /** The bytes that the next word stands for. */
  bytes(): Uint8Array {
    const word = this.word();
    if (word == '""') return new Uint8Array(0);
    if (word.startsWith("*")) return new Uint8Array(<i32>this.parse(word.substring(1))).fill(0x78);
    const bytes = new Uint8Array(word.length);
    let n = 0;
    for (let i = 0; i < word.length; i++) {
      if (word.charAt(i) == "%") {
        bytes[n++] = <u8>U32.parseInt(word.substring(i + 1, i + 3), 16);
        i += 2;
      } else {
        bytes[n++] = <u8>word.charCodeAt(i);
      }
    }
    return bytes.slice(0, n);
  }

  /** The same, for what is known to be text. */
  text(): string {
    return decode(this.bytes());
  }

  number(): i64 {
    return this.parse(this.word());
  }

  private parse(word: string): i64 {
    const negative = word.startsWith("-");
    let n: i64 = 0;
    for (let i = negative ? 1 : 0; i < word.length; i++) {
      const digit = word.charCodeAt(i) - 0x30;
      if (digit < 0 || digit > 9) this.bad = true;
      // The least number has no positive counterpart, so that all are summed as negative ones.
      n = n * 10 - digit;
    }
    if (word.length == (negative ? 1 : 0)) this.bad = true;
    return negative ? n : -n;
  }
}
