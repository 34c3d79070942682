//! Plugins for Wasmlane in Rust.
//!
//! ```
//! use wasmlane::{Error, Request, Response};
//!
//! fn hello(w: &mut Response, r: &mut Request) -> Result<(), Error> {
//!     let name = r.param("name").ok_or_else(|| Error::http(404, "who?"))?;
//!     w.text(200, &format!("Hello, {}!\n", name))?;
//!     Ok(())
//! }
//!
//! wasmlane::handlers! { hello => hello }
//!
//! let answer = wasmlane::testing::Host::new().param("name", "Ada").run(hello);
//! assert_eq!(answer.text(), "Hello, Ada!\n");
//! ```
//!
//! Memory is the snapshot taken after initialisation again for each request, so
//! that nothing a handler leaves behind is there in the next one.
#![cfg_attr(all(not(feature = "std"), target_arch = "wasm32"), no_std)]
#![deny(unsafe_code, missing_docs)]

extern crate alloc;

mod call;
mod error;
mod handler;
#[cfg(target_arch = "wasm32")]
mod imports;
pub mod json;
pub mod kv;
mod platform;
mod random;
mod request;
mod response;
#[cfg(all(target_arch = "wasm32", feature = "runtime", not(feature = "std")))]
mod runtime;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

#[cfg(not(target_arch = "wasm32"))]
use testing::imports;

pub use call::{call, CallRequest, CallResponse};
pub use error::{AbiError, Code, Error};
pub use handler::{handle, initialize};
pub use platform::{config, log, Level};
pub use random::{random, seed};
pub use request::{Field, Request};
pub use response::{flush, Response};

use alloc::vec::Vec;

/// Asks the host for bytes, again when they do not fit.
fn fetch(ask: impl Fn(&mut [u8]) -> i32) -> Result<Vec<u8>, i32> {
    let mut buf = alloc::vec![0; 256];
    loop {
        let n = ask(&mut buf);
        if n < 0 {
            return Err(n);
        }
        let n = n as usize;
        let fits = n <= buf.len();
        buf.resize(n, 0);
        if fits {
            return Ok(buf);
        }
    }
}

/// Reads on until the end.
fn read_all(size: i64, read: impl Fn(&mut [u8]) -> i32) -> Result<Vec<u8>, i32> {
    // One byte more than the size, so that the end is found without growing.
    let mut buf = alloc::vec![0; if size > 0 { size as usize + 1 } else { 4096 }];
    let mut n = 0;
    loop {
        if n == buf.len() {
            buf.resize(n * 2, 0);
        }
        let got = read(&mut buf[n..]);
        if got < 0 {
            return Err(got);
        }
        if got == 0 {
            buf.truncate(n);
            return Ok(buf);
        }
        n += got as usize;
    }
}
