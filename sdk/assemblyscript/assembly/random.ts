import { wasi_clock_time_get, wasi_random_get } from "./imports";

/** Fills an array with random bytes of the host, fit for secrets. */
export function randomBytes(into: Uint8Array): void {
  if (wasi_random_get(into.dataStart, into.length) != 0) throw new Error("the host gave no random bytes");
}

// @ts-ignore: decorator
@lazy let state: u64 = 0;
// @ts-ignore: decorator
@lazy let seeded: bool = false;

/**
 * The request's random generator, seeded from the host's when it is first asked.
 * It is not for secrets: use randomBytes for those. In an initialiser it aborts,
 * because every request would start from the state that it left behind.
 */
export namespace rand {
  /** Returns 64 random bits. */
  export function next(): u64 {
    if (!seeded) {
      state = seed();
      seeded = true;
    }
    // SplitMix64.
    state += 0x9e3779b97f4a7c15;
    let z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  /** Returns a number from 0 up to, and without, 1. */
  export function float(): f64 {
    return <f64>(rand.next() >> 11) / <f64>(<u64>1 << 53);
  }

  /** Returns a number from 0 up to, and without, n, which must not be 0. */
  export function below(n: u32): u32 {
    return <u32>(((rand.next() >> 32) * <u64>n) >> 32);
  }
}

// @ts-ignore: decorator
@lazy let serving: bool = false;

/** Forgets the state of another request. */
export function beginRandom(): void {
  serving = true;
  seeded = false;
}

/** Returns 64 random bits of the host to seed a generator with. */
export function seed(): u64 {
  if (!serving) {
    throw new Error("no random generator before the first request: every request would see the same numbers; use randomBytes, or ask in the handler");
  }
  const bits = memory.data(8, 8);
  if (wasi_random_get(bits, 8) != 0) throw new Error("the host gave no random bytes");
  return load<u64>(bits);
}

/** Returns the time in nanoseconds since 1970. */
export function now(): i64 {
  return clock(0);
}

/** Returns nanoseconds of a clock that only goes forward, to measure with. */
export function monotonic(): i64 {
  return clock(1);
}

function clock(id: u32): i64 {
  const time = memory.data(8, 8);
  if (wasi_clock_time_get(id, 0, time) != 0) throw new Error("the host gave no time");
  return load<i64>(time);
}
