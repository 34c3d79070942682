use alloc::string::String;
use alloc::vec::Vec;

use crate::error::{check, Error};
use crate::fetch::{optional, read_all, text};
use crate::host;

/// A request to another service.
///
/// ```no_run
/// use wasmlane::{call, CallRequest};
/// # fn f() -> wasmlane::Result {
/// let mut answer = call("user", &CallRequest::get("/users/7"))?;
/// if answer.status() == 404 {
///     return Err(wasmlane::error(422, "there is no such user").into());
/// }
/// let body = answer.body()?;
/// # Ok(()) }
/// ```
pub struct CallRequest<'a> {
    head: Vec<u8>,
    valid: bool,
    body: &'a [u8],
}

impl<'a> CallRequest<'a> {
    /// A request with a method and a path, which has the query with it.
    pub fn new(method: &str, path: &str) -> Self {
        let valid = one_word(method) && one_word(path);
        CallRequest { head: [method, " ", path, "\n"].concat().into_bytes(), valid, body: &[] }
    }

    /// A GET request.
    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// A POST request with a body.
    pub fn post(path: &str, body: &'a [u8]) -> Self {
        Self::new("POST", path).body(body)
    }

    /// Adds a header. Host, framing, hop-by-hop names and X-Request-Id are the host's to
    /// set. The request id and the trace context travel along by themselves.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        // The host sees lines, and a line end in a value would make one more of them.
        self.valid &= one_word(name) && !name.contains(':') && !value.contains(&b'\n');
        for part in [name.as_bytes(), b": ", value, b"\n"] {
            self.head.extend_from_slice(part);
        }
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: &'a [u8]) -> Self {
        self.body = body;
        self
    }
}

/// Reports whether a part of the head is not empty and has no space or line end. All else
/// is the host's to check.
fn one_word(s: &str) -> bool {
    !s.is_empty() && !s.contains(|c| c == ' ' || c == '\n')
}

/// Sends a request to a service, by the name it has in host.toml, or to an absolute origin
/// such as `https://api.example.com`; host.toml grants both, with `calls` and `outbound`.
/// A service on the same host is called without a socket. The time that is left for this
/// request bounds the call.
///
/// # Errors
///
/// Any status is an answer. An error says that there is none: [`Error::Timeout`],
/// [`Error::Unavailable`], [`Error::Denied`], [`Error::Invalid`] for a malformed request,
/// or [`Error::TooLarge`].
pub fn call(target: &str, request: &CallRequest<'_>) -> Result<CallResponse, Error> {
    if !request.valid {
        return Err(Error::Invalid);
    }
    let handle = check(host::call(target.as_bytes(), &request.head, request.body))? as i32;
    let status = check(host::call_status(handle))? as u16;
    Ok(CallResponse { handle, status })
}

/// A service's answer. No more than 16 may be open at once; one closes when it is dropped.
pub struct CallResponse {
    handle: i32,
    status: u16,
}

impl CallResponse {
    /// The status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The first value of a header, in any case.
    pub fn header(&self, name: &str) -> Option<String> {
        self.header_bytes(name, 0).map(text)
    }

    /// The index-th value, from 0, of a header, as bytes.
    pub fn header_bytes(&self, name: &str, index: u32) -> Option<Vec<u8>> {
        optional(|buf| host::call_header(self.handle, name.as_bytes(), index, buf))
    }

    /// Reads on in the body, up to `buf.len()` bytes; 0 at its end.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] when the service breaks off, [`Error::Timeout`].
    pub fn read(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        Ok(check(host::call_body(self.handle, buf))? as usize)
    }

    /// What is left of the body.
    ///
    /// # Errors
    ///
    /// As [`CallResponse::read`].
    pub fn body(&mut self) -> Result<Vec<u8>, Error> {
        read_all(None, |buf| host::call_body(self.handle, buf))
    }

    /// Gives the answer back before it is dropped. Nothing can be read of it afterwards.
    pub fn close(&mut self) {
        if self.handle >= 0 {
            host::call_close(self.handle);
            self.handle = -1; // the host may give the number to another one
        }
    }
}

impl Drop for CallResponse {
    fn drop(&mut self) {
        self.close();
    }
}
