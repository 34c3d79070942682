//! The functions of the host, as the ABI names and orders them, and a safe one for
//! each. All unsafe code of the crate that is about the host stands here. The
//! linker drops those that a plugin does not reach, so that a plugin needs the
//! grants of what it uses and no others.
#![allow(unsafe_code)]

mod raw {
    #[link(wasm_import_module = "wasmlane_v1")]
    extern "C" {
        pub fn request(field: u32, buf: *mut u8, cap: u32) -> i32;
        pub fn param(name: *const u8, name_len: u32, buf: *mut u8, cap: u32) -> i32;
        pub fn query(name: *const u8, name_len: u32, index: u32, buf: *mut u8, cap: u32) -> i32;
        pub fn header(name: *const u8, name_len: u32, index: u32, buf: *mut u8, cap: u32) -> i32;
        pub fn header_name(index: u32, buf: *mut u8, cap: u32) -> i32;
        pub fn body_size() -> i64;
        pub fn body(buf: *mut u8, cap: u32) -> i32;
        pub fn status(code: u32);
        pub fn set_header(name: *const u8, name_len: u32, value: *const u8, value_len: u32) -> i32;
        pub fn add_header(name: *const u8, name_len: u32, value: *const u8, value_len: u32) -> i32;
        pub fn write(ptr: *const u8, len: u32) -> i32;
        pub fn flush() -> i32;
        pub fn log(level: u32, ptr: *const u8, len: u32);
        pub fn config(key: *const u8, key_len: u32, buf: *mut u8, cap: u32) -> i32;
        pub fn kv_get(key: *const u8, key_len: u32, buf: *mut u8, cap: u32) -> i32;
        pub fn kv_set(key: *const u8, key_len: u32, value: *const u8, value_len: u32) -> i32;
        pub fn kv_delete(key: *const u8, key_len: u32) -> i32;
        pub fn kv_add(key: *const u8, key_len: u32, delta: i64, result: *mut i64) -> i32;
        pub fn kv_swap(key: *const u8, key_len: u32, old: *const u8, old_len: i32, new: *const u8, new_len: u32) -> i32;
        pub fn kv_list(prefix: *const u8, prefix_len: u32, after: *const u8, after_len: u32, buf: *mut u8, cap: u32) -> i32;
        pub fn call(target: *const u8, target_len: u32, head: *const u8, head_len: u32, body: *const u8, body_len: u32) -> i32;
        pub fn call_status(handle: i32) -> i32;
        pub fn call_header(handle: i32, name: *const u8, name_len: u32, index: u32, buf: *mut u8, cap: u32) -> i32;
        pub fn call_body(handle: i32, buf: *mut u8, cap: u32) -> i32;
        pub fn call_close(handle: i32);
    }

    #[link(wasm_import_module = "wasi_snapshot_preview1")]
    extern "C" {
        pub fn random_get(buf: *mut u8, len: u32) -> i32;
    }
}

// Each function below is sound for the same reason: pointer and length come from
// one slice, which lives through the call, and the host keeps neither.

fn len(b: &[u8]) -> u32 {
    b.len() as u32
}

pub fn request(field: u32, buf: &mut [u8]) -> i32 {
    unsafe { raw::request(field, buf.as_mut_ptr(), len(buf)) }
}
pub fn param(name: &[u8], buf: &mut [u8]) -> i32 {
    unsafe { raw::param(name.as_ptr(), len(name), buf.as_mut_ptr(), len(buf)) }
}
pub fn query(name: &[u8], index: u32, buf: &mut [u8]) -> i32 {
    unsafe { raw::query(name.as_ptr(), len(name), index, buf.as_mut_ptr(), len(buf)) }
}
pub fn header(name: &[u8], index: u32, buf: &mut [u8]) -> i32 {
    unsafe { raw::header(name.as_ptr(), len(name), index, buf.as_mut_ptr(), len(buf)) }
}
pub fn header_name(index: u32, buf: &mut [u8]) -> i32 {
    unsafe { raw::header_name(index, buf.as_mut_ptr(), len(buf)) }
}
pub fn body_size() -> i64 {
    unsafe { raw::body_size() }
}
pub fn body(buf: &mut [u8]) -> i32 {
    unsafe { raw::body(buf.as_mut_ptr(), len(buf)) }
}
pub fn status(code: u32) {
    unsafe { raw::status(code) }
}
pub fn set_header(name: &[u8], value: &[u8]) -> i32 {
    unsafe { raw::set_header(name.as_ptr(), len(name), value.as_ptr(), len(value)) }
}
pub fn add_header(name: &[u8], value: &[u8]) -> i32 {
    unsafe { raw::add_header(name.as_ptr(), len(name), value.as_ptr(), len(value)) }
}
pub fn write(text: &[u8]) -> i32 {
    unsafe { raw::write(text.as_ptr(), len(text)) }
}
pub fn flush() -> i32 {
    unsafe { raw::flush() }
}
pub fn log(level: u32, text: &[u8]) {
    unsafe { raw::log(level, text.as_ptr(), len(text)) }
}
pub fn config(key: &[u8], buf: &mut [u8]) -> i32 {
    unsafe { raw::config(key.as_ptr(), len(key), buf.as_mut_ptr(), len(buf)) }
}
pub fn kv_get(key: &[u8], buf: &mut [u8]) -> i32 {
    unsafe { raw::kv_get(key.as_ptr(), len(key), buf.as_mut_ptr(), len(buf)) }
}
pub fn kv_set(key: &[u8], value: &[u8]) -> i32 {
    unsafe { raw::kv_set(key.as_ptr(), len(key), value.as_ptr(), len(value)) }
}
pub fn kv_delete(key: &[u8]) -> i32 {
    unsafe { raw::kv_delete(key.as_ptr(), len(key)) }
}
pub fn kv_add(key: &[u8], delta: i64, result: &mut i64) -> i32 {
    unsafe { raw::kv_add(key.as_ptr(), len(key), delta, result) }
}
pub fn kv_swap(key: &[u8], old: Option<&[u8]>, new: &[u8]) -> i32 {
    let (ptr, n) = match old {
        Some(old) => (old.as_ptr(), old.len() as i32),
        None => (core::ptr::null(), -1),
    };
    unsafe { raw::kv_swap(key.as_ptr(), len(key), ptr, n, new.as_ptr(), len(new)) }
}
pub fn kv_list(prefix: &[u8], after: &[u8], buf: &mut [u8]) -> i32 {
    unsafe { raw::kv_list(prefix.as_ptr(), len(prefix), after.as_ptr(), len(after), buf.as_mut_ptr(), len(buf)) }
}
pub fn call(target: &[u8], head: &[u8], body: &[u8]) -> i32 {
    unsafe { raw::call(target.as_ptr(), len(target), head.as_ptr(), len(head), body.as_ptr(), len(body)) }
}
pub fn call_status(handle: i32) -> i32 {
    unsafe { raw::call_status(handle) }
}
pub fn call_header(handle: i32, name: &[u8], index: u32, buf: &mut [u8]) -> i32 {
    unsafe { raw::call_header(handle, name.as_ptr(), len(name), index, buf.as_mut_ptr(), len(buf)) }
}
pub fn call_body(handle: i32, buf: &mut [u8]) -> i32 {
    unsafe { raw::call_body(handle, buf.as_mut_ptr(), len(buf)) }
}
pub fn call_close(handle: i32) {
    unsafe { raw::call_close(handle) }
}
pub fn random_get(buf: &mut [u8]) -> i32 {
    unsafe { raw::random_get(buf.as_mut_ptr(), len(buf)) }
}
