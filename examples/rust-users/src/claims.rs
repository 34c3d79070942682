//! Claims on addresses; store.rs says how they work.

use wasmlane::{kv, Result};

use crate::store::{busy, read, Profile, Record, ATTEMPTS};

/// Puts the user's claim on the address of a profile, unless somebody's live claim is
/// there. It returns the id of the user who holds the address afterwards.
pub fn claim(wish: &Profile, id: i64) -> Result<i64> {
    let key = format!("email/{}", wish.email);
    let mine = format!("{id}:{}", wish.claim);
    for _ in 0..ATTEMPTS {
        if kv::create(&key, &mine)? {
            return Ok(id);
        }
        let there = kv::get(&key)?;
        let text = String::from_utf8_lossy(&there);
        let (holder, held) = parse(&text).ok_or_else(|| format!("{key} is damaged: {text:?}"))?;
        if settle(&wish.email, holder, held)? {
            return Ok(holder);
        }
        if kv::swap(&key, &there, &mine)? {
            return Ok(id);
        }
    }
    Err(busy().into())
}

fn parse(text: &str) -> Option<(i64, i64)> {
    let (user, number) = text.split_once(':')?;
    Some((user.parse().ok()?, number.parse().ok()?))
}

/// Reports whether a claim on an address is live. If it belongs to a wish, the wish
/// becomes the user.
fn settle(email: &str, id: i64, number: i64) -> Result<bool> {
    let holds = |p: &Profile| p.email == email && p.claim == number;
    for _ in 0..ATTEMPTS {
        let mut e = match read(id)? {
            Some(e) => e,
            None => return Ok(false),
        };
        if e.record.now.as_ref().map_or(false, holds) {
            return Ok(true);
        }
        let next = match e.record.next.clone().filter(holds) {
            Some(next) => next,
            None => return Ok(false),
        };
        if e.swap(Record { now: Some(next), next: None })? {
            return Ok(true);
        }
    }
    Err(busy().into())
}
