//! What clients send.

use wasmlane::json::Value;
use wasmlane::{error, HttpError, Request, Result};

use crate::tables::{CASES, LETTERS_AND_DIGITS};

// Limits of what a client may send.
const MAX_NAME: usize = 200; // characters
const MAX_EMAIL: usize = 254; // bytes, as mail servers have it
const MAX_LOCAL_PART: usize = 64; // bytes before the "@"
const DEFAULT_PAGE: usize = 20;
const MAX_PAGE: i64 = 100;

/// The body of POST and PUT.
#[derive(Default)]
pub struct Input {
    pub name: String,
    /// In the one form in which addresses are compared.
    pub email: String,
}

/// Decodes and checks a body.
pub fn read(r: &mut Request) -> Result<Input> {
    let given = decode(&r.json()?)?;
    let bad = |message: &'static str| Err(error(400, message).into());
    let name = given.name.trim();
    if name.is_empty() {
        return bad("\"name\" is required");
    }
    if name.chars().count() > MAX_NAME {
        return bad("\"name\" has more than 200 characters");
    }
    if name.chars().any(char::is_control) {
        return bad("\"name\" has control characters");
    }
    let email: String = given.email.trim().chars().map(lower).collect();
    if email.is_empty() {
        return bad("\"email\" is required");
    }
    if !valid_email(&email) {
        return bad("\"email\" is no email address; write one such as \"ada@example.com\"");
    }
    Ok(Input { name: name.into(), email })
}

fn decode(body: &Value) -> Result<Input, HttpError> {
    let mut input = Input::default();
    let fields = match body {
        Value::Null => return Ok(input),
        Value::Object(fields) => fields,
        other => return Err(error(400, format!("the body must be an object, not {}", other.kind()))),
    };
    for (name, value) in fields {
        let (name, field) = if name.eq_ignore_ascii_case("name") {
            ("name", &mut input.name)
        } else if name.eq_ignore_ascii_case("email") {
            ("email", &mut input.email)
        } else {
            return Err(error(400, format!("the body does not fit: unknown field \"{name}\"")));
        };
        match value {
            Value::Null => {}
            Value::String(text) => field.clone_from(text),
            other => return Err(error(400, format!("\"{name}\" must be a string, not {}", other.kind()))),
        }
    }
    Ok(input)
}

/// A character in lower case, for itself: what becomes of it does not depend on its
/// neighbours, nor on the version of Unicode that the compiler has.
fn lower(c: char) -> char {
    let code = u32::from(c);
    let case = CASES
        .iter()
        .find(|&&(first, last, step, _)| (first..=last).contains(&code) && (code - first) % step == 0);
    case.and_then(|&(.., delta)| char::from_u32(code.wrapping_add(delta as u32))).unwrap_or(c)
}

/// Checks the form local@domain. Whether there is such a mailbox only a message to it can
/// tell.
fn valid_email(s: &str) -> bool {
    let (local, domain) = match s.split_once('@') {
        Some(parts) => parts,
        None => return false,
    };
    let strange = |c: char| c.is_whitespace() || c.is_control() || "@\"(),:;<>[\\]".contains(c);
    !local.is_empty()
        && local.len() <= MAX_LOCAL_PART
        && s.len() <= MAX_EMAIL
        && !local.chars().any(strange)
        && domain.contains('.')
        && domain.split('.').all(valid_label)
}

/// Checks one part of a domain's name.
fn valid_label(s: &str) -> bool {
    let fits = |c: char| {
        let found = LETTERS_AND_DIGITS.binary_search_by(|&(first, last)| {
            if u32::from(c) < first {
                std::cmp::Ordering::Greater
            } else if u32::from(c) > last {
                std::cmp::Ordering::Less
            } else {
                std::cmp::Ordering::Equal
            }
        });
        c == '-' || found.is_ok()
    };
    !s.is_empty() && s.len() <= 63 && !s.starts_with('-') && !s.ends_with('-') && s.chars().all(fits)
}

/// The `{id}` of the route. One that no user can have is answered as one that no user has.
pub fn path_id(r: &Request) -> Result<i64, HttpError> {
    let text = r.param("id").unwrap_or_default();
    id(&text).ok_or_else(|| no_user(text))
}

pub fn no_user(id: impl std::fmt::Display) -> HttpError {
    error(404, format!("user {id} does not exist"))
}

/// Reads an id in the one form in which it is given out.
fn id(s: &str) -> Option<i64> {
    decimal(s).filter(|_| !s.starts_with('0'))
}

/// Reads digits that are a number; parse would take a sign.
fn decimal(s: &str) -> Option<i64> {
    s.parse().ok().filter(|_| s.bytes().all(|c| c.is_ascii_digit()))
}

/// What part of a list the client asks for: how many, and after which id.
pub fn page(r: &Request) -> Result<(usize, i64), HttpError> {
    let (mut limit, mut after) = (DEFAULT_PAGE, 0);
    if let Some(s) = r.query("limit").filter(|s| !s.is_empty()) {
        let n = decimal(s.strip_prefix('+').unwrap_or(&s)).unwrap_or(0);
        if !(1..=MAX_PAGE).contains(&n) {
            return Err(error(400, "\"limit\" must be a number from 1 to 100"));
        }
        limit = n as usize;
    }
    if let Some(s) = r.query("after").filter(|s| !s.is_empty()) {
        after = id(&s).ok_or_else(|| error(400, "\"after\" must be the \"next\" of the page before"))?;
    }
    Ok((limit, after))
}
