//! Words in, result lines out.
use wasmlane::{AbiError, Code};

/// What a word of the script stands for.
pub fn decode(word: &[u8]) -> Vec<u8> {
    if word == b"\"\"" {
        return Vec::new();
    }
    if let Some(n) = word.strip_prefix(b"*").and_then(number) {
        return vec![b'x'; n as usize];
    }
    let hex = |c: u8| (c as char).to_digit(16);
    let mut out = Vec::new();
    let mut at = 0;
    while at < word.len() {
        if let [b'%', high, low, ..] = word[at..] {
            if let (Some(high), Some(low)) = (hex(high), hex(low)) {
                out.push((high << 4 | low) as u8);
                at += 3;
                continue;
            }
        }
        out.push(word[at]);
        at += 1;
    }
    out
}

pub fn number(word: &[u8]) -> Option<i64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// Bytes as a result line has them.
pub fn show(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "\"\"".into();
    }
    if bytes.len() > 256 {
        let hash = bytes.iter().fold(0x811c9dc5u32, |h, &b| (h ^ b as u32).wrapping_mul(0x01000193));
        return format!("*{}:{:08x}", bytes.len(), hash);
    }
    let mut out = String::new();
    for &b in bytes {
        if b.is_ascii_alphanumeric() || b"-._~/:".contains(&b) {
            out.push(b as char);
        } else {
            out.push_str(&format!("%{:02X}", b));
        }
    }
    out
}

pub fn optional(value: Option<Vec<u8>>) -> String {
    value.map_or("!ABSENT".into(), |v| show(&v))
}

pub fn result<T>(result: Result<T, AbiError>, show: impl Fn(T) -> String) -> String {
    result.map_or_else(|err| error(&err).into(), show)
}

pub fn done(r: Result<(), AbiError>) -> String {
    result(r, |_| "ok".into())
}

pub fn error(err: &AbiError) -> &'static str {
    match err.code {
        Code::Absent => "!ABSENT",
        Code::Invalid => "!INVALID",
        Code::Denied => "!DENIED",
        Code::Timeout => "!TIMEOUT",
        Code::Unavailable => "!UNAVAILABLE",
        Code::TooLarge => "!TOO_LARGE",
        Code::Closed => "!CLOSED",
        _ => "!UNKNOWN",
    }
}
