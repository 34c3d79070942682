//! How words are read and results are written.

use wasmlane::Error;

/// What a word of a script stands for, or None when it is none.
pub fn decode(word: &str) -> Option<Vec<u8>> {
    if word == "\"\"" {
        return Some(Vec::new());
    }
    if let Some(n) = word.strip_prefix('*').and_then(|n| n.parse().ok()) {
        return Some(vec![b'x'; n]);
    }
    let (bytes, mut out, mut i) = (word.as_bytes(), Vec::new(), 0);
    while i < bytes.len() {
        if bytes[i] == b'%' {
            let digit = |i| bytes.get(i).and_then(|c| char::from(*c).to_digit(16));
            out.push((digit(i + 1)? << 4 | digit(i + 2)?) as u8);
            i += 3;
        } else {
            out.push(bytes[i]);
            i += 1;
        }
    }
    (!word.is_empty()).then(|| out)
}

/// Bytes as a result.
pub fn encode(value: &[u8]) -> String {
    if value.is_empty() {
        return "\"\"".into();
    }
    if value.len() > 256 {
        let hash = value.iter().fold(0x811c_9dc5_u32, |h, c| (h ^ u32::from(*c)).wrapping_mul(0x0100_0193));
        return format!("*{}:{hash:08x}", value.len());
    }
    let mut out = String::new();
    for &c in value {
        if c.is_ascii_alphanumeric() || b"-._~/:".contains(&c) {
            out.push(char::from(c));
        } else {
            out.push_str(&format!("%{c:02X}"));
        }
    }
    out
}

/// An error of the host as a result.
pub fn failure(e: Error) -> String {
    let name = match e {
        Error::Absent => "ABSENT",
        Error::Invalid => "INVALID",
        Error::Denied => "DENIED",
        Error::Timeout => "TIMEOUT",
        Error::Unavailable => "UNAVAILABLE",
        Error::TooLarge => "TOO_LARGE",
        Error::Closed => "CLOSED",
        Error::Unknown => "UNKNOWN",
    };
    format!("!{name}")
}

pub fn result(r: Result<Vec<u8>, Error>) -> String {
    r.map_or_else(failure, |b| encode(&b))
}

pub fn option(value: Option<Vec<u8>>) -> String {
    result(value.ok_or(Error::Absent))
}

pub fn ok_or(r: Result<(), Error>) -> String {
    r.map_or_else(failure, |()| "ok".into())
}

pub fn number_or<T: ToString>(r: Result<T, Error>) -> String {
    r.map_or_else(failure, |n| n.to_string())
}
