//! Random numbers that differ between requests, for anything but secrets: use the host's
//! own, [`seed`], for those.
//!
//! A generator that is kept in a static variable and seeded while the plugin initialises
//! gives the same numbers in every request, because each one starts from the memory as it
//! was then. This one is seeded by the host when a request first asks for a number.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::host;

static SEEDED: AtomicBool = AtomicBool::new(false);
static STATE: AtomicU64 = AtomicU64::new(0);

/// Eight fresh random bytes of the host, as good as its own generator for secrets.
pub fn seed() -> u64 {
    let mut bytes = [0; 8];
    host::random(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// Begins anew: the next number is of another seed.
pub(crate) fn forget() {
    SEEDED.store(false, Ordering::Relaxed);
}

/// The next number, by SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom
/// number generators", 2014).
pub fn next() -> u64 {
    if !SEEDED.swap(true, Ordering::Relaxed) {
        STATE.store(seed(), Ordering::Relaxed);
    }
    let state = STATE.load(Ordering::Relaxed).wrapping_add(0x9e37_79b9_7f4a_7c15);
    STATE.store(state, Ordering::Relaxed);
    let mut z = state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number from 0 to below `n`, all equally likely. It panics when n is 0.
pub fn below(n: u64) -> u64 {
    assert!(n > 0, "rand::below(0)");
    let whole = u64::MAX - u64::MAX % n;
    loop {
        let x = next();
        if x < whole {
            return x % n;
        }
    }
}
