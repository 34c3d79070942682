//! The conformance plugin in Rust: it does what abi/conformance/README.md
//! describes, through the public interface of the crate.

mod commands;
mod script;

use script::{done, optional, show};
use std::sync::Mutex;
use wasmlane::{kv, log, Error, Level, Request, Response};

static FOUND: Mutex<Vec<(&str, String)>> = Mutex::new(Vec::new());
static REMEMBERED: Mutex<Vec<u8>> = Mutex::new(Vec::new());

fn init() {
    log(Level::Info, "conformance: init");
    let config = |key| optional(wasmlane::config(key).map(String::into_bytes));
    *FOUND.lock().unwrap() = vec![
        ("config", config("greeting")),
        ("absent", config("nothing")),
        ("get", commands::found(kv::get("seed"))),
        ("set", done(kv::set("seed", "changed"))),
    ];
}

fn run(w: &mut Response, r: &mut Request) -> Result<(), Error> {
    let text = r.header_at("script", 0).unwrap_or_default();
    let mut calls = Vec::new();
    let mut lines = String::new();
    for command in text.split(|&c| c == b';') {
        let words: Vec<Vec<u8>> = command.split(|&c| c == b' ').map(script::decode).collect();
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        let name = std::str::from_utf8(words[0]).unwrap_or("");
        let line = match (name, &words[1..]) {
            ("tell", []) => {
                log(Level::Info, lines.trim_end().replace('\n', " "));
                continue;
            }
            ("remember", [word]) => {
                *REMEMBERED.lock().unwrap() = word.to_vec();
                Some("ok".into())
            }
            ("recall", []) => Some(show(&REMEMBERED.lock().unwrap())),
            ("init", [name]) => {
                let found = FOUND.lock().unwrap();
                found.iter().find(|(n, _)| n.as_bytes() == *name).map(|(_, line)| line.clone())
            }
            ("json", [name, value]) => {
                let mut json = wasmlane::json::Writer::new();
                json.open('{').key(&String::from_utf8_lossy(name)).text(&String::from_utf8_lossy(value)).close('}');
                w.json(200, &json)?;
                return Ok(());
            }
            ("error", [status, message]) if script::number(status).is_some() => {
                let status = script::number(status).unwrap_or(500) as u16;
                return Err(Error::http(status, String::from_utf8_lossy(message)));
            }
            ("fail", [text]) => return Err(Error::other(String::from_utf8_lossy(text))),
            ("trap", []) => panic!("trap"),
            ("spin", []) => loop {
                std::hint::spin_loop();
            },
            (name, words) => commands::command(name, words, w, r, &mut calls),
        };
        lines.push_str(&line.unwrap_or_else(|| "?".into()));
        lines.push('\n');
    }
    if !lines.is_empty() {
        w.write(lines)?;
    }
    Ok(())
}

wasmlane::init!(init);
wasmlane::handlers! { run => run }
