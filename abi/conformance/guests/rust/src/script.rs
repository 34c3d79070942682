//! The commands of a script.

use wasmlane::{call, flush, json, kv, log, rand, CallRequest, CallResponse, Failure, Request, Response};

use crate::words::{decode, encode, failure, number_or, ok_or, option, result};
use crate::{FOUND, REMEMBERED};

/// A script at work.
pub struct Script<'a> {
    r: &'a mut Request,
    w: &'a mut Response,
    pub lines: Vec<String>,
    calls: Vec<CallResponse>,
}

/// How a script ends before its last command.
pub enum End {
    Answered,
    Failed(Failure),
}

/// The line of a command, if it gives one.
type Line = Result<Option<String>, End>;

/// A command that is none gives the line "?", which None stands for here.
struct Words<'a>(Vec<&'a [u8]>);

impl<'a> Words<'a> {
    fn bytes(&self, i: usize) -> Option<&'a [u8]> {
        self.0.get(i).copied()
    }

    fn text(&self, i: usize) -> Option<&'a str> {
        std::str::from_utf8(self.bytes(i)?).ok()
    }

    /// A word as text, whatever it is: what is no UTF-8 is replaced.
    fn lossy(&self, i: usize) -> Option<String> {
        Some(String::from_utf8_lossy(self.bytes(i)?).into_owned())
    }

    fn number<T: std::str::FromStr>(&self, i: usize) -> Option<T> {
        self.text(i)?.parse().ok()
    }
}

struct Pair<'a>(&'a str, &'a str);

impl json::ToJson for Pair<'_> {
    fn to_json(&self, out: &mut json::Writer) {
        out.object(|o| {
            o.field(self.0, self.1);
        });
    }
}

impl<'a> Script<'a> {
    pub fn new(r: &'a mut Request, w: &'a mut Response) -> Self {
        Script { r, w, lines: Vec::new(), calls: Vec::new() }
    }

    /// Carries out one command.
    pub fn command(&mut self, text: &str) -> Line {
        let malformed = || Ok(Some("?".into()));
        let decoded: Option<Vec<Vec<u8>>> = text.split(' ').map(decode).collect();
        let words = match &decoded {
            Some(words) => Words(words.iter().map(Vec::as_slice).collect()),
            None => return malformed(),
        };
        let ended = match words.text(0) {
            Some("json") => self.json(&words),
            Some("error") => words
                .number(1)
                .zip(words.lossy(2))
                .map(|(status, message)| End::Failed(wasmlane::error(status, message).into())),
            Some("fail") => words.lossy(1).map(|text| End::Failed(text.into())),
            Some("tell") => {
                log::info(self.lines.join(" "));
                return Ok(None);
            }
            Some(name) => {
                let line = self.line(name, &words);
                return line.map_or_else(malformed, |line| Ok(Some(line)));
            }
            None => None,
        };
        ended.map_or_else(malformed, Err)
    }

    fn json(&mut self, words: &Words<'_>) -> Option<End> {
        let (name, value) = (words.lossy(1)?, words.lossy(2)?);
        let pair = Pair(&name, &value);
        Some(self.w.json(200, &pair).map_or_else(End::Failed, |()| End::Answered))
    }

