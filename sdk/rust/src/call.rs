use crate::error::check;
use crate::request::text;
use crate::{fetch, imports, read_all, AbiError};
use alloc::string::String;
use alloc::vec::Vec;

/// A request to another service.
#[derive(Clone, Copy, Default)]
pub struct CallRequest<'a> {
    /// "GET", …
    pub method: &'a [u8],
    /// With the query: "/users?limit=5"
    pub path: &'a [u8],
    /// Names and values. Host, framing, hop-by-hop names and X-Request-Id are the
    /// host's; the request id and the trace context travel along.
    pub headers: &'a [(&'a [u8], &'a [u8])],
    /// The body
    pub body: &'a [u8],
}

/// A service's answer. It ends with the request; close it when a handler makes more
/// than a few calls, for no more than 16 may be open at once.
pub struct CallResponse {
    handle: i32,
}

/// Sends a request to a service, by the name it has in host.toml, or to an origin
/// such as `https://api.example.com`. Any status is an answer; an error says that
/// there is none.
///
/// ```no_run
/// # fn main() -> Result<(), wasmlane::AbiError> {
/// use wasmlane::{call, CallRequest};
/// let answer = call("user", &CallRequest { method: b"GET", path: b"/users/1", ..Default::default() })?;
/// if answer.status()? == 200 { println!("{:?}", answer.body()?); }
/// # Ok(()) }
/// ```
pub fn call(target: impl AsRef<[u8]>, request: &CallRequest<'_>) -> Result<CallResponse, AbiError> {
    let target = target.as_ref();
    // The host sees lines: a line end in a value would make one more of them.
    let word = |s: &[u8]| !s.is_empty() && !s.contains(&b' ') && !s.contains(&b'\n');
    let mut ok = word(request.method) && word(request.path);
    let mut head = [request.method, b" ", request.path, b"\n"].concat();
    for (name, value) in request.headers {
        ok = ok && word(name) && !name.contains(&b':') && !value.contains(&b'\n');
        head.extend_from_slice(&[name, &b": "[..], value, b"\n"].concat());
    }
    let code = if ok { imports::call(target, &head, request.body) } else { -2 };
    check("call", target, code).map(|handle| CallResponse { handle })
}

impl CallResponse {
    /// The status.
    pub fn status(&self) -> Result<u16, AbiError> {
        check("call_status", b"", imports::call_status(self.handle)).map(|n| n as u16)
    }

    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<String> {
        self.header_at(name, 0).map(text)
    }

    /// The index-th value of a header, from 0.
    pub fn header_at(&self, name: impl AsRef<[u8]>, index: u32) -> Option<Vec<u8>> {
        fetch(|buf| imports::call_header(self.handle, name.as_ref(), index, buf)).ok()
    }

    /// What is left of the body.
    pub fn body(&self) -> Result<Vec<u8>, AbiError> {
        read_all(-1, |buf| imports::call_body(self.handle, buf)).map_err(|code| check("call_body", b"", code).unwrap_err())
    }

    /// Reads on in the body; 0 is its end, unless `buf` is empty.
    pub fn read(&self, buf: &mut [u8]) -> Result<usize, AbiError> {
        check("call_body", b"", imports::call_body(self.handle, buf)).map(|n| n as usize)
    }

    /// Gives the answer back. The handler's return does so, too. Using it after that
    /// is for the host to refuse.
    pub fn close(&self) {
        imports::call_close(self.handle)
    }
}
