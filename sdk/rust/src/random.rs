use crate::imports;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

// There is one thread. A request begins with SEEDED false, whatever the image holds.
static SEEDED: AtomicBool = AtomicBool::new(false);
static STATE: AtomicU64 = AtomicU64::new(0);

/// Returns 64 fresh random bits of the host, good enough for secrets.
///
/// A generator of your own must be seeded with it in each request: one that is kept in a
/// variable, and seeded while the plugin initialises, gives the same numbers in all of
/// them.
pub fn seed() -> u64 {
    let mut bits = [0; 8];
    let code = imports::random_get(&mut bits);
    assert!(code == 0, "wasmlane: random_get answered {}", code);
    u64::from_le_bytes(bits)
}

/// Returns a number of the request's own generator, which is seeded by the host when a
/// request first asks. It is fast, and not for secrets: use [`seed`] for those.
///
/// The generator is SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom
/// number generators", 2014).
pub fn random() -> u64 {
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

/// Makes the next number one of another seed.
pub(crate) fn forget() {
    SEEDED.store(false, Ordering::Relaxed);
}
