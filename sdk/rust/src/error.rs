use alloc::string::{String, ToString};
use core::fmt;

/// What a function of the host answers when it does not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Code {
    /// There is no such key or value.
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
    /// The client went away; there is no point in going on.
    Closed,
    /// A code that this SDK does not know.
    Unknown,
}

/// A code of the host, with the function that answered it and its argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbiError {
    /// The function, such as `"kv_get"`.
    pub function: &'static str,
    /// Its argument, such as a key, shortened to 80 bytes.
    pub argument: String,
    /// What the host answered.
    pub code: Code,
}

impl fmt::Display for AbiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.code {
            Code::Absent => "absent",
            Code::Invalid => "malformed name, value, key or target",
            Code::Denied => "not granted in host.toml",
            Code::Timeout => "the deadline came first",
            Code::Unavailable => "the other side failed",
            Code::TooLarge => "over a limit",
            Code::Closed => "the client went away",
            Code::Unknown => "the host answered a code that this SDK does not know",
        };
        write!(f, "{} {:?}: {}", self.function, self.argument, text)
    }
}

/// Turns a result of the host into an error, unless it is no code.
pub(crate) fn check(function: &'static str, argument: &[u8], code: i32) -> Result<i32, AbiError> {
    if code >= 0 {
        return Ok(code);
    }
    let code = match code {
        -1 => Code::Absent,
        -2 => Code::Invalid,
        -3 => Code::Denied,
        -4 => Code::Timeout,
        -5 => Code::Unavailable,
        -6 => Code::TooLarge,
        -7 => Code::Closed,
        _ => Code::Unknown,
    };
    let argument = String::from_utf8_lossy(&argument[..argument.len().min(80)]).into_owned();
    Err(AbiError { function, argument, code })
}

/// What a handler returns when it fails.
///
/// ```
/// use wasmlane::Error;
/// assert_eq!(Error::http(404, "no such user").to_string(), "404 no such user");
/// let number: Result<i32, Error> = "x".parse::<i32>().map_err(Error::other);
/// assert!(number.is_err());
/// ```
#[derive(Clone, Debug)]
pub enum Error {
    /// Answered with this status and `{"error": message, "request_id": …}`.
    Http {
        /// 200 to 599.
        status: u16,
        /// For the client. Logged, too, when the status is 500 or more.
        message: String,
    },
    /// The host refused something: answered 503 when the store or the service is
    /// unavailable, 504 when the deadline came first and else 500, and logged.
    Host(AbiError),
    /// Anything else: answered 500 without its text, which is logged.
    Other(String),
}

impl Error {
    /// An error that is answered with a status and a message for the client.
    pub fn http(status: u16, message: impl Into<String>) -> Error {
        Error::Http { status, message: message.into() }
    }

    /// An error whose text is for the log only.
    pub fn other(err: impl fmt::Display) -> Error {
        Error::Other(err.to_string())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Http { status, message } => write!(f, "{} {}", status, message),
            Error::Host(err) => err.fmt(f),
            Error::Other(text) => f.write_str(text),
        }
    }
}

impl From<AbiError> for Error {
    fn from(err: AbiError) -> Error {
        Error::Host(err)
    }
}

impl From<String> for Error {
    fn from(text: String) -> Error {
        Error::Other(text)
    }
}

impl From<&str> for Error {
    fn from(text: &str) -> Error {
        Error::Other(text.into())
    }
}

/// A body that is not what it should be: the client's fault, 400.
impl From<crate::json::Error> for Error {
    fn from(err: crate::json::Error) -> Error {
        Error::http(400, err.to_string())
    }
}

#[cfg(any(feature = "std", not(target_arch = "wasm32")))]
impl std::error::Error for AbiError {}
#[cfg(any(feature = "std", not(target_arch = "wasm32")))]
impl std::error::Error for Error {}
