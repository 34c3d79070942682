//! JSON, as RFC 8259 has it: enough for the bodies of a service.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use crate::fetch::text;

mod parse;

pub use parse::{parse, ParseError};

/// What can be written as JSON. [`to_json!`](crate::to_json) implements it for a struct.
pub trait ToJson {
    /// Writes the value.
    fn to_json(&self, out: &mut Writer);
}

/// Implements [`ToJson`](crate::json::ToJson) for a struct, as an object with the fields
/// that are named, in that order.
///
/// ```
/// struct User {
///     id: String,
///     name: String,
/// }
/// wasmlane::to_json! { User { id, name } }
/// let ada = User { id: "1".into(), name: "Ada".into() };
/// assert_eq!(wasmlane::json::to_string(&ada), r#"{"id":"1","name":"Ada"}"#);
/// ```
#[macro_export]
macro_rules! to_json {
    ($type:ident { $($field:ident),* $(,)? }) => {
        impl $crate::json::ToJson for $type {
            fn to_json(&self, out: &mut $crate::json::Writer) {
                out.object(|o| {
                    $(o.field(stringify!($field), &self.$field);)*
                });
            }
        }
    };
}

/// A value as JSON text.
pub fn to_string(value: &(impl ToJson + ?Sized)) -> String {
    let mut out = Writer::new();
    value.to_json(&mut out);
    text(out.into_bytes())
}

/// Text in the making. Commas and quotes are its own to set.
#[derive(Default)]
pub struct Writer {
    out: Vec<u8>,
}

impl Writer {
    /// One that has nothing yet.
    pub fn new() -> Writer {
        Writer { out: Vec::with_capacity(128) }
    }

    /// What was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    /// Appends text that is JSON already.
    pub fn raw(&mut self, json: &str) -> &mut Writer {
        self.out.extend_from_slice(json.as_bytes());
        self
    }

    /// Writes a string. `<`, `>` and `&` are escaped too, for the sake of those who put
    /// JSON into a page, and so are the line ends of Unicode.
    pub fn string(&mut self, s: &str) -> &mut Writer {
        self.out.push(b'"');
        for c in s.chars() {
            match c {
                '"' | '\\' => self.out.extend_from_slice(&[b'\\', c as u8]),
                '\n' => self.out.extend_from_slice(b"\\n"),
                '\r' => self.out.extend_from_slice(b"\\r"),
                '\t' => self.out.extend_from_slice(b"\\t"),
                '\u{8}' => self.out.extend_from_slice(b"\\b"),
                '\u{c}' => self.out.extend_from_slice(b"\\f"),
                '\0'..='\x1f' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => self.escaped(c),
                _ => self.out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        self.out.push(b'"');
        self
    }

    /// Writes a string as the answers of errors have it: nothing is escaped that need not
    /// be, and control characters in one way.
    pub(crate) fn message(&mut self, s: &str) -> &mut Writer {
        self.out.push(b'"');
        for c in s.chars() {
            match c {
                '"' | '\\' => self.out.extend_from_slice(&[b'\\', c as u8]),
                '\0'..='\x1f' | '\x7f' => self.escaped(c),
                _ => self.out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        self.out.push(b'"');
        self
    }

    fn escaped(&mut self, c: char) {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        self.out.extend_from_slice(b"\\u");
        for shift in [12, 8, 4, 0] {
            self.out.push(HEX[c as usize >> shift & 15]);
        }
    }

    /// Writes an object: `fields` adds what is in it.
    pub fn object(&mut self, fields: impl FnOnce(&mut Object<'_>)) {
        self.out.push(b'{');
        fields(&mut Object { out: self, first: true });
        self.out.push(b'}');
    }

    /// Writes an array of values.
    pub fn array<T: ToJson>(&mut self, items: impl IntoIterator<Item = T>) {
        self.out.push(b'[');
        for (i, item) in items.into_iter().enumerate() {
            if i > 0 {
                self.out.push(b',');
            }
            item.to_json(self);
        }
        self.out.push(b']');
    }
}

/// An object in the making.
pub struct Object<'a> {
    out: &'a mut Writer,
    first: bool,
}

impl Object<'_> {
    /// Adds a field.
    pub fn field(&mut self, name: &str, value: &(impl ToJson + ?Sized)) -> &mut Self {
        if !self.first {
            self.out.out.push(b',');
        }
        self.first = false;
        self.out.string(name);
        self.out.out.push(b':');
        value.to_json(self.out);
        self
    }
}

impl ToJson for str {
    fn to_json(&self, out: &mut Writer) {
        out.string(self);
    }
}

impl ToJson for String {
    fn to_json(&self, out: &mut Writer) {
        out.string(self);
    }
}

impl ToJson for Cow<'_, str> {
    fn to_json(&self, out: &mut Writer) {
        out.string(self);
    }
}

impl ToJson for bool {
    fn to_json(&self, out: &mut Writer) {
        out.raw(if *self { "true" } else { "false" });
    }
}

macro_rules! numbers {
    ($($type:ty)*) => {
        $(impl ToJson for $type {
            fn to_json(&self, out: &mut Writer) {
                out.raw(&self.to_string());
            }
        })*
    };
}

numbers! { u8 u16 u32 u64 usize i8 i16 i32 i64 isize }

impl ToJson for f64 {
    /// What is no number, or infinite, is null: JSON has no word for it.
    fn to_json(&self, out: &mut Writer) {
        if self.is_finite() {
            out.raw(&self.to_string());
        } else {
            out.raw("null");
        }
    }
}

impl<T: ToJson + ?Sized> ToJson for &T {
    fn to_json(&self, out: &mut Writer) {
        (**self).to_json(out);
    }
}

impl<T: ToJson> ToJson for Option<T> {
    fn to_json(&self, out: &mut Writer) {
        match self {
            Some(value) => value.to_json(out),
            None => {
                out.raw("null");
            }
        }
    }
}

impl<T: ToJson> ToJson for [T] {
    fn to_json(&self, out: &mut Writer) {
        out.array(self);
    }
}

impl<T: ToJson> ToJson for Vec<T> {
    fn to_json(&self, out: &mut Writer) {
        out.array(self);
    }
}

/// A value that was read.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// null
    Null,
    /// true or false
    Bool(bool),
    /// A number, as it was written: none is too large or too fine.
    Number(String),
    /// A string.
    String(String),
    /// An array.
    Array(Vec<Value>),
    /// An object, in the order it was written, with repeated names.
    Object(Vec<(String, Value)>),
}

impl Value {
    /// The value of a field, the last one of that name; None when there is none, or this
    /// is no object.
    pub fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Object(fields) => fields.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v),
            _ => None,
        }
    }

    /// The string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(s) => Some(s),
            _ => None,
        }
    }

    /// The whole number, if it is one that fits.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Value::Number(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// The number, if it is one.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Number(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// The truth value, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(b) => Some(*b),
            _ => None,
        }
    }

    /// What it is, in words for an error message: "a string", "null".
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        }
    }
}

impl ToJson for Value {
    fn to_json(&self, out: &mut Writer) {
        match self {
            Value::Null => {
                out.raw("null");
            }
            Value::Bool(b) => b.to_json(out),
            Value::Number(text) => {
                out.raw(text);
            }
            Value::String(s) => s.to_json(out),
            Value::Array(items) => items.to_json(out),
            Value::Object(fields) => out.object(|o| {
                for (name, value) in fields {
                    o.field(name, value);
                }
            }),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_string(self))
    }
}
