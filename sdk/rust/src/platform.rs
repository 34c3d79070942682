use crate::{fetch, imports};
use alloc::string::String;

/// The severity of a log message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// For who looks for a fault
    Debug,
    /// What happens
    Info,
    /// What should not, but does no harm
    Warn,
    /// What failed
    Error,
}

/// Writes to the host's log, which adds the plugin, the handler and the request id,
/// escapes control characters and cuts the message after 8 KiB.
///
/// ```
/// wasmlane::log(wasmlane::Level::Info, format!("{} users", 3));
/// ```
pub fn log(level: Level, message: impl AsRef<[u8]>) {
    imports::log(level as u32, message.as_ref())
}

/// Returns a value of `[plugin.NAME.config]` in host.toml, or `None` when it is not
/// there. It works while the plugin initialises, too.
pub fn config(key: impl AsRef<[u8]>) -> Option<String> {
    let value = fetch(|buf| imports::config(key.as_ref(), buf)).ok()?;
    Some(String::from_utf8_lossy(&value).into_owned())
}
