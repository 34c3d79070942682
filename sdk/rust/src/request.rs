use crate::error::check;
use crate::json::Value;
use crate::{fetch, imports, read_all, AbiError, Error};
use alloc::string::String;
use alloc::vec::Vec;

/// A part of the request that every request has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// "GET", …; "HEAD" also when a GET route answers it
    Method,
    /// Percent-decoded
    Path,
    /// Raw, without the "?"
    Query,
    /// The raw request target: path and query
    Target,
    /// The Host header
    Host,
    /// "http" or "https"
    Scheme,
    /// The client's address, without a port
    RemoteAddr,
    /// "HTTP/1.1" or "HTTP/1.0"
    Protocol,
    /// The route's pattern, "/users/{id}"
    Route,
    /// In the log and in the answer's X-Request-Id
    RequestId,
}

/// What the client sent. Each method asks the host. The methods for text replace
/// what is no UTF-8 by U+FFFD; those that end in `_at` give the bytes.
pub struct Request {
    consumed: i64,
}

impl Request {
    pub(crate) fn new() -> Request {
        Request { consumed: 0 }
    }

    /// A field's bytes.
    pub fn field(&self, field: Field) -> Vec<u8> {
        fetch(|buf| imports::request(field as u32, buf)).unwrap_or_default()
    }

    /// The method.
    pub fn method(&self) -> String {
        text(self.field(Field::Method))
    }

    /// The path, percent-decoded.
    pub fn path(&self) -> String {
        text(self.field(Field::Path))
    }

    /// The request id.
    pub fn id(&self) -> String {
        text(self.field(Field::RequestId))
    }

    /// The value of a `{name}` of the route, percent-decoded.
    pub fn param(&self, name: &str) -> Option<String> {
        self.param_bytes(name).map(text)
    }

    /// [`Request::param`] as bytes.
    pub fn param_bytes(&self, name: impl AsRef<[u8]>) -> Option<Vec<u8>> {
        fetch(|buf| imports::param(name.as_ref(), buf)).ok()
    }

    /// The first value of a query key, decoded as forms are.
    pub fn query(&self, name: &str) -> Option<String> {
        self.query_at(name, 0).map(text)
    }

    /// The index-th value of a query key, from 0.
    pub fn query_at(&self, name: impl AsRef<[u8]>, index: u32) -> Option<Vec<u8>> {
        fetch(|buf| imports::query(name.as_ref(), index, buf)).ok()
    }

    /// The first value of a header, whose name may be in any case.
    pub fn header(&self, name: &str) -> Option<String> {
        self.header_at(name, 0).map(text)
    }

    /// The index-th value of a header, from 0.
    pub fn header_at(&self, name: impl AsRef<[u8]>, index: u32) -> Option<Vec<u8>> {
        fetch(|buf| imports::header(name.as_ref(), index, buf)).ok()
    }

    /// The index-th distinct header name, in lower case.
    pub fn header_name(&self, index: u32) -> Option<Vec<u8>> {
        fetch(|buf| imports::header_name(index, buf)).ok()
    }

    /// The Content-Length, 0 without a body, -1 when it is not known beforehand.
    pub fn body_size(&self) -> i64 {
        imports::body_size()
    }

    /// All that is left of the body.
    pub fn body(&mut self) -> Result<Vec<u8>, AbiError> {
        let body = read_all(imports::body_size() - self.consumed, imports::body);
        match body {
            Ok(body) => {
                self.consumed += body.len() as i64;
                Ok(body)
            }
            Err(code) => Err(check("body", b"", code).unwrap_err()),
        }
    }

    /// Reads on in the body; 0 is its end, unless `buf` is empty.
    pub fn read(&mut self, buf: &mut [u8]) -> Result<usize, AbiError> {
        let n = check("body", b"", imports::body(buf))?;
        self.consumed += n as i64;
        Ok(n as usize)
    }

    /// Reads the body as JSON. What is wrong with it is an [`Error::Http`] with
    /// status 400 and a message for the client.
    pub fn json(&mut self) -> Result<Value, Error> {
        Ok(Value::parse(&self.body()?)?)
    }
}

pub(crate) fn text(bytes: Vec<u8>) -> String {
    match String::from_utf8(bytes) {
        Ok(s) => s,
        Err(e) => String::from_utf8_lossy(e.as_bytes()).into_owned(),
    }
}
