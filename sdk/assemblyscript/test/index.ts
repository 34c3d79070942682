// Unit tests of what needs no host; run.mjs runs every export whose name begins with
// "test_". A failed assert aborts, and the abort says where.

import { decode, encode, handle, JSONKind, JSONWriter, log, parse, quote, rand, Request, Response } from "../assembly";
import { bytesOf } from "../assembly/text";

function bytes(list: u8[]): Uint8Array {
  const array = new Uint8Array(list.length);
  for (let i = 0; i < list.length; i++) array[i] = list[i];
  return array;
}

function same(got: string, want: string): void {
  if (got != want) throw new Error("got " + quote(got) + ", want " + quote(want));
}

export function test_text(): void {
  const texts = ["", "a", "é", "€", "𝄞", "\0", "a€𝄞é\n", "\u{10ffff}", "\ud7ff\ue000"];
  for (let i = 0; i < texts.length; i++) {
    same(decode(encode(texts[i])), texts[i]);
    same(String.UTF8.decode(encode(texts[i]).slice(0).buffer), texts[i]);
  }
  // Half a pair is no text.
  same(decode(encode("a" + String.fromCharCode(0xd800) + "b" + String.fromCharCode(0xdc00))), "a\ufffdb\ufffd");
}

export function test_bad_utf8(): void {
  const end: u8 = 0x2e;
  same(decode(bytes([0xff, end])), "\ufffd.");
  same(decode(bytes([0x80, end])), "\ufffd.");
  same(decode(bytes([0xc3])), "\ufffd");
  same(decode(bytes([0xe2, 0x82])), "\ufffd\ufffd");
  same(decode(bytes([0xc0, 0xaf])), "\ufffd\ufffd"); // too long for its value
  same(decode(bytes([0xe0, 0x80, 0x80])), "\ufffd\ufffd\ufffd");
  same(decode(bytes([0xed, 0xa0, 0x80])), "\ufffd\ufffd\ufffd"); // a surrogate
  same(decode(bytes([0xf4, 0x90, 0x80, 0x80])), "\ufffd\ufffd\ufffd\ufffd"); // over U+10FFFF
  same(decode(bytes([0xf0, 0x9d, 0x84, 0x9e, 0xff])), "𝄞\ufffd");
}

export function test_bytes_pass_as_they_are(): void {
  const odd = bytes([0, 0xff, 0x80]);
  assert(bytesOf(odd) == odd);
  assert(bytesOf(odd.buffer).length == 3);
  assert(bytesOf("é").length == 2);
}

export function test_json_writer(): void {
  const out = new JSONWriter();
  out.object().key("a").array().integer(-1).number(1.5).number(3).number(NaN).bool(true).bool(false).null().end();
  out.key("b").object().end().key("c").array().array().end().array().end().end().key("d").string("x").key("e").json("[1]").end();
  same(decode(out.line()), '{"a":[-1,1.5,3,null,true,false,null],"b":{},"c":[[],[]],"d":"x","e":[1]}\n');
}

export function test_json_writer_escapes(): void {
  same(decode(new JSONWriter().string('"\\/\b\f\n\r\t\0\x1f\x7f<>&é𝄞\u2027\u2028\u2029\u202a').bytes()),
    '"\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\\u003c\\u003e\\u0026é𝄞\u2027\\u2028\\u2029\u202a"');
  const long = "é".repeat(5000);
  same(decode(new JSONWriter().string(long).bytes()), '"' + long + '"');
}

