//! Users in the store, and how two of them never share an email address although
//! each write stands for itself and a request may end between any two. The layout
//! and the three steps are those of plugins/user/store.go, which explains them.
use crate::input::{no_user, Input};
use wasmlane::json::{Value, Writer};
use wasmlane::{kv, log, Error, Level};

/// What a user is.
#[derive(Clone, PartialEq)]
pub struct Profile {
    pub name: String,
    pub email: String,
    /// With the id, what holds the address; 0 when created with it.
    claim: i64,
}

/// A user in the store: what it is now, and what it wants to be.
struct Record {
    now: Option<Profile>,
    next: Option<Profile>,
}

/// A record as it was read or written last, so that a change can see whether it is
/// still the same.
struct Entry {
    key: String,
    raw: Vec<u8>,
    record: Record,
}

/// How often a change starts again because another one came between.
const ATTEMPTS: usize = 16;

fn busy() -> Error {
    Error::http(503, "too many changes at the same time; try again")
}

fn taken(email: &str) -> Error {
    Error::http(409, format!("another user has the email {}", email))
}

/// The id is padded, so that the order of the keys is that of the ids.
fn user_key(id: i64) -> String {
    format!("user/{:019}", id)
}

impl Record {
    fn encode(&self) -> Vec<u8> {
        let mut json = Writer::new();
        json.open('{');
        for (key, profile) in [("now", &self.now), ("next", &self.next)] {
            if let Some(p) = profile {
                json.key(key).open('{').key("name").text(&p.name);
                json.key("email").text(&p.email).key("claim").int(p.claim).close('}');
            }
        }
        json.close('}');
        json.as_str().into()
    }

    fn decode(raw: &[u8]) -> Result<Record, String> {
        let value = Value::parse(raw).map_err(|e| e.to_string())?;
        if !matches!(value, Value::Object(_)) {
            return Err(format!("it must be an object, not {}", value.kind()));
        }
        Ok(Record { now: profile(value.get("now"))?, next: profile(value.get("next"))? })
    }
}

fn profile(value: Option<&Value>) -> Result<Option<Profile>, String> {
    let value = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(value) => value,
    };
    let text = |key| value.get(key).and_then(Value::as_str).map(String::from);
    match (text("name"), text("email"), value.get("claim").and_then(Value::as_i64)) {
        (Some(name), Some(email), Some(claim)) => Ok(Some(Profile { name, email, claim })),
        _ => Err("a profile needs name, email and claim".into()),
    }
}

fn read(id: i64) -> Result<Option<Entry>, Error> {
    let key = user_key(id);
    let raw = match kv::get(&key)? {
        Some(raw) => raw,
        None => return Ok(None),
    };
    let record = Record::decode(&raw).map_err(|why| format!("{} is damaged: {}", key, why))?;
    Ok(Some(Entry { key, raw, record }))
}

impl Entry {
    /// Changes the record unless it is another one by now.
    fn swap(&mut self, now: Option<&Profile>, next: Option<&Profile>) -> Result<bool, Error> {
        let record = Record { now: now.cloned(), next: next.cloned() };
        let raw = record.encode();
        let swapped = kv::swap(&self.key, &self.raw, &raw)?;
        if swapped {
            self.raw = raw;
            self.record = record;
        }
        Ok(swapped)
    }
}

pub fn find(id: i64) -> Result<Profile, Error> {
    read(id)?.and_then(|e| e.record.now).ok_or_else(|| no_user(id))
}

/// The users after the given id, in the order of their ids.
pub fn all(after: i64) -> impl Iterator<Item = Result<(i64, Profile), Error>> {
    let start = if after > 0 { user_key(after) } else { String::new() };
    kv::list("user/", start).filter_map(|key| {
        let key = match key {
            Ok(key) => String::from_utf8_lossy(&key).into_owned(),
            Err(err) => return Some(Err(err.into())),
        };
        let id = key["user/".len()..].parse().unwrap_or(0);
        // None: deleted since, or not created yet.
        read(id).map(|e| e?.record.now.map(|p| (id, p))).transpose()
    })
}

