use crate::{log, random, Code, Error, Level, Request, Response};
use alloc::string::{String, ToString};
use core::fmt::Write;

/// Exports handlers: the name that host.toml uses, and the function.
///
/// ```
/// # use wasmlane::{Error, Request, Response};
/// fn get(w: &mut Response, _: &mut Request) -> Result<(), Error> {
///     w.no_content();
///     Ok(())
/// }
/// wasmlane::handlers! {
///     get_user => get,
/// }
/// ```
#[macro_export]
macro_rules! handlers {
    ($($name:ident => $handler:path),* $(,)?) => { $(
        const _: () = {
            #[cfg(target_arch = "wasm32")]
            #[export_name = stringify!($name)]
            extern "C" fn exported() {
                $crate::handle($handler)
            }
            #[cfg(not(target_arch = "wasm32"))]
            const _: fn() = || $crate::handle($handler);
        };
    )* };
}

/// Exports the function that runs once, before any request, as `wasmlane_init`.
/// There is no request then: it may log, read the configuration and read the store.
///
/// ```
/// fn prepare() { wasmlane::log(wasmlane::Level::Info, "ready"); }
/// wasmlane::init!(prepare);
/// ```
#[macro_export]
macro_rules! init {
    ($function:path) => {
        const _: () = {
            #[cfg(target_arch = "wasm32")]
            #[export_name = "wasmlane_init"]
            extern "C" fn exported() {
                $crate::initialize($function)
            }
            #[cfg(not(target_arch = "wasm32"))]
            const _: fn() = || $crate::initialize($function);
        };
    };
}

/// Runs a handler for the request that the host is calling about. [`handlers!`]
/// makes exports of it.
///
/// An error becomes the answer: [`Error::Http`] gives its status and message, any
/// other a 500 whose text goes to the log and not to the client. After the body
/// has begun an error is a panic, lest a client take half an answer for a whole
/// one. A panic is logged with its place, and the host answers 500.
pub fn handle<E: Into<Error>>(handler: fn(&mut Response, &mut Request) -> Result<(), E>) {
    log_panics();
    random::forget();
    let (mut w, mut r) = (Response::new(), Request::new());
    if let Err(err) = handler(&mut w, &mut r) {
        fail(&mut w, &r, err.into());
    }
}

/// Runs the initialiser; [`init!`] makes an export of it.
pub fn initialize(function: fn()) {
    log_panics();
    function();
    random::forget();
}

fn fail(w: &mut Response, r: &Request, err: Error) {
    if w.refused {
        // The host knows already: it answers 500 for a body over max_response, and
        // nobody listens in the other cases.
        if !matches!(&err, Error::Host(e) if e.code == Code::Closed) {
            log(Level::Error, err.to_string());
        }
        return;
    }
    if w.begun {
        // Part of the body is out. Only a trap makes the host drop it, or cut the
        // connection if it has been sent.
        panic!("wasmlane: the handler failed after it had begun the body: {}", err);
    }
    let (status, message) = match &err {
        Error::Http { status, message } => (*status, message.as_str()),
        // Another host may have what this one lacks.
        Error::Host(e) if e.code == Code::Unavailable => (503, "unavailable; try again later"),
        Error::Host(e) if e.code == Code::Timeout => (504, "the handler did not answer in time"),
        _ => (500, "internal error"),
    };
    if status >= 500 {
        log(Level::Error, err.to_string());
    }
    let mut body = String::from("{\"error\": ");
    quote(&mut body, message);
    body.push_str(", \"request_id\": ");
    quote(&mut body, &r.id());
    body.push_str("}\n");
    // Should the host refuse it there is nothing left to do.
    let _ = w.send(status, "application/json", body.as_bytes());
}

/// Appends a JSON string as all SDKs do in errors.
fn quote(out: &mut String, s: &str) {
    out.push('"');
    for c in s.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c < ' ' || c == '\x7f' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Without this a panic is silent where there is no stderr.
#[cfg(all(target_arch = "wasm32", feature = "std"))]
fn log_panics() {
    std::panic::set_hook(std::boxed::Box::new(|info| {
        let message = match (info.payload().downcast_ref::<&str>(), info.payload().downcast_ref::<String>()) {
            (Some(text), _) => text,
            (_, Some(text)) => text.as_str(),
            _ => "a value that is no text",
        };
        let mut text = String::from("panic");
        if let Some(at) = info.location() {
            let _ = write!(text, " at {}:{}:{}", at.file(), at.line(), at.column());
        }
        let _ = write!(text, ": {}", message);
        log(Level::Error, text);
    }));
}

#[cfg(not(all(target_arch = "wasm32", feature = "std")))]
fn log_panics() {}