    fn line(&mut self, name: &str, words: &Words<'_>) -> Option<String> {
        Some(match name {
            "request" => self.request(words.text(1)?)?,
            "param" => option(self.r.param_bytes(words.text(1)?)),
            "query" => option(self.r.query_bytes(words.text(1)?, words.number(2)?)),
            "header" => option(self.r.header_bytes(words.text(1)?, words.number(2)?)),
            "header_name" => option(self.r.header_names().nth(words.number(1)?).map(String::into_bytes)),
            "body_size" => self.r.body_size().map_or_else(|| "-1".into(), |n| n.to_string()),
            "body" => result(self.r.body()),
            "body_part" => part(words.number(1)?, |buf| self.r.read(buf)),

            "status" => {
                self.w.status(words.number(1)?);
                "ok".into()
            }
            "set_header" => ok_or(self.w.set_header(words.text(1)?, words.bytes(2)?)),
            "add_header" => ok_or(self.w.add_header(words.text(1)?, words.bytes(2)?)),
            "write" => ok_or(self.w.write(words.bytes(1)?)),
            "flush" => ok_or(flush(self.w)),
            "drip" => self.drip(words.number(1)?, words.bytes(2)?),

            "log" => {
                let text = words.bytes(2)?;
                match words.text(1)? {
                    "debug" => log::debug(text),
                    "info" => log::info(text),
                    "warn" => log::warn(text),
                    "error" => log::error(text),
                    _ => return None,
                }
                "ok".into()
            }
            "config" => option(wasmlane::config(words.text(1)?).map(String::into_bytes)),
            "random" => rand::next().to_string(),

            "kv_get" => result(kv::get(words.bytes(1)?)),
            "kv_set" => ok_or(kv::set(words.bytes(1)?, words.bytes(2)?)),
            "kv_delete" => number_or(kv::delete(words.bytes(1)?).map(i32::from)),
            "kv_add" => number_or(kv::add(words.bytes(1)?, words.number(2)?)),
            "kv_swap" => {
                number_or(kv::swap(words.bytes(1)?, words.bytes(2)?, words.bytes(3)?).map(i32::from))
            }
            "kv_create" => number_or(kv::create(words.bytes(1)?, words.bytes(2)?).map(i32::from)),
            "kv_list" => {
                let next = kv::list(words.bytes(1)?, words.bytes(2)?).next();
                next.map_or_else(|| option(None), result)
            }
            "kv_keys" => keys(words.bytes(1)?),

            "trap" => panic!("the script says so"),
            "spin" => loop {
                std::hint::spin_loop();
            },
            "remember" => {
                *REMEMBERED.lock().unwrap() = words.text(1)?.into();
                "ok".into()
            }
            "recall" => encode(REMEMBERED.lock().unwrap().as_bytes()),
            "init" => {
                let name = words.text(1)?;
                FOUND.lock().unwrap().iter().find(|(n, _)| *n == name)?.1.clone()
            }

            "call" => self.call(words)?,
            "call_status" => self.slot(words)?.status().to_string(),
            "call_header" => {
                let (name, index) = (words.text(2)?, words.number(3)?);
                option(self.slot(words)?.header_bytes(name, index))
            }
            "call_body" => result(self.slot(words)?.body()),
            "call_part" => {
                let size = words.number(2)?;
                let answer = self.slot(words)?;
                part(size, |buf| answer.read(buf))
            }
            "call_close" => {
                self.slot(words)?.close();
                "ok".into()
            }
            _ => return None,
        })
    }

    fn request(&self, field: &str) -> Option<String> {
        let r = &self.r;
        if field == "path" {
            return Some(encode(&r.path_bytes()));
        }
        let value = match field {
            "method" => r.method(),
            "query" => r.raw_query(),
            "target" => r.target(),
            "host" => r.host(),
            "scheme" => r.scheme(),
            "remote_addr" => r.remote_addr(),
            "protocol" => r.protocol(),
            "route" => r.route(),
            "request_id" => r.id(),
            _ => return None,
        };
        Some(encode(value.as_bytes()))
    }

    fn drip(&mut self, rounds: u32, text: &[u8]) -> String {
        for _ in 0..rounds {
            if let Err(e) = self.w.write(text).and_then(|()| flush(self.w)) {
                return failure(e);
            }
        }
        rounds.to_string()
    }

    fn call(&mut self, words: &Words<'_>) -> Option<String> {
        let mut request = CallRequest::new(words.text(2)?, words.text(3)?).body(words.bytes(4)?);
        let headers = words.0.get(5..)?;
        if headers.len() % 2 != 0 {
            return None;
        }
        for pair in headers.chunks(2) {
            request = request.header(std::str::from_utf8(pair[0]).ok()?, pair[1]);
        }
        Some(match call(words.text(1)?, &request) {
            Ok(answer) => {
                self.calls.push(answer);
                (self.calls.len() - 1).to_string()
            }
            Err(e) => failure(e),
        })
    }

    fn slot(&mut self, words: &Words<'_>) -> Option<&mut CallResponse> {
        self.calls.get_mut(words.number::<usize>(1)?)
    }
}

/// What one read of up to n bytes gives.
fn part(n: usize, read: impl FnOnce(&mut [u8]) -> Result<usize, wasmlane::Error>) -> String {
    let mut buf = vec![0; n];
    result(read(&mut buf).map(|n| buf[..n].to_vec()))
}

fn keys(prefix: &[u8]) -> String {
    let mut keys = Vec::new();
    for key in kv::list(prefix, "") {
        match key {
            Ok(key) => keys.push(encode(&key)),
            Err(e) => return failure(e),
        }
    }
    if keys.is_empty() {
        return "none".into();
    }
    keys.join(" ")
}
