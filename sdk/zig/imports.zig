//! What the host offers, as abi/README.md has it. Only the functions that a plugin
//! reaches are imported.

pub extern "wasmlane_v1" fn request(field: u32, buf: [*]u8, cap: u32) i32;
pub extern "wasmlane_v1" fn param(name: [*]const u8, name_len: u32, buf: [*]u8, cap: u32) i32;
pub extern "wasmlane_v1" fn query(name: [*]const u8, name_len: u32, index: u32, buf: [*]u8, cap: u32) i32;
pub extern "wasmlane_v1" fn header(name: [*]const u8, name_len: u32, index: u32, buf: [*]u8, cap: u32) i32;
pub extern "wasmlane_v1" fn header_name(index: u32, buf: [*]u8, cap: u32) i32;
pub extern "wasmlane_v1" fn body_size() i64;
pub extern "wasmlane_v1" fn body(buf: [*]u8, cap: u32) i32;

pub extern "wasmlane_v1" fn status(code: u32) void;
pub extern "wasmlane_v1" fn set_header(name: [*]const u8, name_len: u32, value: [*]const u8, value_len: u32) i32;
pub extern "wasmlane_v1" fn add_header(name: [*]const u8, name_len: u32, value: [*]const u8, value_len: u32) i32;
pub extern "wasmlane_v1" fn write(ptr: [*]const u8, len: u32) i32;
pub extern "wasmlane_v1" fn flush() i32;

pub extern "wasmlane_v1" fn log(level: u32, ptr: [*]const u8, len: u32) void;
pub extern "wasmlane_v1" fn config(key: [*]const u8, key_len: u32, buf: [*]u8, cap: u32) i32;

pub extern "wasmlane_v1" fn kv_get(key: [*]const u8, key_len: u32, buf: [*]u8, cap: u32) i32;
pub extern "wasmlane_v1" fn kv_set(key: [*]const u8, key_len: u32, value: [*]const u8, value_len: u32) i32;
pub extern "wasmlane_v1" fn kv_delete(key: [*]const u8, key_len: u32) i32;
pub extern "wasmlane_v1" fn kv_add(key: [*]const u8, key_len: u32, delta: i64, result: *i64) i32;
pub extern "wasmlane_v1" fn kv_swap(key: [*]const u8, key_len: u32, old: ?[*]const u8, old_len: i32, new: [*]const u8, new_len: u32) i32;
pub extern "wasmlane_v1" fn kv_list(prefix: [*]const u8, prefix_len: u32, after: [*]const u8, after_len: u32, buf: [*]u8, cap: u32) i32;

pub extern "wasmlane_v1" fn call(target: [*]const u8, target_len: u32, head: [*]const u8, head_len: u32, body: [*]const u8, body_len: u32) i32;
pub extern "wasmlane_v1" fn call_status(handle: i32) i32;
pub extern "wasmlane_v1" fn call_header(handle: i32, name: [*]const u8, name_len: u32, index: u32, buf: [*]u8, cap: u32) i32;
pub extern "wasmlane_v1" fn call_body(handle: i32, buf: [*]u8, cap: u32) i32;
pub extern "wasmlane_v1" fn call_close(handle: i32) void;

pub extern "wasi_snapshot_preview1" fn random_get(buf: [*]u8, len: u32) u32;
pub extern "wasi_snapshot_preview1" fn clock_time_get(id: u32, precision: u64, time: *i64) u32;
