use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::error::{check, Error};
use crate::fetch::{fetch, optional, read_all, text};
use crate::host;

/// The request. The host holds it; nothing is read before it is asked for.
///
/// Text is what was sent, with what is no UTF-8 replaced. The methods that end in
/// `_bytes` give the bytes as they are.
pub struct Request {
    pub(crate) _private: (),
}

impl Request {
    fn field(&self, field: u32) -> String {
        text(fetch(|buf| host::request(field, buf)).unwrap_or_default())
    }

    /// GET, …; HEAD on a HEAD request, also when a GET route answers it.
    pub fn method(&self) -> String {
        self.field(0)
    }

    /// The path, percent-decoded.
    pub fn path(&self) -> String {
        self.field(1)
    }

    /// The query as it was sent, without the `?`.
    pub fn raw_query(&self) -> String {
        self.field(2)
    }

    /// The request target as it was sent.
    pub fn target(&self) -> String {
        self.field(3)
    }

    /// The Host.
    pub fn host(&self) -> String {
        self.field(4)
    }

    /// http or https.
    pub fn scheme(&self) -> String {
        self.field(5)
    }

    /// The client's address, without a port.
    pub fn remote_addr(&self) -> String {
        self.field(6)
    }

    /// HTTP/1.1 or HTTP/1.0.
    pub fn protocol(&self) -> String {
        self.field(7)
    }

    /// The pattern of the route, such as `/users/{id}`.
    pub fn route(&self) -> String {
        self.field(8)
    }

    /// The request id, which the answer and every log line carry too.
    pub fn id(&self) -> String {
        self.field(9)
    }

    /// The path as bytes, percent-decoded.
    pub fn path_bytes(&self) -> Vec<u8> {
        fetch(|buf| host::request(1, buf)).unwrap_or_default()
    }

    /// The value of a `{name}` of the route, or None when the route has no such name.
    pub fn param(&self, name: &str) -> Option<String> {
        self.param_bytes(name).map(text)
    }

    /// [`Request::param`] as bytes.
    pub fn param_bytes(&self, name: &str) -> Option<Vec<u8>> {
        optional(|buf| host::param(name.as_bytes(), buf))
    }

    /// The first value of a key in the query, decoded as forms are.
    pub fn query(&self, name: &str) -> Option<String> {
        self.query_bytes(name, 0).map(text)
    }

    /// All values of a key in the query.
    pub fn query_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = String> + 'a {
        (0..).map_while(move |i| self.query_bytes(name, i)).map(text)
    }

    /// The index-th value, from 0, of a key in the query, as bytes.
    pub fn query_bytes(&self, name: &str, index: u32) -> Option<Vec<u8>> {
        optional(|buf| host::query(name.as_bytes(), index, buf))
    }

    /// The first value of a header, in any case.
    pub fn header(&self, name: &str) -> Option<String> {
        self.header_bytes(name, 0).map(text)
    }

    /// All values of a header.
    pub fn header_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = String> + 'a {
        (0..).map_while(move |i| self.header_bytes(name, i)).map(text)
    }

    /// The index-th value, from 0, of a header, as bytes.
    pub fn header_bytes(&self, name: &str, index: u32) -> Option<Vec<u8>> {
        optional(|buf| host::header(name.as_bytes(), index, buf))
    }

    /// The names of all headers, in lower case.
    pub fn header_names(&self) -> impl Iterator<Item = String> + '_ {
        (0..).map_while(|i| optional(|buf| host::header_name(i, buf))).map(text)
    }

    /// The Content-Length: 0 when there is no body, None for one whose length is not
    /// known beforehand.
    pub fn body_size(&self) -> Option<u64> {
        u64::try_from(host::body_size()).ok()
    }

    /// What is left of the body: all of it, unless [`Request::read`] was called.
    ///
    /// # Errors
    ///
    /// Those of the host; the body has come whole before the handler runs.
    pub fn body(&mut self) -> Result<Vec<u8>, Error> {
        read_all(None, host::body)
    }

    /// Reads on in the body, up to `buf.len()` bytes; 0 at its end.
    ///
    /// # Errors
    ///
    /// Those of the host.
    pub fn read(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        Ok(check(host::body(buf))? as usize)
    }

    /// The body as JSON.
    ///
    /// # Errors
    ///
    /// An [`HttpError`](crate::HttpError) with status 400 that says where the body is
    /// wrong: return it as it is.
    pub fn json(&mut self) -> crate::Result<crate::json::Value> {
        let body = self.body()?;
        if body.iter().all(u8::is_ascii_whitespace) {
            return Err(crate::error(400, "the body is empty; it must be JSON").into());
        }
        crate::json::parse(&body)
            .map_err(|e| crate::error(400, ["the body is not valid JSON ", &e.to_string()].concat()).into())
    }
}