pub fn create(input: Input) -> Result<(i64, Profile), Error> {
    let id = kv::add("last_id", 1)?;
    let wish = Profile { name: input.name, email: input.email, claim: 0 };
    let record = Record { now: None, next: Some(wish.clone()) };
    let mut entry = Entry { key: user_key(id), raw: record.encode(), record };
    kv::set(&entry.key, &entry.raw)?;
    if claim(&wish.email, id, wish.claim)? != id {
        if let Err(err) = kv::delete(&entry.key) {
            log(Level::Warn, format!("{} stays as an unused record: {}", entry.key, err));
        }
        return Err(taken(&wish.email));
    }
    // When this fails to swap, another request has done it for us.
    entry.swap(Some(&wish), None)?;
    Ok((id, wish))
}

pub fn update(id: i64, input: Input) -> Result<Profile, Error> {
    for _ in 0..ATTEMPTS {
        let mut entry = read(id)?.ok_or_else(|| no_user(id))?;
        let now = entry.record.now.clone().ok_or_else(|| no_user(id))?;
        let mut wish = Profile { name: input.name.clone(), email: input.email.clone(), claim: now.claim };
        if wish.email == now.email {
            if entry.swap(Some(&wish), None)? {
                return Ok(wish);
            }
            continue;
        }
        wish.claim = kv::add("last_claim", 1)?;
        if entry.swap(Some(&now), Some(&wish))? {
            complete(entry, id, &now, &wish)?;
            return Ok(wish);
        }
    }
    Err(busy())
}

/// Steps 2 and 3 for an update whose wish is in the record.
fn complete(mut entry: Entry, id: i64, now: &Profile, wish: &Profile) -> Result<(), Error> {
    if claim(&wish.email, id, wish.claim)? != id {
        if let Err(err) = entry.swap(Some(now), None) {
            log(Level::Warn, format!("{} keeps an unused wish: {}", entry.key, err));
        }
        return Err(taken(&wish.email));
    }
    // Another request may have completed the change, or replaced it, or deleted the
    // user.
    if !entry.swap(Some(wish), None)? && find(id)?.claim != wish.claim {
        return Err(Error::http(409, format!("user {} was changed at the same time; try again", id)));
    }
    Ok(())
}

/// With its record gone a user's claim is no longer live.
pub fn remove(id: i64) -> Result<(), Error> {
    find(id)?;
    match kv::delete(user_key(id))? {
        true => Ok(()),
        false => Err(no_user(id)),
    }
}

/// Puts the user's claim on an address, unless somebody's live claim is there, and
/// returns the id of who holds the address afterwards.
fn claim(email: &str, id: i64, number: i64) -> Result<i64, Error> {
    let key = format!("email/{}", email);
    let mine = format!("{}:{}", id, number);
    for _ in 0..ATTEMPTS {
        if kv::create(&key, &mine)? {
            return Ok(id);
        }
        let there = kv::get(&key)?.ok_or_else(|| format!("{} is gone", key))?;
        let text = String::from_utf8_lossy(&there);
        let parsed = text.split_once(':').and_then(|(id, n)| Some((id.parse().ok()?, n.parse().ok()?)));
        let (holder, held) = parsed.ok_or_else(|| format!("{} is damaged: {:?}", key, text))?;
        if settle(email, holder, held)? {
            return Ok(holder);
        }
        if kv::swap(&key, &there, &mine)? {
            return Ok(id);
        }
    }
    Err(busy())
}

/// Says whether a claim on an address is live. If it belongs to a wish, the wish
/// becomes the user.
fn settle(email: &str, id: i64, number: i64) -> Result<bool, Error> {
    let holds = |p: &Option<Profile>| p.as_ref().map_or(false, |p| p.email == email && p.claim == number);
    for _ in 0..ATTEMPTS {
        let mut entry = match read(id)? {
            Some(entry) => entry,
            None => return Ok(false),
        };
        if holds(&entry.record.now) {
            return Ok(true);
        }
        if !holds(&entry.record.next) {
            return Ok(false);
        }
        let next = entry.record.next.clone();
        if entry.swap(next.as_ref(), None)? {
            return Ok(true);
        }
    }
    Err(busy())
}
