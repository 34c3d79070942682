//! The conformance plugin in Rust: it does what abi/conformance/README.md describes,
//! through the public interface of the crate.

mod script;
mod words;

use std::sync::Mutex;

use wasmlane::{handlers, initialiser, kv, log, Request, Response, Result};

use script::{End, Script};
use words::{ok_or, option, result};

handlers! { run => run_script }
initialiser! { prepare }

/// What the initialiser found, by the name that the command init has for it.
static FOUND: Mutex<Vec<(&str, String)>> = Mutex::new(Vec::new());

/// The word of the command remember. It is gone with the request.
static REMEMBERED: Mutex<String> = Mutex::new(String::new());

fn prepare() {
    log::info("conformance: init");
    *FOUND.lock().unwrap() = vec![
        ("config", option(wasmlane::config("greeting").map(String::into_bytes))),
        ("absent", option(wasmlane::config("nothing").map(String::into_bytes))),
        ("get", result(kv::get("seed"))),
        ("set", ok_or(kv::set("seed", "changed"))),
    ];
}

fn run_script(r: &mut Request, w: &mut Response) -> Result {
    let text = r.header("script").unwrap_or_default();
    let mut script = Script::new(r, w);
    for command in text.split(';') {
        match script.command(command) {
            Ok(line) => script.lines.extend(line),
            Err(End::Answered) => return Ok(()),
            Err(End::Failed(failure)) => return Err(failure),
        }
    }
    let mut out = String::new();
    for line in &script.lines {
        out.push_str(line);
        out.push('\n');
    }
    if !out.is_empty() {
        w.write(out)?;
    }
    Ok(())
}
