//! Runs handlers natively, with a host in memory, for `cargo test`.
//!
//! ```
//! use wasmlane::{testing, Request, Response, Result};
//!
//! fn hello(r: &mut Request, w: &mut Response) -> Result {
//!     w.text(200, &format!("Hello, {}!\n", r.param("name").unwrap_or_default()))
//! }
//!
//! let answer = testing::get("/hello/Ada").param("name", "Ada").run(hello);
//! assert_eq!((answer.status, answer.text().as_str()), (200, "Hello, Ada!\n"));
//! ```
//!
//! Each thread has a host of its own, with a store that keeps what requests write until
//! [`reset`].

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::string::String;
use std::vec::Vec;

use crate::{Request, Response, Result};

/// A header line.
type Header = (String, Vec<u8>);

/// A request to run a handler for.
#[derive(Clone, Default)]
pub struct Call {
    fields: [String; 10],
    params: Vec<(String, Vec<u8>)>,
    headers: Vec<Header>,
    body: Vec<u8>,
}

/// What a handler has answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers that the handler has set, in order, with their names as they were given.
    pub headers: Vec<Header>,
    /// The body.
    pub body: Vec<u8>,
    /// The log lines, with their levels from 0 for debug to 3 for error.
    pub log: Vec<(u32, String)>,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The first value of a header, in any case, or "".
    pub fn header(&self, name: &str) -> String {
        let found = self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map_or_else(String::new, |(_, v)| String::from_utf8_lossy(v).into_owned())
    }
}

/// A GET request for a target.
pub fn get(target: &str) -> Call {
    request("GET", target)
}

/// A POST request with a body.
pub fn post(target: &str, body: impl AsRef<[u8]>) -> Call {
    request("POST", target).body(body)
}

/// A request with any method.
pub fn request(method: &str, target: &str) -> Call {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let fields = [method, path, query, target, "localhost", "http", "127.0.0.1", "HTTP/1.1", path, "test"];
    Call { fields: fields.map(String::from), ..Call::default() }
}

