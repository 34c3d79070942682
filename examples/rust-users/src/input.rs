//! What clients send, and the messages when it is wrong.
use crate::unicode::{is_letter_or_digit, to_lower};
use wasmlane::json::Value;
use wasmlane::{Error, Request};

/// The body of POST and PUT. The email is in the one form in which addresses are
/// compared.
#[derive(Default)]
pub struct Input {
    pub name: String,
    pub email: String,
}

fn bad(message: impl Into<String>) -> Error {
    Error::http(400, message)
}

pub fn read_input(r: &mut Request) -> Result<Input, Error> {
    let mut input = decode(r.json()?)?;
    input.name = input.name.trim().into();
    if input.name.is_empty() {
        return Err(bad("\"name\" is required"));
    }
    if input.name.chars().count() > 200 {
        return Err(bad("\"name\" has more than 200 characters"));
    }
    if input.name.chars().any(char::is_control) {
        return Err(bad("\"name\" has control characters"));
    }
    input.email = input.email.trim().chars().map(to_lower).collect();
    if input.email.is_empty() {
        return Err(bad("\"email\" is required"));
    }
    if !valid_email(&input.email) {
        return Err(bad("\"email\" is no email address; write one such as \"ada@example.com\""));
    }
    Ok(input)
}

fn decode(body: Value) -> Result<Input, Error> {
    let mut input = Input::default();
    let members = match body {
        Value::Object(members) => members,
        Value::Null => return Ok(input),
        other => return Err(bad(format!("the body must be an object, not {}", other.kind()))),
    };
    for (key, value) in members {
        let field = match key.to_ascii_lowercase().as_str() {
            "name" => &mut input.name,
            "email" => &mut input.email,
            _ => return Err(bad(format!("the body does not fit: unknown field \"{}\"", key))),
        };
        match value {
            Value::Text(text) => *field = text,
            Value::Null => {}
            other => {
                let key = key.to_ascii_lowercase();
                return Err(bad(format!("\"{}\" must be a string, not {}", key, other.kind())));
            }
        }
    }
    Ok(input)
}

/// Checks the form local@domain. Whether there is such a mailbox only a message to
/// it can tell.
fn valid_email(s: &str) -> bool {
    let (local, domain) = match s.split_once('@') {
        Some(parts) => parts,
        None => return false,
    };
    let fits = |c: char| !c.is_whitespace() && !c.is_control() && !"@\"(),:;<>[\\]".contains(c);
    !local.is_empty()
        && local.len() <= 64
        && s.len() <= 254
        && local.chars().all(fits)
        && domain.contains('.')
        && domain.split('.').all(valid_label)
}

fn valid_label(s: &str) -> bool {
    let inside = s.chars().all(|c| c == '-' || is_letter_or_digit(c));
    inside && !s.is_empty() && s.len() <= 63 && !s.starts_with('-') && !s.ends_with('-')
}

/// The {id} of the route. One that no user can have is answered as one that no user
/// has.
pub fn path_id(r: &Request) -> Result<i64, Error> {
    let text = r.param("id").unwrap_or_default();
    parse_id(&text).ok_or_else(|| no_user(&text))
}

/// Reads an id in the one form in which it is given out.
fn parse_id(s: &str) -> Option<i64> {
    s.parse::<i64>().ok().filter(|id| *id > 0 && id.to_string() == s)
}

/// What part of a list the client asks for.
pub fn page_of(r: &Request) -> Result<(usize, i64), Error> {
    let given = |name| r.query(name).filter(|s| !s.is_empty());
    let limit = match given("limit") {
        None => 20,
        Some(s) => match s.parse() {
            Ok(n @ 1..=100) => n,
            _ => return Err(bad("\"limit\" must be a number from 1 to 100")),
        },
    };
    let after = match given("after") {
        None => 0,
        Some(s) => parse_id(&s).ok_or_else(|| bad("\"after\" must be the \"next\" of the page before"))?,
    };
    Ok((limit, after))
}

pub fn no_user(id: impl std::fmt::Display) -> Error {
    Error::http(404, format!("user {} does not exist", id))
}
