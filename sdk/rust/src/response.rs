use crate::error::check;
use crate::{imports, json, AbiError};
use alloc::vec::Vec;

/// The answer to the request. The host sends it when the handler has returned, or
/// piece by piece for a handler that calls [`flush`].
pub struct Response {
    pub(crate) begun: bool,   // something was written: too late for an error to answer
    pub(crate) refused: bool, // the host refused a write
}

impl Response {
    pub(crate) fn new() -> Response {
        Response { begun: false, refused: false }
    }

    /// Sets the status, 200 to start with. One outside 200 to 599, and any after
    /// [`flush`], ends the request with 500.
    pub fn status(&mut self, code: u16) {
        imports::status(code.into())
    }

    /// Sets a header, replacing what it had. It fails with `Invalid` for a name or
    /// value that HTTP does not allow, for headers that are the host's and after
    /// [`flush`], and with `TooLarge` past 64 KiB of headers.
    pub fn set_header(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), AbiError> {
        let name = name.as_ref();
        check("set_header", name, imports::set_header(name, value.as_ref())).map(drop)
    }

    /// Adds a value to a header. It fails as [`Response::set_header`] does.
    pub fn add_header(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), AbiError> {
        let name = name.as_ref();
        check("add_header", name, imports::add_header(name, value.as_ref())).map(drop)
    }

    /// Appends to the body. It fails with `TooLarge` past max_response, and with
    /// `Closed` or `Timeout` when there is no point in going on.
    pub fn write(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), AbiError> {
        self.begun = true;
        self.check_write("write", imports::write(bytes.as_ref()))
    }

    fn check_write(&mut self, function: &'static str, code: i32) -> Result<(), AbiError> {
        self.refused |= code < 0;
        check(function, b"", code).map(drop)
    }

    pub(crate) fn send(&mut self, status: u16, content_type: &str, body: &[u8]) -> Result<(), AbiError> {
        self.status(status);
        self.set_header("Content-Type", content_type)?;
        self.write(body)
    }

    /// Answers with what was written to a JSON writer, and a line end after it.
    pub fn json(&mut self, status: u16, value: &json::Writer) -> Result<(), AbiError> {
        let mut body = Vec::from(value.as_str());
        body.push(b'\n');
        self.send(status, "application/json", &body)
    }

    /// Answers with plain text in UTF-8.
    pub fn text(&mut self, status: u16, text: &str) -> Result<(), AbiError> {
        self.send(status, "text/plain; charset=utf-8", text.as_bytes())
    }

    /// Answers 204.
    pub fn no_content(&mut self) {
        self.status(204)
    }
}

/// Sends the status, the headers and what has been written so far. From there on
/// the response streams: max_response no longer applies, and an error cuts the
/// connection.
///
/// A plugin that contains this function costs more in the host, which is why it is
/// no method.
pub fn flush(w: &mut Response) -> Result<(), AbiError> {
    w.begun = true;
    w.check_write("flush", imports::flush())
}
