use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use core::any::Any;
use core::fmt;

/// What the host answers when it cannot do what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Error {
    /// There is no such key.
    Absent,
    /// A malformed name, value, key or target, or a header that is the host's to set.
    Invalid,
    /// Not granted in host.toml, or a write while the plugin initialises.
    Denied,
    /// The request's deadline came first; its answer is 504.
    Timeout,
    /// The store or the service failed; trying later may help.
    Unavailable,
    /// Over a limit of the ABI or of host.toml.
    TooLarge,
    /// The client went away: there is no point in going on.
    Closed,
    /// A code that this crate does not know.
    Unknown,
}

impl Error {
    pub(crate) fn of(code: i32) -> Error {
        match code {
            -1 => Error::Absent,
            -2 => Error::Invalid,
            -3 => Error::Denied,
            -4 => Error::Timeout,
            -5 => Error::Unavailable,
            -6 => Error::TooLarge,
            -7 => Error::Closed,
            _ => Error::Unknown,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::Absent => "absent",
            Error::Invalid => "malformed name, value, key or target",
            Error::Denied => "not granted in host.toml",
            Error::Timeout => "the deadline came first",
            Error::Unavailable => "the other side failed",
            Error::TooLarge => "over a limit",
            Error::Closed => "the client went away",
            Error::Unknown => "the host answered a code that this SDK does not know",
        })
    }
}

#[cfg(feature = "std")]
impl std::error::Error for Error {}

/// Turns a result of the host into a value or an error.
pub(crate) fn check(code: i32) -> Result<u32, Error> {
    u32::try_from(code).map_err(|_| Error::of(code))
}

/// An error that answers with a status of its own: `{"error": message, "request_id": …}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpError {
    /// 200 to 599.
    pub status: u16,
    /// For the client.
    pub message: Cow<'static, str>,
}

/// Returns an [`HttpError`].
///
/// ```
/// fn parse(id: &str) -> Result<u64, wasmlane::HttpError> {
///     id.parse().map_err(|_| wasmlane::error(404, format!("user {id} does not exist")))
/// }
/// # assert_eq!(parse("x").unwrap_err().status, 404);
/// ```
pub fn error(status: u16, message: impl Into<Cow<'static, str>>) -> HttpError {
    HttpError { status, message: message.into() }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.message)
    }
}

#[cfg(feature = "std")]
impl std::error::Error for HttpError {}

/// Why a handler failed. Anything that can be shown becomes one by `?`; an
/// [`HttpError`] and an [`Error`] keep what they are.
///
/// It does not implement [`fmt::Display`] itself: that is what lets it be made of
/// everything that does.
pub struct Failure(pub(crate) Kind);

pub(crate) enum Kind {
    Http(HttpError),
    Host(Error),
    Other(Box<str>),
}

impl Failure {
    /// The host's error in it, if it is one.
    pub fn host(&self) -> Option<Error> {
        match self.0 {
            Kind::Host(e) => Some(e),
            _ => None,
        }
    }

    /// The answer in it, if it is one.
    pub fn http(&self) -> Option<&HttpError> {
        match &self.0 {
            Kind::Http(e) => Some(e),
            _ => None,
        }
    }

    /// Its text, for a log.
    pub fn text(&self) -> String {
        match &self.0 {
            Kind::Http(e) => e.to_string(),
            Kind::Host(e) => e.to_string(),
            Kind::Other(text) => text.to_string(),
        }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl<E: fmt::Display + Any> From<E> for Failure {
    fn from(e: E) -> Failure {
        let any = &e as &dyn Any;
        Failure(if let Some(e) = any.downcast_ref::<HttpError>() {
            Kind::Http(e.clone())
        } else if let Some(e) = any.downcast_ref::<Error>() {
            Kind::Host(*e)
        } else {
            Kind::Other(e.to_string().into())
        })
    }
}
