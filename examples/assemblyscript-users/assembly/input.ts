import { failed, Failure, httpError, JSONKind, Request, Result } from "wasmlane";
import { isControl, isLetterOrDigit, isSpace, points, toLower, trim, utf8Length } from "./unicode";

// Limits of what a client may send.
const MAX_NAME = 200; // characters
const MAX_EMAIL = 254; // bytes, as mail servers have it
const MAX_LOCAL_PART = 64; // bytes before the "@"
const DEFAULT_PAGE = 20;
const MAX_PAGE = 100;

/** The body of POST and PUT. */
export class Input {
  name: string = "";
  /** In the one form in which addresses are compared. */
  email: string = "";
}

/** Decodes and checks a body. */
export function readInput(r: Request): Result<Input> {
  const body = r.json();
  if (body.error) return failed<Input>(body.error!);
  const value = body.value;
  const input = new Input();
  if (value.kind != JSONKind.Object && !value.isNull) return bad("the body must be an object, not " + value.what);
  for (let i = 0; i < value.names.length; i++) {
    const item = value.items[i];
    const name = toLower(value.names[i]);
    if (name != "name" && name != "email") return bad('the body does not fit: unknown field "' + value.names[i] + '"');
    if (item.isNull) continue;
    if (item.kind != JSONKind.String) return bad('"' + name + '" must be a string, not ' + item.what);
    if (name == "name") input.name = item.text;
    else input.email = item.text;
  }

  input.name = trim(input.name);
  const name = points(input.name);
  if (!name.length) return bad('"name" is required');
  if (name.length > MAX_NAME) return bad('"name" has more than ' + MAX_NAME.toString() + " characters");
  if (name.some((c) => isControl(c))) return bad('"name" has control characters');
  input.email = toLower(trim(input.email));
  if (!input.email.length) return bad('"email" is required');
  if (!validEmail(input.email)) return bad('"email" is no email address; write one such as "ada@example.com"');
  return new Result<Input>(input);
}

function bad(message: string): Result<Input> {
  return failed<Input>(httpError(400, message));
}

// validEmail checks the form local@domain. Whether there is such a mailbox only a
// message to it can tell.
function validEmail(email: string): bool {
  const at = email.indexOf("@");
  if (at <= 0) return false;
  const local = email.substring(0, at);
  if (utf8Length(local) > MAX_LOCAL_PART || utf8Length(email) > MAX_EMAIL) return false;
  if (points(local).some((c) => isSpace(c) || isControl(c) || (c < 0x80 && '@"(),:;<>[\\]'.includes(String.fromCharCode(c))))) return false;
  const labels = email.substring(at + 1).split(".");
  return labels.length > 1 && labels.every((label) => validLabel(label));
}

// validLabel checks one part of a domain's name.
function validLabel(label: string): bool {
  if (!label.length || utf8Length(label) > 63 || label.startsWith("-") || label.endsWith("-")) return false;
  return points(label).every((c) => c == 0x2d || isLetterOrDigit(c));
}

/** Reads an id in the one form in which it is given out; 0 is none. */
export function parseID(text: string): i64 {
  const id = decimal(text);
  return id > 0 && id.toString() == text ? id : 0;
}

// decimal reads a number with or without a sign; -1 for what is none, or is less than
// 0 or outside i64.
function decimal(text: string): i64 {
  const start = text.startsWith("+") ? 1 : 0;
  if (text.length == start) return -1;
  let n: i64 = 0;
  for (let i = start; i < text.length; i++) {
    const digit: i64 = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9 || n > (i64.MAX_VALUE - digit) / 10) return -1;
    n = n * 10 + digit;
  }
  return n;
}

/** What part of a list a client asks for. */
export class Page {
  limit: i32 = DEFAULT_PAGE;
  after: i64 = 0;
}

export function readPage(r: Request): Result<Page> {
  const page = new Page();
  const limit = r.query("limit");
  if (limit.length) {
    const n = decimal(limit);
    if (n < 1 || n > MAX_PAGE) return failed<Page>(httpError(400, '"limit" must be a number from 1 to ' + MAX_PAGE.toString()));
    page.limit = <i32>n;
  }
  const after = r.query("after");
  if (after.length) {
    page.after = parseID(after);
    if (page.after == 0) return failed<Page>(httpError(400, '"after" must be the "next" of the page before'));
  }
  return new Result<Page>(page);
}

export function noUser(id: string): Failure {
  return httpError(404, "user " + id + " does not exist");
}
