//! Functions of the host that yield bytes answer how long the value is, and write it
//! when it fits.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use crate::error::{check, Error};

/// How much room there is at the first try: enough for nearly every value.
const FIRST: usize = 256;

/// Returns a value, however long it is.
pub(crate) fn fetch(mut get: impl FnMut(&mut [u8]) -> i32) -> Result<Vec<u8>, Error> {
    let mut first = [0; FIRST];
    let n = check(get(&mut first))? as usize;
    if n <= FIRST {
        return Ok(first[..n].to_vec());
    }
    let mut buf = vec![0; n];
    loop {
        let n = check(get(&mut buf))? as usize;
        if n <= buf.len() {
            buf.truncate(n);
            return Ok(buf);
        }
        buf.resize(n, 0); // it has grown since
    }
}

/// Returns a value, or None for any error.
pub(crate) fn optional(get: impl FnMut(&mut [u8]) -> i32) -> Option<Vec<u8>> {
    fetch(get).ok()
}

/// Bytes as text, with what is no UTF-8 replaced.
pub(crate) fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}

/// Reads to the end of a body whose size may be known.
pub(crate) fn read_all(
    size: Option<usize>,
    mut read: impl FnMut(&mut [u8]) -> i32,
) -> Result<Vec<u8>, Error> {
    let mut all = Vec::new();
    let mut room = size.unwrap_or(1024).max(64);
    loop {
        let start = all.len();
        all.resize(start + room, 0);
        let n = match check(read(&mut all[start..])) {
            Ok(n) => n as usize,
            Err(e) => return Err(e),
        };
        all.truncate(start + n);
        if n == 0 || size == Some(all.len()) {
            return Ok(all);
        }
        room = all.len().max(1024);
    }
}
