//! The plugin's part of the store; host.toml grants it with `store = "NAME"`. Each
//! operation is atomic, and a write returns when it is durable. Keys have 1 to 1024
//! bytes, else [`Error::Invalid`]; values up to 1 MiB, else [`Error::TooLarge`]. Every
//! function may fail with [`Error::Unavailable`] or [`Error::Timeout`].
//!
//! While the plugin initialises, reads see the store at that moment and writes fail with
//! [`Error::Denied`].

use alloc::vec::Vec;

use crate::error::{check, Error};
use crate::fetch::fetch;
use crate::host;

/// The value of a key.
///
/// # Errors
///
/// [`Error::Absent`] when there is none.
pub fn get(key: impl AsRef<[u8]>) -> Result<Vec<u8>, Error> {
    fetch(|buf| host::kv_get(key.as_ref(), buf))
}

/// Stores a value under a key.
///
/// # Errors
///
/// See the module.
pub fn set(key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), Error> {
    check(host::kv_set(key.as_ref(), value.as_ref())).map(drop)
}

/// Removes a key, and reports whether it was there.
///
/// # Errors
///
/// See the module.
pub fn delete(key: impl AsRef<[u8]>) -> Result<bool, Error> {
    Ok(check(host::kv_delete(key.as_ref()))? == 1)
}

/// Adds to the number under a key, 0 when there is none, and returns the sum. The value
/// is decimal text, as [`get`] shows it.
///
/// # Errors
///
/// [`Error::Invalid`] for another value, and for a sum outside of i64.
pub fn add(key: impl AsRef<[u8]>, delta: i64) -> Result<i64, Error> {
    let mut sum = 0;
    check(host::kv_add(key.as_ref(), delta, &mut sum))?;
    Ok(sum)
}

/// Stores a value if the one there is `old`, and reports whether it did.
///
/// # Errors
///
/// See the module.
pub fn swap(key: impl AsRef<[u8]>, old: impl AsRef<[u8]>, new: impl AsRef<[u8]>) -> Result<bool, Error> {
    Ok(check(host::kv_swap(key.as_ref(), Some(old.as_ref()), new.as_ref()))? == 1)
}

/// Stores a value if there is no such key, and reports whether it did.
///
/// # Errors
///
/// See the module.
pub fn create(key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<bool, Error> {
    Ok(check(host::kv_swap(key.as_ref(), None, value.as_ref()))? == 1)
}

/// The keys that start with a prefix and come after another key, in the order of their
/// bytes. An empty `after` begins with the first. Keys that are written or deleted
/// meanwhile may or may not be seen. An error ends the iteration.
pub fn list(prefix: impl AsRef<[u8]>, after: impl AsRef<[u8]>) -> Keys {
    Keys { prefix: prefix.as_ref().to_vec(), after: after.as_ref().to_vec(), ended: false }
}

/// What [`list`] returns.
pub struct Keys {
    prefix: Vec<u8>,
    after: Vec<u8>,
    ended: bool,
}

impl Iterator for Keys {
    type Item = Result<Vec<u8>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        match fetch(|buf| host::kv_list(&self.prefix, &self.after, buf)) {
            Ok(key) => {
                self.after.clone_from(&key);
                Some(Ok(key))
            }
            Err(e) => {
                self.ended = true;
                (e != Error::Absent).then(|| Err(e))
            }
        }
    }
}