impl Call {
    /// Sets a `{name}` of the route.
    #[must_use]
    pub fn param(mut self, name: &str, value: impl AsRef<[u8]>) -> Call {
        self.params.push((name.into(), value.as_ref().to_vec()));
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Call {
        self.headers.push((name.to_ascii_lowercase(), value.as_ref().to_vec()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl AsRef<[u8]>) -> Call {
        self.body = body.as_ref().to_vec();
        self
    }

    /// Runs a handler.
    ///
    /// # Panics
    ///
    /// When the handler does.
    pub fn run(self, handler: fn(&mut Request, &mut Response) -> Result) -> Answer {
        HOST.with(|h| {
            let mut h = h.borrow_mut();
            h.read = 0;
            h.request = self;
            h.answer = Answer { status: 200, ..Answer::default() };
        });
        crate::handle(handler);
        HOST.with(|h| std::mem::take(&mut h.borrow_mut().answer))
    }
}

/// Answers the calls that handlers make to a service, in place of the host: it gets the
/// target, the head as text and the body, and returns status and body, or the error.
pub type Service =
    fn(target: &str, head: &str, body: &[u8]) -> std::result::Result<(u16, Vec<u8>), crate::Error>;

/// Sets what calls are answered with. Without it they are DENIED.
pub fn serve(service: Service) {
    HOST.with(|h| h.borrow_mut().service = Some(service));
}

/// Sets a value of `[plugin.NAME.config]`.
pub fn configure(key: &str, value: &str) {
    HOST.with(|h| h.borrow_mut().config.insert(key.into(), value.into()));
}

/// Forgets the store, the configuration and the service.
pub fn reset() {
    HOST.with(|h| *h.borrow_mut() = Memory::default());
}

thread_local! {
    static HOST: RefCell<Memory> = RefCell::default();
}

#[derive(Default)]
struct Memory {
    request: Call,
    read: usize,
    answer: Answer,
    store: BTreeMap<Vec<u8>, Vec<u8>>,
    config: BTreeMap<String, String>,
    service: Option<Service>,
    calls: Vec<Option<(u16, Vec<u8>, usize)>>,
    seed: u64,
}

/// The functions of the ABI.
pub(crate) mod host {
    use super::{Memory, HOST};
    use std::vec::Vec;

    const ABSENT: i32 = -1;
    const INVALID: i32 = -2;
    const DENIED: i32 = -3;
    const TOO_LARGE: i32 = -6;
    const MAX_KEY: usize = 1024;
    const MAX_VALUE: usize = 1 << 20;

    fn with<T>(f: impl FnOnce(&mut Memory) -> T) -> T {
        HOST.with(|h| f(&mut h.borrow_mut()))
    }

    fn give(value: Option<&[u8]>, buf: &mut [u8]) -> i32 {
        value.map_or(ABSENT, |v| {
            if let Some(room) = buf.get_mut(..v.len()) {
                room.copy_from_slice(v);
            }
            v.len() as i32
        })
    }

    fn read(from: &[u8], at: &mut usize, buf: &mut [u8]) -> i32 {
        let rest = &from[*at..];
        let n = rest.len().min(buf.len());
        buf[..n].copy_from_slice(&rest[..n]);
        *at += n;
        n as i32
    }

    pub fn request(field: u32, buf: &mut [u8]) -> i32 {
        with(|h| h.request.fields.get(field as usize).map_or(INVALID, |f| give(Some(f.as_bytes()), buf)))
    }

    pub fn param(name: &[u8], buf: &mut [u8]) -> i32 {
        with(|h| {
            give(h.request.params.iter().find(|(n, _)| n.as_bytes() == name).map(|(_, v)| v.as_slice()), buf)
        })
    }

    /// Decodes as forms are: `+` is a space.
    fn form(text: &str) -> Vec<u8> {
        let hex = |c: Option<&u8>| c.and_then(|c| char::from(*c).to_digit(16));
        let (b, mut out, mut i) = (text.as_bytes(), Vec::new(), 0);
        while i < b.len() {
            match (b[i], hex(b.get(i + 1)), hex(b.get(i + 2))) {
                (b'%', Some(hi), Some(lo)) => {
                    out.push((hi << 4 | lo) as u8);
                    i += 2;
                }
                (b'+', ..) => out.push(b' '),
                (c, ..) => out.push(c),
            }
            i += 1;
        }
        out
    }

    pub fn query(name: &[u8], index: u32, buf: &mut [u8]) -> i32 {
        with(|h| {
            let pairs = h.request.fields[2].split('&').filter(|p| !p.is_empty());
            let mut values =
                pairs.map(|p| p.split_once('=').unwrap_or((p, ""))).filter(|(n, _)| form(n) == name);
            give(values.nth(index as usize).map(|(_, v)| form(v)).as_deref(), buf)
        })
    }

    pub fn header(name: &[u8], index: u32, buf: &mut [u8]) -> i32 {
        with(|h| {
            let mut values =
                h.request.headers.iter().filter(|(n, _)| n.as_bytes().eq_ignore_ascii_case(name));
            give(values.nth(index as usize).map(|(_, v)| v.as_slice()), buf)
        })
    }

    pub fn header_name(index: u32, buf: &mut [u8]) -> i32 {
        with(|h| {
            let mut names = Vec::new();
            for (name, _) in &h.request.headers {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            give(names.get(index as usize).map(|n| n.as_bytes()), buf)
        })
    }

    pub fn body_size() -> i64 {
        with(|h| h.request.body.len() as i64)
    }

    pub fn body(buf: &mut [u8]) -> i32 {
        with(|h| read(&h.request.body, &mut h.read, buf))
    }

    pub fn status(code: u32) {
        assert!((200..600).contains(&code), "status {code} is not between 200 and 599");
        with(|h| h.answer.status = code as u16);
    }

    fn change(name: &[u8], value: &[u8], replace: bool) -> i32 {
        let token = |c: &u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(c);
        let hosts = [
            "content-length",
            "date",
            "server",
            "connection",
            "transfer-encoding",
            "keep-alive",
            "upgrade",
            "te",
            "trailer",
        ];
        let text = std::string::String::from_utf8_lossy(name).into_owned();
        let control = |c: &u8| (*c < b' ' && *c != b'\t') || *c == 0x7f;
        if name.is_empty()
            || !name.iter().all(token)
            || value.iter().any(control)
            || hosts.contains(&text.to_ascii_lowercase().as_str())
        {
            return INVALID;
        }
        with(|h| {
            if replace {
                h.answer.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(&text));
            }
            h.answer.headers.push((text, value.to_vec()));
        });
        0
    }

    pub fn set_header(name: &[u8], value: &[u8]) -> i32 {
        change(name, value, true)
    }

    pub fn add_header(name: &[u8], value: &[u8]) -> i32 {
        change(name, value, false)
    }

    pub fn write(b: &[u8]) -> i32 {
        with(|h| h.answer.body.extend_from_slice(b));
        0
    }

    pub fn flush() -> i32 {
        0
    }

    pub fn log(level: u32, text: &[u8]) {
        let text = std::string::String::from_utf8_lossy(text).into_owned();
        with(|h| h.answer.log.push((level, text)));
    }

    pub fn config(key: &[u8], buf: &mut [u8]) -> i32 {
        with(|h| give(std::str::from_utf8(key).ok().and_then(|k| h.config.get(k)).map(|v| v.as_bytes()), buf))
    }

    /// Refuses keys and values that the host would.
    fn refused(key: &[u8], value: &[u8]) -> Option<i32> {
        match (key.len(), value.len()) {
            (0, _) => Some(INVALID),
            (n, _) if n > MAX_KEY => Some(INVALID),
            (_, n) if n > MAX_VALUE => Some(TOO_LARGE),
            _ => None,
        }
    }

    pub fn kv_get(key: &[u8], buf: &mut [u8]) -> i32 {
        refused(key, &[]).unwrap_or_else(|| with(|h| give(h.store.get(key).map(Vec::as_slice), buf)))
    }

    pub fn kv_set(key: &[u8], value: &[u8]) -> i32 {
        refused(key, value).unwrap_or_else(|| {
            with(|h| h.store.insert(key.to_vec(), value.to_vec()));
            0
        })
    }

    pub fn kv_delete(key: &[u8]) -> i32 {
        refused(key, &[]).unwrap_or_else(|| with(|h| h.store.remove(key).is_some().into()))
    }

    pub fn kv_add(key: &[u8], delta: i64, result: &mut i64) -> i32 {
        if let Some(code) = refused(key, &[]) {
            return code;
        }
        with(|h| {
            let have = h.store.get(key).map_or(Some(0), |v| std::str::from_utf8(v).ok()?.parse::<i64>().ok());
            match have.and_then(|n| n.checked_add(delta)) {
                Some(sum) => {
                    h.store.insert(key.to_vec(), std::format!("{sum}").into_bytes());
                    *result = sum;
                    0
                }
                None => INVALID,
            }
        })
    }

    pub fn kv_swap(key: &[u8], old: Option<&[u8]>, new: &[u8]) -> i32 {
        refused(key, new).unwrap_or_else(|| {
            with(|h| {
                let same = h.store.get(key).map(Vec::as_slice) == old;
                if same {
                    h.store.insert(key.to_vec(), new.to_vec());
                }
                same.into()
            })
        })
    }

    pub fn kv_list(prefix: &[u8], after: &[u8], buf: &mut [u8]) -> i32 {
        with(|h| {
            give(
                h.store.keys().find(|k| k.starts_with(prefix) && k.as_slice() > after).map(Vec::as_slice),
                buf,
            )
        })
    }

    pub fn call(target: &[u8], head: &[u8], body: &[u8]) -> i32 {
        let service = match with(|h| h.service) {
            Some(service) => service,
            None => return DENIED,
        };
        let text = |b| std::string::String::from_utf8_lossy(b).into_owned();
        match service(&text(target), &text(head), body) {
            Ok((status, body)) => with(|h| {
                h.calls.push(Some((status, body, 0)));
                h.calls.len() as i32 - 1
            }),
            Err(e) => match e {
                crate::Error::Absent => ABSENT,
                crate::Error::Invalid => INVALID,
                crate::Error::Denied => DENIED,
                crate::Error::Timeout => -4,
                crate::Error::Unavailable => -5,
                crate::Error::TooLarge => TOO_LARGE,
                _ => -7,
            },
        }
    }

    fn answer<'a>(h: &'a mut Memory, handle: i32) -> Option<&'a mut (u16, Vec<u8>, usize)> {
        h.calls.get_mut(usize::try_from(handle).ok()?)?.as_mut()
    }

    pub fn call_status(handle: i32) -> i32 {
        with(|h| answer(h, handle).map_or(INVALID, |a| a.0.into()))
    }

    pub fn call_header(_handle: i32, _name: &[u8], _index: u32, _buf: &mut [u8]) -> i32 {
        ABSENT
    }

    pub fn call_body(handle: i32, buf: &mut [u8]) -> i32 {
        with(|h| answer(h, handle).map_or(INVALID, |(_, body, at)| read(body, at, buf)))
    }

    pub fn call_close(handle: i32) {
        with(|h| {
            if let Some(slot) = usize::try_from(handle).ok().and_then(|i| h.calls.get_mut(i)) {
                *slot = None;
            }
        });
    }

    /// Another seed each time, and the same ones in each run of the tests.
    pub fn random(buf: &mut [u8; 8]) {
        let seed = with(|h| {
            h.seed = h.seed.wrapping_add(0x2545_f491_4f6c_dd1d);
            h.seed
        });
        *buf = seed.to_le_bytes();
    }
}
