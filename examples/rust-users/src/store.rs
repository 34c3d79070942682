//! Users in the store, and how two of them never share an email address although each
//! write stands for itself and a request may end between any two.
//!
//! ```text
//! last_id           the last id given out
//! last_claim        the last claim given out by an update
//! user/{id}         a record: what the user is now, and what it wants to be
//! email/{address}   the claim on an address: "{id}:{claim}"
//! ```
//!
//! A create or an update that needs an address takes three steps:
//!
//!  1. The record gets its wish, with a claim that nobody has had: {now, next}.
//!  2. The claim is put under email/{address}. This decides between those who want the
//!     same address.
//!  3. The wish becomes the user: {now: next}.
//!
//! A claim is live while its user has it as now or next. Whoever finds a live claim of a
//! wish first does step 3 for its owner. A claim that is not live never becomes live
//! again, so it can be replaced by compare-and-swap. That is also how addresses become
//! free: nobody deletes a claim, because it may be somebody else's by then.
//!
//! plugins/user, in Go, has the same layout: either serves what the other has stored.

use wasmlane::json::{self, ToJson, Value, Writer};
use wasmlane::{error, kv, log, to_json, Error, HttpError, Result};

use crate::claims::claim;
use crate::input::{no_user, Input};

/// How often a change starts again because another one came between.
pub const ATTEMPTS: usize = 16;

pub fn busy() -> HttpError {
    error(503, "too many changes at the same time; try again")
}

/// What a user is.
#[derive(Clone, Default)]
pub struct Profile {
    pub name: String,
    pub email: String,
    /// With the id, what holds email; 0 when created with it.
    pub claim: i64,
}

to_json! { Profile { name, email, claim } }

/// A user in the store.
#[derive(Clone, Default)]
pub struct Record {
    /// None until the user is created.
    pub now: Option<Profile>,
    /// A change that is not complete.
    pub next: Option<Profile>,
}

impl ToJson for Record {
    fn to_json(&self, out: &mut Writer) {
        out.object(|o| {
            for (name, profile) in [("now", &self.now), ("next", &self.next)] {
                if let Some(profile) = profile {
                    o.field(name, profile);
                }
            }
        });
    }
}

/// A record as it was read or written last, so that a change can see whether it is still
/// the same.
pub struct Entry {
    key: String,
    raw: Vec<u8>,
    pub record: Record,
}

impl Entry {
    /// Changes the record unless it is another one by now.
    pub fn swap(&mut self, to: Record) -> Result<bool> {
        let raw = json::to_string(&to).into_bytes();
        let swapped = kv::swap(&self.key, &self.raw, &raw)?;
        if swapped {
            self.raw = raw;
            self.record = to;
        }
        Ok(swapped)
    }
}

/// Pads the id, so that the order of the keys is that of the ids.
fn user_key(id: i64) -> String {
    format!("user/{id:019}")
}

/// The user's entry, or None when there is none.
pub fn read(id: i64) -> Result<Option<Entry>> {
    let key = user_key(id);
    let raw = match kv::get(&key) {
        Err(Error::Absent) => return Ok(None),
        other => other?,
    };
    let value = json::parse(&raw).map_err(|e| format!("{key} is damaged: {e}"))?;
    let record = Record { now: value.get("now").and_then(decode), next: value.get("next").and_then(decode) };
    Ok(Some(Entry { key, raw, record }))
}

fn decode(value: &Value) -> Option<Profile> {
    let text = |name| value.get(name).and_then(Value::as_str).unwrap_or_default().to_string();
    matches!(value, Value::Object(_)).then(|| Profile {
        name: text("name"),
        email: text("email"),
        claim: value.get("claim").and_then(Value::as_i64).unwrap_or(0),
    })
}

/// The user.
pub fn find(id: i64) -> Result<Profile> {
    Ok(read(id)?.and_then(|e| e.record.now).ok_or_else(|| no_user(id))?)
}

/// The users after the given id, in the order of their ids.
pub fn all(after: i64) -> impl Iterator<Item = Result<(i64, Profile)>> {
    let start = if after > 0 { user_key(after) } else { String::new() };
    kv::list("user/", start).filter_map(|key| {
        let entry = key.map_err(Into::into).and_then(|key| {
            let id = String::from_utf8_lossy(&key["user/".len()..]).parse().unwrap_or(0);
            Ok((id, read(id)?))
        });
        match entry {
            // Deleted since, or not created yet.
            Ok((id, entry)) => entry.and_then(|e| e.record.now).map(|profile| Ok((id, profile))),
            Err(e) => Some(Err(e)),
        }
    })
}

/// Adds a user.
pub fn create(input: Input) -> Result<(i64, Profile)> {
    let id = kv::add("last_id", 1)?;
    let wish = Profile { name: input.name, email: input.email, claim: 0 };
    let record = Record { now: None, next: Some(wish.clone()) };
    let mut e = Entry { key: user_key(id), raw: json::to_string(&record).into_bytes(), record };
    kv::set(&e.key, &e.raw)?;
    if claim(&wish, id)? != id {
        if let Err(why) = kv::delete(&e.key) {
            log::warn(format!("{} stays as an unused record: {why}", e.key));
        }
        return Err(taken(&wish.email).into());
    }
    // When this fails to swap, another request has done it for us.
    e.swap(Record { now: Some(wish.clone()), next: None })?;
    Ok((id, wish))
}

/// Changes a user.
pub fn update(id: i64, input: Input) -> Result<Profile> {
    for _ in 0..ATTEMPTS {
        let mut e = read(id)?.ok_or_else(|| no_user(id))?;
        let now = e.record.now.clone().ok_or_else(|| no_user(id))?;
        let mut wish = Profile { name: input.name.clone(), email: input.email.clone(), claim: now.claim };
        if wish.email == now.email {
            if e.swap(Record { now: Some(wish.clone()), next: None })? {
                return Ok(wish);
            }
            continue;
        }
        wish.claim = kv::add("last_claim", 1)?;
        if e.swap(Record { now: Some(now), next: Some(wish.clone()) })? {
            move_to(&mut e, id, &wish)?;
            return Ok(wish);
        }
    }
    Err(busy().into())
}

/// Does steps 2 and 3 for an update whose wish is in the record.
fn move_to(e: &mut Entry, id: i64, wish: &Profile) -> Result {
    if claim(wish, id)? != id {
        let now = e.record.now.clone();
        if let Err(why) = e.swap(Record { now, next: None }) {
            log::warn(format!("{} keeps an unused wish: {}", e.key, why.text()));
        }
        return Err(taken(&wish.email).into());
    }
    if e.swap(Record { now: Some(wish.clone()), next: None })? {
        return Ok(());
    }
    // Another request has completed the change, or replaced it, or deleted the user.
    if find(id)?.claim != wish.claim {
        return Err(error(409, format!("user {id} was changed at the same time; try again")).into());
    }
    Ok(())
}

/// Deletes a user. With its record gone its claim is no longer live.
pub fn remove(id: i64) -> Result {
    find(id)?;
    if !kv::delete(user_key(id))? {
        return Err(no_user(id).into());
    }
    Ok(())
}

fn taken(email: &str) -> HttpError {
    error(409, format!("another user has the email {email}"))
}
