//! The commands about the request, the response, the platform, the store and calls.
use crate::script::{done, error, number, optional, result, show};
use wasmlane::{kv, AbiError, CallRequest, CallResponse, Field, Level, Request, Response};

const FIELDS: [(&str, Field); 10] = [
    ("method", Field::Method),
    ("path", Field::Path),
    ("query", Field::Query),
    ("target", Field::Target),
    ("host", Field::Host),
    ("scheme", Field::Scheme),
    ("remote_addr", Field::RemoteAddr),
    ("protocol", Field::Protocol),
    ("route", Field::Route),
    ("request_id", Field::RequestId),
];

pub fn found(value: Result<Option<Vec<u8>>, AbiError>) -> String {
    result(value, optional)
}

fn one_or_zero(r: Result<bool, AbiError>) -> String {
    result(r, |b| (b as u8).to_string())
}

fn index(word: &[u8]) -> Option<u32> {
    number(word).map(|n| n as u32)
}

fn part(n: &[u8], read: impl FnOnce(&mut [u8]) -> Result<usize, AbiError>) -> Option<String> {
    let mut buf = vec![0; usize::try_from(number(n)?).ok()?];
    let got = read(&mut buf);
    Some(result(got, |n| show(&buf[..n])))
}

fn drip(w: &mut Response, rounds: i64, text: &[u8]) -> Result<i64, AbiError> {
    for _ in 0..rounds {
        w.write(text)?;
        wasmlane::flush(w)?;
    }
    Ok(rounds)
}

/// Carries a command out; `None` when it is none.
pub fn command(name: &str, words: &[&[u8]], w: &mut Response, r: &mut Request, calls: &mut Vec<CallResponse>) -> Option<String> {
    Some(match (name, words) {
        ("request", [name]) => show(&r.field(FIELDS.iter().find(|(n, _)| n.as_bytes() == *name)?.1)),
        ("param", [name]) => optional(r.param_bytes(name)),
        ("query", [name, i]) => optional(r.query_at(name, index(i)?)),
        ("header", [name, i]) => optional(r.header_at(name, index(i)?)),
        ("header_name", [i]) => optional(r.header_name(index(i)?)),
        ("body_size", []) => r.body_size().to_string(),
        ("body", []) => result(r.body(), |b| show(&b)),
        ("body_part", [n]) => part(n, |buf| r.read(buf))?,

        ("status", [code]) => {
            w.status(number(code)? as u16);
            "ok".into()
        }
        ("set_header", [name, value]) => done(w.set_header(name, value)),
        ("add_header", [name, value]) => done(w.add_header(name, value)),
        ("write", [text]) => done(w.write(text)),
        ("flush", []) => done(wasmlane::flush(w)),
        ("drip", [n, text]) => result(drip(w, number(n)?, text), |n| n.to_string()),

        ("log", [level, text]) => {
            let level = match *level {
                b"debug" => Level::Debug,
                b"info" => Level::Info,
                b"warn" => Level::Warn,
                b"error" => Level::Error,
                _ => return None,
            };
            wasmlane::log(level, text);
            "ok".into()
        }
        ("config", [key]) => optional(wasmlane::config(key).map(String::into_bytes)),
        ("random", []) => (wasmlane::random() >> 1).to_string(),

        ("kv_get", [key]) => found(kv::get(key)),
        ("kv_set", [key, value]) => done(kv::set(key, value)),
        ("kv_delete", [key]) => one_or_zero(kv::delete(key)),
        ("kv_add", [key, delta]) => result(kv::add(key, number(delta)?), |n| n.to_string()),
        ("kv_swap", [key, old, new]) => one_or_zero(kv::swap(key, old, new)),
        ("kv_create", [key, value]) => one_or_zero(kv::create(key, value)),
        ("kv_list", [prefix, after]) => found(kv::next(prefix, after)),
        ("kv_keys", [prefix]) => match kv::list(prefix, "").map(|key| key.map(|k| show(&k))).collect::<Result<Vec<_>, _>>() {
            Ok(keys) if keys.is_empty() => "none".into(),
            Ok(keys) => keys.join(" "),
            Err(err) => error(&err).into(),
        },

        ("call", [target, method, path, body, headers @ ..]) if headers.len() % 2 == 0 => {
            let headers: Vec<(&[u8], &[u8])> = headers.chunks(2).map(|h| (h[0], h[1])).collect();
            match wasmlane::call(target, &CallRequest { method, path, headers: &headers, body }) {
                Ok(answer) => {
                    calls.push(answer);
                    (calls.len() - 1).to_string()
                }
                Err(err) => error(&err).into(),
            }
        }
        (name, [slot, rest @ ..]) => {
            let answer = calls.get(usize::try_from(number(slot)?).ok()?)?;
            match (name, rest) {
                ("call_status", []) => result(answer.status(), |n| n.to_string()),
                ("call_header", [name, i]) => optional(answer.header_at(name, index(i)?)),
                ("call_body", []) => result(answer.body(), |b| show(&b)),
                ("call_part", [n]) => part(n, |buf| answer.read(buf))?,
                ("call_close", []) => {
                    answer.close();
                    "ok".into()
                }
                _ => return None,
            }
        }
        _ => return None,
    })
}
