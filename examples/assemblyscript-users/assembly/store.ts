import { failed, Failure, httpError, JSONKind, JSONValue, JSONWriter, Keys, kv, log, parse, Result } from "wasmlane";
import { claim } from "./claims";
import { Input, noUser } from "./input";

// Users in the store, and how two of them never share an email address although
// each write stands for itself and a request may end between any two.
//
//   last_id           the last id given out
//   last_claim        the last claim given out by an update
//   user/{id}         a record: what the user is now, and what it wants to be
//   email/{address}   the claim on an address: "{id}:{claim}"
//
// A create or an update that needs an address takes three steps:
//
//  1. The record gets its wish, with a claim that nobody has had: {now, next}.
//  2. The claim is put under email/{address}. This decides between those who want
//     the same address.
//  3. The wish becomes the user: {now: next}.
//
// A claim is live while its user has it as now or next. Whoever finds a live claim of
// a wish first does step 3 for its owner. A claim that is not live never becomes live
// again, so it can be replaced by compare-and-swap. That is also how addresses become
// free: nobody deletes a claim, because it may be somebody else's by then.
//
// plugins/user, in Go, has the same layout: either serves what the other has stored.

/** How often a change starts again because another one came between. */
export const ATTEMPTS = 16;

export function busy(): Failure {
  return httpError(503, "too many changes at the same time; try again");
}

/** What a user is. */
export class Profile {
  name: string;
  email: string;

  constructor(
    input: Input,
    /** With the id, what holds the address; 0 when created with it. */
    public claim: i64 = 0,
  ) {
    this.name = input.name;
    this.email = input.email;
  }

  holds(email: string, claim: i64): bool {
    return this.email == email && this.claim == claim;
  }
}

/** A user's record, as it was read or written last, so that a change can see whether it is still the same. */
export class Entry {
  key: string;
  raw: Uint8Array = new Uint8Array(0);
  /** null until the user is created. */
  now: Profile | null = null;
  /** A change that is not complete. */
  next: Profile | null = null;

  constructor(id: i64) {
    this.key = userKey(id);
  }

  /** Changes the record unless it is another one by now. */
  swap(now: Profile | null, next: Profile | null): Result<bool> {
    const raw = encodeRecord(now, next);
    const swapped = kv.compareAndSwap(this.key, this.raw, raw);
    if (swapped.ok && swapped.value) {
      this.raw = raw;
      this.now = now;
      this.next = next;
    }
    return swapped;
  }
}

// userKey pads the id, so that the order of the keys is that of the ids.
function userKey(id: i64): string {
  return "user/" + id.toString().padStart(19, "0");
}

/** Returns the user's entry, without a raw value when there is none. */
export function read(id: i64): Result<Entry> {
  const entry = new Entry(id);
  const raw = kv.get(entry.key);
  if (raw.absent) return new Result<Entry>(entry);
  if (raw.error) return failed<Entry>(raw.error!);
  entry.raw = raw.value;
  const record = parse(entry.raw);
  if (record.error) return failed<Entry>(new Failure(entry.key + " is damaged: " + record.error!.message));
  entry.now = decodeProfile(record.value.get("now"));
  entry.next = decodeProfile(record.value.get("next"));
  return new Result<Entry>(entry);
}

function decodeProfile(value: JSONValue | null): Profile | null {
  if (!value || value.kind != JSONKind.Object) return null;
  const input = new Input();
  input.name = value.string("name");
  input.email = value.string("email");
  return new Profile(input, value.integer("claim"));
}

function encodeRecord(now: Profile | null, next: Profile | null): Uint8Array {
  const out = new JSONWriter().object();
  if (now) encodeProfile(out.key("now"), now);
  if (next) encodeProfile(out.key("next"), next);
  return out.end().bytes();
}

function encodeProfile(out: JSONWriter, p: Profile): void {
  out.object().key("name").string(p.name).key("email").string(p.email).key("claim").integer(p.claim).end();
}

