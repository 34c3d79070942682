//! The plugin's part of the store, which host.toml grants with `store = "NAME"`.
//!
//! Each operation is atomic and a write returns when it is durable. Keys have 1 to
//! 1024 bytes, else `Invalid`; values up to 1 MiB, else `TooLarge`. While the plugin
//! initialises, reads see the store at that moment and writes are `Denied`.
//!
//! ```
//! use wasmlane::{kv, testing::Host, Error};
//! let answer = Host::new().run(|w, _| {
//!     kv::set("greeting", "hello")?;
//!     w.write(kv::get("greeting")?.unwrap_or_default())?;
//!     Ok::<(), Error>(())
//! });
//! assert_eq!(answer.text(), "hello");
//! ```
use crate::error::check;
use crate::{fetch, imports, AbiError, Code};
use alloc::vec::Vec;

fn optional(function: &'static str, key: &[u8], got: Result<Vec<u8>, i32>) -> Result<Option<Vec<u8>>, AbiError> {
    match got.map_err(|code| check(function, key, code).unwrap_err()) {
        Ok(value) => Ok(Some(value)),
        Err(err) if err.code == Code::Absent => Ok(None),
        Err(err) => Err(err),
    }
}

/// The value of a key, or `None` when there is none.
pub fn get(key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, AbiError> {
    let key = key.as_ref();
    optional("kv_get", key, fetch(|buf| imports::kv_get(key, buf)))
}

/// Stores a value.
pub fn set(key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), AbiError> {
    let key = key.as_ref();
    check("kv_set", key, imports::kv_set(key, value.as_ref())).map(drop)
}

/// Removes a key and says whether it was there.
pub fn delete(key: impl AsRef<[u8]>) -> Result<bool, AbiError> {
    let key = key.as_ref();
    check("kv_delete", key, imports::kv_delete(key)).map(|n| n == 1)
}

/// Adds to the number under a key, 0 when there is none, and returns the sum. A
/// value that is no decimal number, and an overflow, is `Invalid`.
pub fn add(key: impl AsRef<[u8]>, delta: i64) -> Result<i64, AbiError> {
    let (key, mut sum) = (key.as_ref(), 0);
    check("kv_add", key, imports::kv_add(key, delta, &mut sum)).map(|_| sum)
}

/// Stores a value if the value there is `old`, and says whether it did.
pub fn swap(key: impl AsRef<[u8]>, old: impl AsRef<[u8]>, new: impl AsRef<[u8]>) -> Result<bool, AbiError> {
    let key = key.as_ref();
    check("kv_swap", key, imports::kv_swap(key, Some(old.as_ref()), new.as_ref())).map(|n| n == 1)
}

/// Stores a value if there is no such key, and says whether it did.
pub fn create(key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<bool, AbiError> {
    let key = key.as_ref();
    check("kv_swap", key, imports::kv_swap(key, None, value.as_ref())).map(|n| n == 1)
}

/// The first key that begins with `prefix` and comes after `after`, or `None`.
pub fn next(prefix: impl AsRef<[u8]>, after: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, AbiError> {
    let prefix = prefix.as_ref();
    optional("kv_list", prefix, fetch(|buf| imports::kv_list(prefix, after.as_ref(), buf)))
}

/// The keys that begin with `prefix` and come after `after`, in the order of their
/// bytes. Keys that are written or deleted meanwhile may or may not be seen. After
/// an error there is nothing more.
pub fn list(prefix: impl AsRef<[u8]>, after: impl AsRef<[u8]>) -> List {
    List { prefix: prefix.as_ref().into(), after: after.as_ref().into(), done: false }
}

/// The iterator that [`list`] returns.
pub struct List {
    prefix: Vec<u8>,
    after: Vec<u8>,
    done: bool,
}

impl Iterator for List {
    type Item = Result<Vec<u8>, AbiError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let found = next(&self.prefix, &self.after).transpose();
        match &found {
            Some(Ok(key)) => self.after = key.clone(),
            _ => self.done = true,
        }
        found
    }
}
