//! The host's log. The host adds the plugin, the handler and the request id, and escapes
//! control characters. A message is cut after 8 KiB.

use crate::host;

/// Logs a message at level debug.
pub fn debug(message: impl AsRef<[u8]>) {
    host::log(0, message.as_ref());
}

/// Logs a message at level info.
pub fn info(message: impl AsRef<[u8]>) {
    host::log(1, message.as_ref());
}

/// Logs a message at level warn.
pub fn warn(message: impl AsRef<[u8]>) {
    host::log(2, message.as_ref());
}

/// Logs a message at level error.
pub fn error(message: impl AsRef<[u8]>) {
    host::log(3, message.as_ref());
}
