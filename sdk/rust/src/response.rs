use crate::error::{check, Error};
use crate::host;
use crate::json::{ToJson, Writer};

pub(crate) const TYPE_JSON: &str = "application/json";

/// The answer to the request. The host holds it and sends it when the handler has
/// returned, or piece by piece for a handler that calls [`flush`].
pub struct Response {
    /// Something was written: the status is no longer for an error to choose.
    pub(crate) begun: bool,
    /// The host refused a write.
    pub(crate) refused: bool,
}

impl Response {
    /// Sets the status, 200 to start with. One outside 200 to 599, and any status after
    /// [`flush`], ends the request with 500.
    pub fn status(&mut self, code: u16) {
        host::status(code.into());
    }

    /// Sets a header, replacing what it had.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a name or value that HTTP does not allow, for headers that
    /// are the host's, and after [`flush`]; [`Error::TooLarge`] past 64 KiB of headers.
    pub fn set_header(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), Error> {
        check(host::set_header(name.as_bytes(), value.as_ref())).map(drop)
    }

    /// Adds a value to a header.
    ///
    /// # Errors
    ///
    /// As [`Response::set_header`].
    pub fn add_header(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), Error> {
        check(host::add_header(name.as_bytes(), value.as_ref())).map(drop)
    }

    /// Appends to the body.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] past max_response; [`Error::Closed`] or [`Error::Timeout`]
    /// when there is no point in going on.
    pub fn write(&mut self, body: impl AsRef<[u8]>) -> Result<(), Error> {
        self.begun = true;
        self.checked(host::write(body.as_ref()))
    }

    fn checked(&mut self, code: i32) -> Result<(), Error> {
        self.refused |= code < 0;
        check(code).map(drop)
    }

    /// Sets what comes before the body.
    pub(crate) fn begin(&mut self, status: u16, content_type: &str) -> Result<(), Error> {
        self.status(status);
        self.set_header("Content-Type", content_type)
    }

    /// Answers with JSON, and a line end after it.
    ///
    /// # Errors
    ///
    /// As [`Response::write`].
    pub fn json(&mut self, status: u16, value: &(impl ToJson + ?Sized)) -> crate::Result {
        let mut out = Writer::new();
        value.to_json(&mut out);
        let mut body = out.into_bytes();
        body.push(b'\n');
        self.begin(status, TYPE_JSON)?;
        self.write(body)?;
        Ok(())
    }

    /// Answers with plain text in UTF-8.
    ///
    /// # Errors
    ///
    /// As [`Response::write`].
    pub fn text(&mut self, status: u16, text: &str) -> crate::Result {
        self.begin(status, "text/plain; charset=utf-8")?;
        self.write(text)?;
        Ok(())
    }

    /// Answers 204. It returns Ok, for a handler to return.
    ///
    /// # Errors
    ///
    /// None.
    pub fn no_content(&mut self) -> crate::Result {
        self.status(204);
        Ok(())
    }
}

/// Sends the status, the headers and what has been written so far. From there on the
/// response streams: max_response no longer applies, and an error cuts the connection.
///
/// It is a function rather than a method because the host runs a plugin that imports
/// `flush` at a higher price, and only a plugin that calls this imports it.
///
/// # Errors
///
/// [`Error::Closed`] or [`Error::Timeout`] when there is no point in going on.
pub fn flush(w: &mut Response) -> Result<(), Error> {
    w.begun = true;
    w.checked(host::flush())
}