export function test_json_reader(): void {
  const value = parse(encode(' {"a": [1, -2.5e+3, "x", true, null, {}], "b": {"c": "d"}, "a2": 9223372036854775807, "b": 7} ')).value;
  assert(value.kind == JSONKind.Object && value.names.length == 4);
  const a = value.get("a")!;
  assert(a.kind == JSONKind.Array && a.items.length == 6);
  assert(a.items[0].toInteger() == 1 && a.items[1].toFloat() == -2500 && a.items[3].isTrue && a.items[4].isNull);
  assert(a.items[1].toInteger(5) == 5);
  assert(value.integer("a2") == i64.MAX_VALUE && value.integer("b") == 7 && value.integer("none", 3) == 3);
  assert(value.get("none") == null && value.string("b") == "");
  assert(parse(encode("-9223372036854775808")).value.toInteger() == i64.MIN_VALUE);
  assert(parse(encode("-9223372036854775809")).value.toInteger(1) == 1);
  assert(parse(encode("9223372036854775808")).value.toInteger(1) == 1);
  assert(parse(encode("99999999999999999999")).value.toInteger(1) == 1);
}

export function test_json_reader_strings(): void {
  same(parse(encode('"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD834\\udd1e"')).value.text, '"\\/\b\f\n\r\té𝄞');
  same(parse(encode('"\\ud834"')).value.text, "\ufffd");
  same(parse(encode('"\\udd1e\\ud834x"')).value.text, "\ufffd\ufffdx");
  same(parse(encode('"\\ud834\\ud834\\udd1e"')).value.text, "\ufffd𝄞");
  same(parse(encode('"\\ud834\\n"')).value.text, "\ufffd\n");
  same(parse(bytes([0x22, 0xff, 0x22])).value.text, "\ufffd");
}

function refused(text: string, problem: string): void {
  const result = parse(encode(text));
  if (result.ok) throw new Error(quote(text) + " is taken for JSON");
  same(result.error!.message, "not valid JSON: " + problem);
}

export function test_json_reader_refuses(): void {
  refused("", "it ends too early, where there should be a value");
  refused("[1", 'it ends too early, where there should be "," or "]"');
  refused("tru", "it ends too early, where there should be true");
  refused('"abc', "it ends too early, where there should be the end of a string");
  refused("nul!", 'byte 4: there should be null, not "!"');
  refused("{a", 'byte 2: there should be a name in quotes, not "a"');
  refused('{"a" 1}', 'byte 6: there should be ":", not "1"');
  refused('{"a": 1,}', 'byte 9: there should be a name in quotes, not "}"');
  refused("[1 2]", 'byte 4: there should be "," or "]", not "2"');
  refused("[1,]", 'byte 4: there should be a value, not "]"');
  refused("01", "there is more after byte 1");
  refused("{} x", "there is more after byte 2");
  refused("1.", "it ends too early, where there should be a digit");
  refused("-x", 'byte 2: there should be a digit, not "x"');
  refused("1e+", "it ends too early, where there should be a digit");
  refused('"a\nb"', "byte 3: there should be no control character in a string, not byte 0x0a");
  refused('"\\x"', 'byte 3: there should be an escape such as \\n or \\u00e9, not "x"');
  refused('"\\u12g4"', 'byte 6: there should be four hexadecimal digits, not "g"');
  refused("é", "byte 1: there should be a value, not byte 0xc3");
  refused("[".repeat(501), "byte 501: nested more than 500 deep");
  assert(parse(encode("[".repeat(500) + "]".repeat(500))).ok);
}

export function test_quote(): void {
  same(quote('a"\\\n\x7fé<'), '"a\\"\\\\\\u000a\\u007fé<"');
}

export function abort_in_initialiser(): void {
  rand.next();
}

export function abort_with_message(): void {
  throw new Error("broken é");
}

// What the compiler's library would import from "env".
export function library(): void {
  trace("traced", 2, 1, 2.5);
  console.log("logged");
  console.error("wrong");
  log.warn(new Date(Date.now()).toISOString());
  const random = new Uint8Array(4);
  crypto.getRandomValues(random);
  assert(performance.now() > 0);
  log.debug(random);
}

export function random(): void {
  handle((w: Response, r: Request) => {
    log.info((Math.random() != Math.random()).toString() + " " + (rand.next() != rand.next()).toString() + " " + rand.below(1).toString());
    assert(rand.float() < 1);
    return null;
  });
}

export function random_in_initialiser(): void {
  Math.random();
}

export function body(): void {
  const r = new Request();
  log.info(r.json().error!.message);
}
