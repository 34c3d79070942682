import { check, Code, failed, Failure, Result } from "./errors";
import { fetch, fetchedBytes } from "./fetch";
import { host_kv_add, host_kv_delete, host_kv_get, host_kv_list, host_kv_set, host_kv_swap } from "./imports";
import { bytesOf, decode } from "./text";

/**
 * The plugin's part of the store; host.toml grants it with store = "NAME". Keys and
 * values are strings or bytes. Each operation is atomic and a write returns when it
 * is durable. Keys have 1 to 1024 bytes, else Code.INVALID; values up to 1 MiB, else
 * Code.TOO_LARGE.
 *
 * While the plugin initialises, reads see the store at that moment and writes fail
 * with Code.DENIED.
 */
export abstract class kv {
  /** The value of a key as bytes; Code.ABSENT when there is none. */
  static get<K>(key: K): Result<Uint8Array> {
    const k = bytesOf<K>(key);
    const error = check("kv_get", k, fetch(get, k));
    return error ? failed<Uint8Array>(error) : new Result<Uint8Array>(fetchedBytes());
  }

  /** The value of a key as text. */
  static getText<K>(key: K): Result<string> {
    const value = kv.get(key);
    const error = value.error;
    return error ? failed<string>(error) : new Result<string>(decode(value.value));
  }

  /** Stores a value under a key. */
  static set<K, V>(key: K, value: V): Failure | null {
    const k = bytesOf<K>(key);
    const v = bytesOf<V>(value);
    return check("kv_set", k, host_kv_set(k.dataStart, k.length, v.dataStart, v.length));
  }

  /** Removes a key; true when it was there. */
  static delete<K>(key: K): Result<bool> {
    const k = bytesOf<K>(key);
    return truth("kv_delete", k, host_kv_delete(k.dataStart, k.length));
  }

  /**
   * Adds to the number under a key, 0 when there is none, and returns the sum. The
   * value is decimal text, as get shows it; another value, and a sum outside i64, is
   * Code.INVALID.
   */
  static add<K>(key: K, delta: i64): Result<i64> {
    const k = bytesOf<K>(key);
    const sum = memory.data(8, 8);
    const error = check("kv_add", k, host_kv_add(k.dataStart, k.length, delta, sum));
    return error ? failed<i64>(error) : new Result<i64>(load<i64>(sum));
  }

  /** Stores a value under a key if the value there is old; true when it did. */
  static compareAndSwap<K, O, V>(key: K, old: O, value: V): Result<bool> {
    const k = bytesOf<K>(key);
    const o = bytesOf<O>(old);
    const v = bytesOf<V>(value);
    return truth("kv_swap", k, host_kv_swap(k.dataStart, k.length, o.dataStart, o.length, v.dataStart, v.length));
  }

  /** Stores a value under a key if there is no such key; true when it did. */
  static create<K, V>(key: K, value: V): Result<bool> {
    const k = bytesOf<K>(key);
    const v = bytesOf<V>(value);
    return truth("kv_swap", k, host_kv_swap(k.dataStart, k.length, 0, -1, v.dataStart, v.length));
  }

  /** The first key with a prefix that comes after another; Code.ABSENT at the end. */
  static next<P, A>(prefix: P, after: A): Result<Uint8Array> {
    const p = bytesOf<P>(prefix);
    const error = check("kv_list", p, fetch(list, p, 0, bytesOf<A>(after)));
    return error ? failed<Uint8Array>(error) : new Result<Uint8Array>(fetchedBytes());
  }

  /**
   * The keys with a prefix, in the order of their bytes:
   *
   *     const keys = kv.list("user/");
   *     while (keys.next()) use(keys.key);
   *     if (keys.error) return keys.error;
   */
  static list<P>(prefix: P): Keys {
    return new Keys(bytesOf<P>(prefix), new Uint8Array(0));
  }

  /** The same, of the keys that come after another one. */
  static listAfter<P, A>(prefix: P, after: A): Keys {
    return new Keys(bytesOf<P>(prefix), bytesOf<A>(after));
  }
}

/** A walk over keys. Those that are written or deleted meanwhile may or may not be seen. */
export class Keys {
  /** Why the walk ended early, or null. */
  error: Failure | null = null;

  constructor(
    private prefix: Uint8Array,
    /** The key that next has found. */
    public keyBytes: Uint8Array,
  ) {}

  /** The key that next has found, as text. */
  get key(): string {
    return decode(this.keyBytes);
  }

  /** Goes to the next key; false when there is none, or the walk has failed. */
  next(): bool {
    if (this.error) return false;
    const found = kv.next(this.prefix, this.keyBytes);
    if (found.ok) {
      this.keyBytes = found.value;
      return true;
    }
    if (found.code != Code.ABSENT) this.error = found.error;
    return false;
  }
}

function truth(call: string, key: Uint8Array, code: i32): Result<bool> {
  const error = check(call, key, code);
  return error ? failed<bool>(error) : new Result<bool>(code == 1);
}

function get(a: usize, aLen: u32, b: usize, bLen: u32, index: u32, buf: usize, cap: u32): i32 {
  return host_kv_get(a, aLen, buf, cap);
}
function list(a: usize, aLen: u32, b: usize, bLen: u32, index: u32, buf: usize, cap: u32): i32 {
  return host_kv_list(a, aLen, b, bLen, buf, cap);
}
