//! JSON, written and read, without a dependency.
//!
//! ```
//! use wasmlane::json::{Value, Writer};
//! let mut w = Writer::new();
//! w.open('{').key("name").text("Ada \"L\"").key("age").int(36).close('}');
//! assert_eq!(w.as_str(), r#"{"name":"Ada \"L\"","age":36}"#);
//!
//! let v = Value::parse(w.as_str().as_bytes()).unwrap();
//! assert_eq!(v.get("name").and_then(Value::as_str), Some("Ada \"L\""));
//! ```
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};

/// Writes JSON and sets the commas. What is opened and closed is the caller's to
/// get right.
#[derive(Default)]
pub struct Writer {
    out: String,
    comma: bool,
}

impl Writer {
    /// An empty writer.
    pub fn new() -> Writer {
        Writer::default()
    }

    fn value(&mut self) {
        if self.comma {
            self.out.push(',');
        }
        self.comma = true;
    }

    /// Opens an object with `'{'` or an array with `'['`.
    pub fn open(&mut self, bracket: char) -> &mut Writer {
        self.value();
        self.out.push(bracket);
        self.comma = false;
        self
    }

    /// Closes it with `'}'` or `']'`.
    pub fn close(&mut self, bracket: char) -> &mut Writer {
        self.out.push(bracket);
        self.comma = true;
        self
    }

    /// Writes a key of an object. A value must follow.
    pub fn key(&mut self, key: &str) -> &mut Writer {
        self.text(key);
        self.out.push(':');
        self.comma = false;
        self
    }

    /// Writes a string. As in Go's encoding/json `<`, `>` and `&` are escaped, so
    /// that the text is safe within HTML.
    pub fn text(&mut self, s: &str) -> &mut Writer {
        self.value();
        self.out.push('"');
        for c in s.chars() {
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\u{8}' => self.out.push_str("\\b"),
                '\u{c}' => self.out.push_str("\\f"),
                c if c < ' ' || matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}') => {
                    let _ = write!(self.out, "\\u{:04x}", c as u32);
                }
                c => self.out.push(c),
            }
        }
        self.out.push('"');
        self
    }

    /// Writes a whole number.
    pub fn int(&mut self, n: i64) -> &mut Writer {
        self.value();
        let _ = write!(self.out, "{}", n);
        self
    }

    /// Writes a number; null for one that JSON has not, such as infinity.
    pub fn float(&mut self, n: f64) -> &mut Writer {
        if !n.is_finite() {
            return self.null();
        }
        self.value();
        let _ = write!(self.out, "{}", n);
        self
    }

    /// Writes true or false.
    pub fn bool(&mut self, b: bool) -> &mut Writer {
        self.value();
        self.out.push_str(if b { "true" } else { "false" });
        self
    }

    /// Writes null.
    pub fn null(&mut self) -> &mut Writer {
        self.value();
        self.out.push_str("null");
        self
    }

    /// What has been written.
    pub fn as_str(&self) -> &str {
        &self.out
    }
}

/// What is wrong with a text, in words for a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The byte, counted from 1, or 0 when the place says nothing.
    pub at: usize,
    /// What was found or expected.
    pub what: &'static str,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            0 => f.write_str(self.what),
            at => write!(f, "the body is not valid JSON at byte {}: {}", at, self.what),
        }
    }
}

/// A value that was read.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// null
    Null,
    /// true or false
    Bool(bool),
    /// A number as it stands in the text, which is valid: parse it into the type
    /// that you want.
    Number(String),
    /// A string. Halves of surrogate pairs and bytes that are no UTF-8 are U+FFFD.
    Text(String),
    /// An array
    Array(Vec<Value>),
    /// An object: keys and values in the order of the text, repeated keys too
    Object(Vec<(String, Value)>),
}

/// How deep arrays and objects may be nested.
pub const MAX_DEPTH: usize = 128;

impl Value {
    /// Reads one value and nothing after it.
    pub fn parse(text: &[u8]) -> Result<Value, Error> {
        let mut r = Reader { text, at: 0 };
        r.space();
        if r.peek().is_none() {
            return Err(Error { at: 0, what: "the body is empty; it must be JSON" });
        }
        let v = r.value(0)?;
        r.space();
        match r.peek() {
            None => Ok(v),
            Some(_) => r.fail("expected the end, after one JSON value"),
        }
    }

