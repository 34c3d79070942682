use alloc::string::String;

use crate::error::{Error, Failure, Kind};
use crate::fetch::{optional, text};
use crate::json::Writer;
use crate::response::TYPE_JSON;
use crate::{host, log, rand, runtime, Request, Response, Result};

/// Exports functions as handlers: `handlers! { get_user => handlers::get, … }`. The name
/// on the left is the one that host.toml uses; on the right is a function
/// `fn(&mut Request, &mut Response) -> Result`.
#[macro_export]
macro_rules! handlers {
    ($($name:ident => $function:path),+ $(,)?) => {
        $(const _: () = {
            // Only there: on other targets a test would export names such as "read".
            #[cfg_attr(target_arch = "wasm32", export_name = stringify!($name))]
            pub extern "C" fn handler() {
                $crate::handle($function)
            }
        };)+
    };
}

/// Has a function run once while the plugin initialises: `initialiser! { prepare }`. What
/// it leaves in memory is what every request starts from. It may log and read config and
/// kv; there is no request.
#[macro_export]
macro_rules! initialiser {
    ($function:path) => {
        const _: () = {
            #[cfg_attr(target_arch = "wasm32", export_name = "wasmlane_init")]
            pub extern "C" fn initialise() {
                $crate::initialise($function)
            }
        };
    };
}

/// Runs a handler for the request that the host is calling about. [`handlers!`] makes
/// exports that consist of it.
///
/// After the body has begun an error is a panic, lest a client take half an answer for a
/// whole one. A panic is logged with its place, and the host answers 500.
pub fn handle(h: fn(&mut Request, &mut Response) -> Result) {
    runtime::begin();
    rand::forget();
    let mut w = Response { begun: false, refused: false };
    if let Err(failure) = h(&mut Request { _private: () }, &mut w) {
        fail(&mut w, &failure);
    }
}

/// Runs an initialiser. [`initialiser!`] makes an export of it.
pub fn initialise(f: fn()) {
    runtime::begin();
    f();
    rand::forget();
}

/// Answers with an error, when there is still a way to.
fn fail(w: &mut Response, failure: &Failure) {
    if w.refused {
        // The host knows already: it answers 500 for a body over max_response, and
        // nobody listens in the other cases.
        if failure.host() != Some(Error::Closed) {
            log::error(failure.text());
        }
        return;
    }
    if w.begun {
        // Part of the body is out. Only a trap makes the host drop it, or cut the
        // connection if it has been sent.
        panic!("the handler failed after it had begun the body: {}", failure.text());
    }
    let (status, message) = match &failure.0 {
        Kind::Http(e) => (e.status, e.message.as_ref()),
        _ => (500, "internal error"),
    };
    if status >= 500 {
        log::error(failure.text());
    }
    let id = Request { _private: () }.id();
    let mut body = Writer::new();
    body.raw("{\"error\": ").message(message).raw(", \"request_id\": ").message(&id).raw("}\n");
    // A refusal here leaves nothing to be said.
    let _ = w.begin(status, TYPE_JSON);
    let _ = w.write(body.into_bytes());
}

/// A value of `[plugin.NAME.config]` in host.toml. It works while the plugin initialises,
/// too.
pub fn config(key: &str) -> Option<String> {
    optional(|buf| host::config(key.as_bytes(), buf)).map(text)
}
