//! Runs handlers natively, in `cargo test`, against a host in memory.
//!
//! ```
//! use wasmlane::{testing::Host, Error, Request, Response};
//! fn gone(_: &mut Response, _: &mut Request) -> Result<(), Error> {
//!     Err(Error::http(410, "gone"))
//! }
//! let answer = Host::new().run(gone);
//! assert_eq!(answer.status, 410);
//! assert_eq!(answer.text(), "{\"error\": \"gone\", \"request_id\": \"test\"}\n");
//! ```
//!
//! It knows the limits of the ABI's store but not host.toml: everything is granted,
//! nothing times out, and headers are not checked.
use crate::{handle, Error, Request, Response};
use std::cell::RefCell;
use std::collections::BTreeMap;

type Bytes = Vec<u8>;
type Pairs = Vec<(String, Bytes)>;
type Service = Box<dyn FnMut(&str, &str, &[u8]) -> (u16, Bytes)>;

/// A host with one request. The store stays from one [`Host::run`] to the next.
#[derive(Default)]
pub struct Host {
    fields: [String; 10],
    params: Pairs,
    queries: Pairs,
    headers: Pairs,
    body: Bytes,
    config: Pairs,
    /// The store.
    pub store: BTreeMap<Bytes, Bytes>,
    service: Option<Service>,
    read: usize,
    calls: Vec<(u16, Bytes, usize)>,
    answer: Answer,
}

/// What a handler has answered and logged.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The status
    pub status: u16,
    /// The headers that the handler has set, names in lower case
    pub headers: Vec<(String, String)>,
    /// The body
    pub body: Vec<u8>,
    /// The log: level and text
    pub log: Vec<(u32, String)>,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        lossy(&self.body)
    }

    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }
}

thread_local!(static HOST: RefCell<Host> = RefCell::new(Host::new()));

impl Host {
    /// A host with `GET /`, whose request id is "test".
    pub fn new() -> Host {
        let fields = ["GET", "/", "", "/", "localhost", "http", "127.0.0.1", "HTTP/1.1", "/", "test"].map(String::from);
        Host { fields, answer: Answer { status: 200, ..Answer::default() }, ..Host::default() }
    }

    /// Sets method and path, and forgets the request before.
    pub fn request(mut self, method: &str, path: &str) -> Host {
        let fresh = Host::new();
        self.fields = fresh.fields;
        self.fields[0] = method.into();
        self.fields[1] = path.into();
        self.fields[3] = path.into();
        self.params.clear();
        self.queries.clear();
        self.headers.clear();
        self.body.clear();
        self
    }

    /// Gives a `{name}` of the route its value.
    pub fn param(mut self, name: &str, value: &str) -> Host {
        self.params.push((name.into(), value.into()));
        self
    }

    /// Adds a query key.
    pub fn query(mut self, name: &str, value: &str) -> Host {
        self.queries.push((name.into(), value.into()));
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Host {
        self.headers.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl AsRef<[u8]>) -> Host {
        self.body = body.as_ref().into();
        self
    }

    /// Adds a value of the configuration.
    pub fn config(mut self, key: &str, value: &str) -> Host {
        self.config.push((key.into(), value.into()));
        self
    }

    /// Answers calls: from target, head and body to status and body.
    pub fn service(mut self, f: impl FnMut(&str, &str, &[u8]) -> (u16, Vec<u8>) + 'static) -> Host {
        self.service = Some(Box::new(f));
        self
    }

    /// Runs a handler and returns its answer. A panic in it is one of the test.
    pub fn run<E: Into<Error>>(&mut self, handler: fn(&mut Response, &mut Request) -> Result<(), E>) -> Answer {
        self.read = 0;
        self.calls.clear();
        self.answer = Answer { status: 200, ..Answer::default() };
        let before = HOST.with(|h| h.replace(std::mem::take(self)));
        handle(handler);
        *self = HOST.with(|h| h.replace(before));
        self.answer.clone()
    }
}

fn lossy(b: &[u8]) -> String {
    String::from_utf8_lossy(b).into_owned()
}

fn pick(all: &[(String, Bytes)], name: &[u8], index: u32) -> Option<Bytes> {
    all.iter().filter(|(n, _)| n.as_bytes() == name).nth(index as usize).map(|(_, v)| v.clone())
}

/// What `imports` is in a plugin.
pub(crate) mod imports {
    use super::*;

    fn with<T>(f: impl FnOnce(&mut Host) -> T) -> T {
        HOST.with(|h| f(&mut h.borrow_mut()))
    }

    fn give(value: Option<Bytes>, buf: &mut [u8]) -> i32 {
        match value {
            None => -1,
            Some(v) => {
                if v.len() <= buf.len() {
                    buf[..v.len()].copy_from_slice(&v);
                }
                v.len() as i32
            }
        }
    }

    fn read_on(from: &[u8], at: &mut usize, buf: &mut [u8]) -> i32 {
        let n = buf.len().min(from.len() - *at);
        buf[..n].copy_from_slice(&from[*at..*at + n]);
        *at += n;
        n as i32
    }

    fn refuse(key: &[u8], value: &[u8]) -> Option<i32> {
        match (key.len(), value.len()) {
            (0, _) | (1025.., _) => Some(-2),
            (_, n) if n > 1 << 20 => Some(-6),
            _ => None,
        }
    }

