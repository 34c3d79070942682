import { failed, failure, kv, quote, Result } from "wasmlane";
import { ATTEMPTS, busy, Profile, read } from "./store";

/**
 * Puts the user's claim on the address of a profile, unless somebody's live claim is
 * there. Returns the id of the user who holds the address afterwards.
 */
export function claim(wish: Profile, id: i64): Result<i64> {
  const key = "email/" + wish.email;
  const mine = id.toString() + ":" + wish.claim.toString();
  for (let i = 0; i < ATTEMPTS; i++) {
    const created = kv.create(key, mine);
    if (created.error) return failed<i64>(created.error!);
    if (created.value) return new Result<i64>(id);
    const there = kv.getText(key);
    if (there.error) return failed<i64>(there.error!);
    const colon = there.value.indexOf(":");
    const holder = number(there.value.substring(0, colon));
    const held = number(there.value.substring(colon + 1));
    if (colon < 0 || holder < 0 || held < 0) return failed<i64>(failure(key + " is damaged: " + quote(there.value)));
    const live = settle(wish.email, holder, held);
    if (live.error) return failed<i64>(live.error!);
    if (live.value) return new Result<i64>(holder);
    const swapped = kv.compareAndSwap(key, there.value, mine);
    if (swapped.error) return failed<i64>(swapped.error!);
    if (swapped.value) return new Result<i64>(id);
  }
  return failed<i64>(busy());
}

// settle tells whether a claim on an address is live. If it belongs to a wish, the
// wish becomes the user.
function settle(email: string, id: i64, number: i64): Result<bool> {
  for (let i = 0; i < ATTEMPTS; i++) {
    const found = read(id);
    if (found.error) return failed<bool>(found.error!);
    const entry = found.value;
    const now = entry.now;
    const next = entry.next;
    if (now && now.holds(email, number)) return new Result<bool>(true);
    if (!next || !next.holds(email, number)) return new Result<bool>(false);
    const swapped = entry.swap(next, null);
    if (swapped.error || swapped.value) return swapped;
  }
  return failed<bool>(busy());
}

// number reads digits; -1 for anything else.
function number(text: string): i64 {
  const n = I64.parseInt(text);
  return n >= 0 && n.toString() == text ? n : -1;
}