/** Returns the user. */
export function find(id: i64): Result<Profile> {
  const entry = read(id);
  if (entry.error) return failed<Profile>(entry.error!);
  const now = entry.value.now;
  return now ? new Result<Profile>(now) : failed<Profile>(noUser(id.toString()));
}

/** A walk over the users in the order of their ids. */
export class Walk {
  id: i64 = 0;
  error: Failure | null = null;
  private current: Profile | null = null;
  private keys: Keys;

  constructor(after: i64) {
    this.keys = kv.listAfter("user/", after > 0 ? userKey(after) : "");
  }

  get profile(): Profile {
    return this.current!;
  }

  /** Goes to the next user; false at the end, and when the walk has failed. */
  next(): bool {
    while (this.keys.next()) {
      this.id = I64.parseInt(this.keys.key.substring(5));
      const entry = read(this.id);
      this.error = entry.error;
      if (this.error) return false;
      this.current = entry.value.now;
      // Otherwise it is deleted since, or not created yet.
      if (this.current) return true;
    }
    this.error = this.keys.error;
    return false;
  }
}

/** Adds a user and returns its id. */
export function create(input: Input): Result<i64> {
  const id = kv.add("last_id", 1);
  if (id.error) return id;
  const wish = new Profile(input);
  const entry = new Entry(id.value);
  entry.raw = encodeRecord(null, wish);
  let error = kv.set(entry.key, entry.raw);
  if (error) return failed<i64>(error);
  const holder = claim(wish, id.value);
  if (holder.error) return holder;
  if (holder.value != id.value) {
    const gone = kv.delete(entry.key);
    if (gone.error) log.warn(entry.key + " stays as an unused record: " + gone.error!.message);
    return failed<i64>(taken(wish.email));
  }
  // When this fails to swap, another request has done it for us.
  error = entry.swap(wish, null).error;
  return error ? failed<i64>(error) : id;
}

/** Changes a user. */
export function update(id: i64, input: Input): Failure | null {
  for (let i = 0; i < ATTEMPTS; i++) {
    const found = read(id);
    if (found.error) return found.error;
    const entry = found.value;
    const now = entry.now;
    if (!now) return noUser(id.toString());
    const wish = new Profile(input, now.claim);
    if (wish.email == now.email) {
      const swapped = entry.swap(wish, null);
      if (swapped.error) return swapped.error;
      if (swapped.value) return null;
      continue;
    }
    const number = kv.add("last_claim", 1);
    if (number.error) return number.error;
    wish.claim = number.value;
    const swapped = entry.swap(now, wish);
    if (swapped.error) return swapped.error;
    if (swapped.value) return move(entry, id, wish);
  }
  return busy();
}

// move does steps 2 and 3 for an update whose wish is in the record.
function move(entry: Entry, id: i64, wish: Profile): Failure | null {
  const holder = claim(wish, id);
  if (holder.error) return holder.error;
  if (holder.value != id) {
    const undone = entry.swap(entry.now, null);
    if (undone.error) log.warn(entry.key + " keeps an unused wish: " + undone.error!.message);
    return taken(wish.email);
  }
  const swapped = entry.swap(wish, null);
  if (swapped.error) return swapped.error;
  if (swapped.value) return null;
  // Another request has completed the change, or replaced it, or deleted the user.
  const now = find(id);
  if (now.error) return now.error;
  if (now.value.claim == wish.claim) return null;
  return httpError(409, "user " + id.toString() + " was changed at the same time; try again");
}

/** Deletes a user. With its record gone its claim is no longer live. */
export function remove(id: i64): Failure | null {
  const found = find(id);
  if (found.error) return found.error;
  const existed = kv.delete(userKey(id));
  if (existed.error) return existed.error;
  return existed.value ? null : noUser(id.toString());
}

function taken(email: string): Failure {
  return httpError(409, "another user has the email " + email);
}