    pub fn request(field: u32, buf: &mut [u8]) -> i32 {
        give(with(|h| h.fields.get(field as usize).map(|s| s.clone().into_bytes())), buf)
    }
    pub fn param(name: &[u8], buf: &mut [u8]) -> i32 {
        give(with(|h| pick(&h.params, name, 0)), buf)
    }
    pub fn query(name: &[u8], index: u32, buf: &mut [u8]) -> i32 {
        give(with(|h| pick(&h.queries, name, index)), buf)
    }
    pub fn header(name: &[u8], index: u32, buf: &mut [u8]) -> i32 {
        give(with(|h| pick(&h.headers, &name.to_ascii_lowercase(), index)), buf)
    }
    pub fn header_name(index: u32, buf: &mut [u8]) -> i32 {
        let mut names = with(|h| h.headers.iter().map(|(n, _)| n.clone().into_bytes()).collect::<Vec<_>>());
        let mut seen = std::collections::BTreeSet::new();
        names.retain(|n| seen.insert(n.clone()));
        give(names.get(index as usize).cloned(), buf)
    }
    pub fn body_size() -> i64 {
        with(|h| h.body.len() as i64)
    }
    pub fn body(buf: &mut [u8]) -> i32 {
        with(|h| read_on(&h.body, &mut h.read, buf))
    }
    pub fn status(code: u32) {
        assert!((200..600).contains(&code), "status {} is not within 200 to 599", code);
        with(|h| h.answer.status = code as u16)
    }
    pub fn set_header(name: &[u8], value: &[u8]) -> i32 {
        let lower = lossy(name).to_ascii_lowercase();
        with(|h| h.answer.headers.retain(|(n, _)| *n != lower));
        add_header(name, value)
    }
    pub fn add_header(name: &[u8], value: &[u8]) -> i32 {
        with(|h| h.answer.headers.push((lossy(name).to_ascii_lowercase(), lossy(value))));
        0
    }
    pub fn write(text: &[u8]) -> i32 {
        with(|h| h.answer.body.extend_from_slice(text));
        0
    }
    pub fn flush() -> i32 {
        0
    }
    pub fn log(level: u32, text: &[u8]) {
        with(|h| h.answer.log.push((level, lossy(text))))
    }
    pub fn config(key: &[u8], buf: &mut [u8]) -> i32 {
        give(with(|h| pick(&h.config, key, 0)), buf)
    }
    pub fn kv_get(key: &[u8], buf: &mut [u8]) -> i32 {
        refuse(key, b"").unwrap_or_else(|| give(with(|h| h.store.get(key).cloned()), buf))
    }
    pub fn kv_set(key: &[u8], value: &[u8]) -> i32 {
        refuse(key, value).unwrap_or_else(|| with(|h| h.store.insert(key.into(), value.into())).map_or(0, |_| 0))
    }
    pub fn kv_delete(key: &[u8]) -> i32 {
        refuse(key, b"").unwrap_or_else(|| with(|h| h.store.remove(key)).is_some() as i32)
    }
    pub fn kv_add(key: &[u8], delta: i64, result: &mut i64) -> i32 {
        let old = with(|h| h.store.get(key).map_or(Some(0), |v| lossy(v).parse::<i64>().ok()));
        match old.and_then(|n| n.checked_add(delta)) {
            Some(sum) => {
                *result = sum;
                kv_set(key, sum.to_string().as_bytes())
            }
            None => -2,
        }
    }
    pub fn kv_swap(key: &[u8], old: Option<&[u8]>, new: &[u8]) -> i32 {
        if let Some(code) = refuse(key, new) {
            return code;
        }
        let same = with(|h| h.store.get(key).map(|v| v.as_slice()) == old);
        if same {
            kv_set(key, new);
        }
        same as i32
    }
    pub fn kv_list(prefix: &[u8], after: &[u8], buf: &mut [u8]) -> i32 {
        give(with(|h| h.store.keys().find(|k| k.starts_with(prefix) && k.as_slice() > after).cloned()), buf)
    }
    pub fn call(target: &[u8], head: &[u8], body: &[u8]) -> i32 {
        // The service is taken out, for it may log.
        let mut service = match with(|h| h.service.take()) {
            Some(service) => service,
            None => return -3,
        };
        let (status, answer) = service(&lossy(target), &lossy(head), body);
        with(|h| {
            h.service = Some(service);
            h.calls.push((status, answer, 0));
            h.calls.len() as i32 - 1
        })
    }
    pub fn call_status(handle: i32) -> i32 {
        with(|h| h.calls[handle as usize].0.into())
    }
    pub fn call_header(_: i32, _: &[u8], _: u32, _: &mut [u8]) -> i32 {
        -1
    }
    pub fn call_body(handle: i32, buf: &mut [u8]) -> i32 {
        with(|h| {
            let (_, body, at) = &mut h.calls[handle as usize];
            read_on(body, at, buf)
        })
    }
    pub fn call_close(_: i32) {}
    pub fn random_get(buf: &mut [u8]) -> i32 {
        use std::hash::{BuildHasher, Hasher};
        for b in buf {
            *b = std::collections::hash_map::RandomState::new().build_hasher().finish() as u8;
        }
        0
    }
}
