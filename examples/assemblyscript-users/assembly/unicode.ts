import { CASES, LETTERS_AND_DIGITS } from "./tables";

/** Returns the code points of a text. */
export function points(text: string): u32[] {
  const all: u32[] = [];
  for (let i = 0; i < text.length; i++) {
    const c: u32 = text.codePointAt(i);
    if (c > 0xffff) i++;
    all.push(c);
  }
  return all;
}

/** Returns how many bytes a text has as UTF-8. */
export function utf8Length(text: string): i32 {
  return String.UTF8.byteLength(text);
}

export function isControl(c: u32): bool {
  return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

/** Whether a character is white space to Unicode; trim() of AssemblyScript has another list. */
export function isSpace(c: u32): bool {
  return (
    c == 0x20 || (c >= 0x09 && c <= 0x0d) || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
    c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000
  );
}

export function trim(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isSpace(text.charCodeAt(from))) from++;
  while (from < to && isSpace(text.charCodeAt(to - 1))) to--;
  return text.substring(from, to);
}

/**
 * Returns a text in lower case, each character for itself: toLowerCase looks at the
 * neighbours, so that an address might have two forms.
 */
export function toLower(text: string): string {
  const all = points(text);
  let lower = "";
  for (let i = 0; i < all.length; i++) lower += String.fromCodePoint(lowerOf(all[i]));
  return lower;
}

function lowerOf(c: u32): u32 {
  for (let i = 0; i < CASES.length && <u32>CASES[i] <= c; i += 4) {
    if (c <= <u32>CASES[i + 1] && (c - CASES[i]) % CASES[i + 2] == 0) return c + CASES[i + 3];
  }
  return c;
}

export function isLetterOrDigit(c: u32): bool {
  // The last range that begins at or before c.
  let low = 0;
  let high = LETTERS_AND_DIGITS.length / 2;
  while (low < high) {
    const middle = (low + high) / 2;
    if (LETTERS_AND_DIGITS[2 * middle] <= c) low = middle + 1;
    else high = middle;
  }
  return low > 0 && c <= LETTERS_AND_DIGITS[2 * low - 1];
}
