//! The imports of the ABI, safe to call. This is the only module with unsafe code, but
//! for the allocator.

/// Declares the imports once: as functions of the host on WebAssembly, and as calls of
/// the host in memory elsewhere.
macro_rules! imports {
    ($($name:ident($($arg:ident: $type:tt),*) $(-> $result:ty)?;)*) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code)]
        mod raw {
            #[link(wasm_import_module = "wasmlane_v1")]
            extern "C" {
                $(pub fn $name($($arg: $type),*) $(-> $result)?;)*
            }
        }
    };
}

imports! {
    request(field: u32, buf: u32, cap: u32) -> i32;
    param(name: u32, name_len: u32, buf: u32, cap: u32) -> i32;
    query(name: u32, name_len: u32, index: u32, buf: u32, cap: u32) -> i32;
    header(name: u32, name_len: u32, index: u32, buf: u32, cap: u32) -> i32;
    header_name(index: u32, buf: u32, cap: u32) -> i32;
    body_size() -> i64;
    body(buf: u32, cap: u32) -> i32;
    status(code: u32);
    set_header(name: u32, name_len: u32, value: u32, value_len: u32) -> i32;
    add_header(name: u32, name_len: u32, value: u32, value_len: u32) -> i32;
    write(ptr: u32, len: u32) -> i32;
    flush() -> i32;
    log(level: u32, ptr: u32, len: u32);
    config(key: u32, key_len: u32, buf: u32, cap: u32) -> i32;
    kv_get(key: u32, key_len: u32, buf: u32, cap: u32) -> i32;
    kv_set(key: u32, key_len: u32, value: u32, value_len: u32) -> i32;
    kv_delete(key: u32, key_len: u32) -> i32;
    kv_add(key: u32, key_len: u32, delta: i64, result: u32) -> i32;
    kv_swap(key: u32, key_len: u32, old: u32, old_len: u32, new: u32, new_len: u32) -> i32;
    kv_list(prefix: u32, prefix_len: u32, after: u32, after_len: u32, buf: u32, cap: u32) -> i32;
    call(target: u32, target_len: u32, head: u32, head_len: u32, body: u32, body_len: u32) -> i32;
    call_status(handle: i32) -> i32;
    call_header(handle: i32, name: u32, name_len: u32, index: u32, buf: u32, cap: u32) -> i32;
    call_body(handle: i32, buf: u32, cap: u32) -> i32;
    call_close(handle: i32);
}

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code)]
mod wasm {
    use super::raw;

    // Every pointer below is that of a slice that lives until the call returns, with
    // the slice's own length: the host reads and writes nothing else.

    fn at(b: &[u8]) -> u32 {
        b.as_ptr() as u32
    }

    fn len(b: &[u8]) -> u32 {
        b.len() as u32
    }

    pub fn request(field: u32, buf: &mut [u8]) -> i32 {
        unsafe { raw::request(field, at(buf), len(buf)) }
    }

    pub fn param(name: &[u8], buf: &mut [u8]) -> i32 {
        unsafe { raw::param(at(name), len(name), at(buf), len(buf)) }
    }

    pub fn query(name: &[u8], index: u32, buf: &mut [u8]) -> i32 {
        unsafe { raw::query(at(name), len(name), index, at(buf), len(buf)) }
    }

    pub fn header(name: &[u8], index: u32, buf: &mut [u8]) -> i32 {
        unsafe { raw::header(at(name), len(name), index, at(buf), len(buf)) }
    }

    pub fn header_name(index: u32, buf: &mut [u8]) -> i32 {
        unsafe { raw::header_name(index, at(buf), len(buf)) }
    }

    pub fn body_size() -> i64 {
        unsafe { raw::body_size() }
    }

    pub fn body(buf: &mut [u8]) -> i32 {
        unsafe { raw::body(at(buf), len(buf)) }
    }

    pub fn status(code: u32) {
        unsafe { raw::status(code) }
    }

    pub fn set_header(name: &[u8], value: &[u8]) -> i32 {
        unsafe { raw::set_header(at(name), len(name), at(value), len(value)) }
    }

    pub fn add_header(name: &[u8], value: &[u8]) -> i32 {
        unsafe { raw::add_header(at(name), len(name), at(value), len(value)) }
    }

    pub fn write(b: &[u8]) -> i32 {
        unsafe { raw::write(at(b), len(b)) }
    }

    pub fn flush() -> i32 {
        unsafe { raw::flush() }
    }

    pub fn log(level: u32, text: &[u8]) {
        unsafe { raw::log(level, at(text), len(text)) }
    }

    pub fn config(key: &[u8], buf: &mut [u8]) -> i32 {
        unsafe { raw::config(at(key), len(key), at(buf), len(buf)) }
    }

    pub fn kv_get(key: &[u8], buf: &mut [u8]) -> i32 {
        unsafe { raw::kv_get(at(key), len(key), at(buf), len(buf)) }
    }

    pub fn kv_set(key: &[u8], value: &[u8]) -> i32 {
        unsafe { raw::kv_set(at(key), len(key), at(value), len(value)) }
    }

    pub fn kv_delete(key: &[u8]) -> i32 {
        unsafe { raw::kv_delete(at(key), len(key)) }
    }

    pub fn kv_add(key: &[u8], delta: i64, result: &mut i64) -> i32 {
        unsafe { raw::kv_add(at(key), len(key), delta, result as *mut i64 as u32) }
    }

    pub fn kv_swap(key: &[u8], old: Option<&[u8]>, new: &[u8]) -> i32 {
        let (old, old_len) = old.map_or((0, u32::MAX), |b| (at(b), len(b)));
        unsafe { raw::kv_swap(at(key), len(key), old, old_len, at(new), len(new)) }
    }

    pub fn kv_list(prefix: &[u8], after: &[u8], buf: &mut [u8]) -> i32 {
        unsafe { raw::kv_list(at(prefix), len(prefix), at(after), len(after), at(buf), len(buf)) }
    }

    pub fn call(target: &[u8], head: &[u8], body: &[u8]) -> i32 {
        unsafe { raw::call(at(target), len(target), at(head), len(head), at(body), len(body)) }
    }

    pub fn call_status(handle: i32) -> i32 {
        unsafe { raw::call_status(handle) }
    }

    pub fn call_header(handle: i32, name: &[u8], index: u32, buf: &mut [u8]) -> i32 {
        unsafe { raw::call_header(handle, at(name), len(name), index, at(buf), len(buf)) }
    }

    pub fn call_body(handle: i32, buf: &mut [u8]) -> i32 {
        unsafe { raw::call_body(handle, at(buf), len(buf)) }
    }

    pub fn call_close(handle: i32) {
        unsafe { raw::call_close(handle) }
    }

    /// Fresh random bytes, by WASI, which the host offers to every plugin.
    pub fn random(buf: &mut [u8; 8]) {
        #[link(wasm_import_module = "wasi_snapshot_preview1")]
        extern "C" {
            fn random_get(buf: u32, len: u32) -> i32;
        }
        let failed = unsafe { random_get(at(buf), len(buf)) } != 0;
        assert!(!failed, "the host has no random bytes");
    }

    #[cfg(not(feature = "std"))]
    pub fn trap() -> ! {
        core::arch::wasm32::unreachable()
    }
}

#[cfg(target_arch = "wasm32")]
pub(crate) use wasm::*;

#[cfg(all(not(target_arch = "wasm32"), feature = "std"))]
pub(crate) use crate::testing::host::*;

#[cfg(all(not(target_arch = "wasm32"), not(feature = "std")))]
compile_error!("without the feature std the crate builds for WebAssembly only");