    /// The value of an object's key, the last one when it is repeated.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Value::Object(all) => all.iter().rev().find(|(k, _)| k == key).map(|(_, v)| v),
            _ => None,
        }
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Text(s) => Some(s),
            _ => None,
        }
    }

    /// A whole number that fits.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Value::Number(s) => s.parse().ok(),
            _ => None,
        }
    }

    /// What the value is, in words for a message: "a string".
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::Text(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        }
    }
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn fail<T>(&self, what: &'static str) -> Result<T, Error> {
        let what = if self.at >= self.text.len() { "it ends too early" } else { what };
        Err(Error { at: self.at + 1, what })
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, c: u8) -> bool {
        let there = self.peek() == Some(c);
        self.at += there as usize;
        there
    }

    fn word(&mut self, word: &str, v: Value) -> Result<Value, Error> {
        for &c in word.as_bytes() {
            if !self.take(c) {
                return self.fail("expected true, false or null");
            }
        }
        Ok(v)
    }

    fn value(&mut self, depth: usize) -> Result<Value, Error> {
        if depth > MAX_DEPTH {
            return self.fail("nested too deep");
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => Ok(Value::Text(self.string()?)),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.fail("expected a value"),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, Error> {
        let mut all = Vec::new();
        self.at += 1;
        self.space();
        if self.take(b'}') {
            return Ok(Value::Object(all));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return self.fail("expected a key in double quotes");
            }
            let key = self.string()?;
            self.space();
            if !self.take(b':') {
                return self.fail("expected a colon after the key");
            }
            self.space();
            all.push((key, self.value(depth + 1)?));
            self.space();
            if self.take(b'}') {
                return Ok(Value::Object(all));
            }
            if !self.take(b',') {
                return self.fail("expected a comma or }");
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, Error> {
        let mut all = Vec::new();
        self.at += 1;
        self.space();
        if self.take(b']') {
            return Ok(Value::Array(all));
        }
        loop {
            self.space();
            all.push(self.value(depth + 1)?);
            self.space();
            if self.take(b']') {
                return Ok(Value::Array(all));
            }
            if !self.take(b',') {
                return self.fail("expected a comma or ]");
            }
        }
    }

    fn digits(&mut self) -> Result<(), Error> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return self.fail("expected a digit");
        }
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Value, Error> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Ok(Value::Number(String::from_utf8_lossy(&self.text[start..self.at]).into_owned()))
    }

    fn string(&mut self) -> Result<String, Error> {
        let mut out = String::new();
        self.at += 1;
        loop {
            let start = self.at;
            while matches!(self.peek(), Some(c) if c >= b' ' && c != b'"' && c != b'\\') {
                self.at += 1;
            }
            out.push_str(&String::from_utf8_lossy(&self.text[start..self.at]));
            if self.take(b'"') {
                return Ok(out);
            }
            if !self.take(b'\\') {
                return self.fail("a control character in a string; escape it");
            }
            out.push(self.escape()?);
        }
    }

    fn escape(&mut self) -> Result<char, Error> {
        let c = match self.peek() {
            Some(c @ (b'"' | b'\\' | b'/')) => c as char,
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.unit();
            }
            _ => return self.fail("an unknown escape in a string"),
        };
        self.at += 1;
        Ok(c)
    }

    /// The character of a `\u`, with the other half when it is one of a pair.
    fn unit(&mut self) -> Result<char, Error> {
        let high = self.hex()?;
        if (0xd800..0xdc00).contains(&high) && self.text[self.at..].starts_with(b"\\u") {
            let back = self.at;
            self.at += 2;
            let low = self.hex()?;
            if (0xdc00..0xe000).contains(&low) {
                return Ok(char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)).unwrap_or('\u{fffd}'));
            }
            self.at = back;
        }
        Ok(char::from_u32(high).unwrap_or('\u{fffd}'))
    }

    fn hex(&mut self) -> Result<u32, Error> {
        let mut n = 0;
        for _ in 0..4 {
            match self.peek().and_then(|c| (c as char).to_digit(16)) {
                Some(d) => n = n << 4 | d,
                None => return self.fail("expected four hexadecimal digits after \\u"),
            }
            self.at += 1;
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_escapes_and_surrogates() {
        let v = Value::parse(br#" "a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\ud83d\u0041\ude00" "#).unwrap();
        assert_eq!(v.as_str(), Some("a\"\\/\u{8}\u{c}\n\r\té😀\u{fffd}A\u{fffd}"));
        assert_eq!(Value::parse(b"\"\xff\"").unwrap().as_str(), Some("\u{fffd}"));
    }

    #[test]
    fn reads_numbers() {
        for good in ["0", "-0", "1.5", "1e9", "-12.25E-3"] {
            assert_eq!(Value::parse(good.as_bytes()), Ok(Value::Number(good.into())));
        }
        for bad in ["01", "-", "1.", ".5", "1e", "+1", "1 2"] {
            assert!(Value::parse(bad.as_bytes()).is_err(), "{}", bad);
        }
    }

    #[test]
    fn refuses_what_is_no_json() {
        for bad in ["", "{", "[1,]", "{\"a\":1,}", "{a:1}", "nul", "\"\\q\"", "\"\\u12\"", "\"a\tb\"", "\"", "{} x"] {
            assert!(Value::parse(bad.as_bytes()).is_err(), "{}", bad);
        }
        let e = Value::parse(b"{\"a\" 1}").unwrap_err();
        assert_eq!(e.to_string(), "the body is not valid JSON at byte 6: expected a colon after the key");
    }

    #[test]
    fn bounds_the_depth() {
        let deep = |n: usize| "[".repeat(n) + &"]".repeat(n);
        assert!(Value::parse(deep(MAX_DEPTH).as_bytes()).is_ok());
        assert!(Value::parse(deep(MAX_DEPTH + 2).as_bytes()).is_err());
    }
}
