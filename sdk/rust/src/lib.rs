//! For writing Wasmlane plugins in Rust. This is a whole one:
//!
//! ```
//! use wasmlane::{handlers, kv, Request, Response, Result};
//!
//! handlers! { greet => handle_greet }
//!
//! fn handle_greet(r: &mut Request, w: &mut Response) -> Result {
//!     let visits = kv::add("visits", 1)?;
//!     let name = r.param("name").unwrap_or_else(|| "you".into());
//!     w.text(200, &format!("Hello {name}, visit {visits}\n"))
//! }
//! ```
//!
//! Build it as a `cdylib` for `wasm32-unknown-unknown` or `wasm32-wasi`; the file is
//! the plugin. A handler that returns an error has it answered: an [`HttpError`] gives
//! its status and message, any other error is a 500 whose text goes to the log and not
//! to the client.
//!
//! Every request starts from the memory as it was after initialisation, so state lives
//! in [`kv`], never in a static variable, and random numbers come from [`rand`].
//!
//! On any other target than WebAssembly the host is one in memory, see [`testing`]: so
//! handlers are tested by `cargo test`.

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;

mod call;
mod error;
mod fetch;
mod handler;
mod host;
pub mod json;
pub mod kv;
pub mod log;
pub mod rand;
mod request;
mod response;
mod runtime;
#[cfg(all(not(target_arch = "wasm32"), feature = "std"))]
pub mod testing;

pub use call::{call, CallRequest, CallResponse};
pub use error::{error, Error, Failure, HttpError};
pub use handler::{config, handle, initialise};
pub use request::Request;
pub use response::{flush, Response};

/// What a handler returns.
pub type Result<T = (), E = Failure> = core::result::Result<T, E>;
