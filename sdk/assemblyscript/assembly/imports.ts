// What the host offers, as abi/README.md has it. The compiler keeps only the
// functions that a plugin reaches.

// @ts-ignore: decorator
@external("wasmlane_v1", "request")
export declare function host_request(field: u32, buf: usize, cap: u32): i32;

// @ts-ignore: decorator
@external("wasmlane_v1", "param")
export declare function host_param(name: usize, name_len: u32, buf: usize, cap: u32): i32;

// @ts-ignore: decorator
@external("wasmlane_v1", "query")
export declare function host_query(name: usize, name_len: u32, index: u32, buf: usize, cap: u32): i32;

// @ts-ignore: decorator
@external("wasmlane_v1", "header")
export declare function host_header(name: usize, name_len: u32, index: u32, buf: usize, cap: u32): i32;

// @ts-ignore: decorator
@external("wasmlane_v1", "header_name")
export declare function host_header_name(index: u32, buf: usize, cap: u32): i32;

// @ts-ignore: decorator
@external("wasmlane_v1", "body_size")
export declare function host_body_size(): i64;

// @ts-ignore: decorator
@external("wasmlane_v1", "body")
export declare function host_body(buf: usize, cap: u32): i32;

// @ts-ignore: decorator
@external("wasmlane_v1", "status")
export declare function host_status(code: u32): void;

// @ts-ignore: decorator
@external("wasmlane_v1", "set_header")
export declare function host_set_header(name: usize, name_len: u32, value: usize, value_len: u32): i32;

// @ts-ignore: decorator
@external("wasmlane_v1", "add_header")
export declare function host_add_header(name: usize, name_len: u32, value: usize, value_len: u32): i32;

// @ts-ignore: decorator
@external("wasmlane_v1", "write")
export declare function host_write(ptr: usize, len: u32): i32;

// @ts-ignore: decorator
@external("wasmlane_v1", "flush")
export declare function host_flush(): i32;

// @ts-ignore: decorator
@external("wasmlane_v1", "log")
export declare function host_log(level: u32, ptr: usize, len: u32): void;

// @ts-ignore: decorator
@external("wasmlane_v1", "config")
export declare function host_config(key: usize, key_len: u32, buf: usize, cap: u32): i32;

// @ts-ignore: decorator
@external("wasmlane_v1", "kv_get")
export declare function host_kv_get(key: usize, key_len: u32, buf: usize, cap: u32): i32;

// @ts-ignore: decorator
@external("wasmlane_v1", "kv_set")
export declare function host_kv_set(key: usize, key_len: u32, value: usize, value_len: u32): i32;

// @ts-ignore: decorator
@external("wasmlane_v1", "kv_delete")
export declare function host_kv_delete(key: usize, key_len: u32): i32;

// @ts-ignore: decorator
@external("wasmlane_v1", "kv_add")
export declare function host_kv_add(key: usize, key_len: u32, delta: i64, result: usize): i32;

// @ts-ignore: decorator
@external("wasmlane_v1", "kv_swap")
export declare function host_kv_swap(key: usize, key_len: u32, old: usize, old_len: i32, new_: usize, new_len: u32): i32;

// @ts-ignore: decorator
@external("wasmlane_v1", "kv_list")
export declare function host_kv_list(prefix: usize, prefix_len: u32, after: usize, after_len: u32, buf: usize, cap: u32): i32;

// @ts-ignore: decorator
@external("wasmlane_v1", "call")
export declare function host_call(target: usize, target_len: u32, head: usize, head_len: u32, body: usize, body_len: u32): i32;

// @ts-ignore: decorator
@external("wasmlane_v1", "call_status")
export declare function host_call_status(handle: i32): i32;

// @ts-ignore: decorator
@external("wasmlane_v1", "call_header")
export declare function host_call_header(handle: i32, name: usize, name_len: u32, index: u32, buf: usize, cap: u32): i32;

// @ts-ignore: decorator
@external("wasmlane_v1", "call_body")
export declare function host_call_body(handle: i32, buf: usize, cap: u32): i32;

// @ts-ignore: decorator
@external("wasmlane_v1", "call_close")
export declare function host_call_close(handle: i32): void;

// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "random_get")
export declare function wasi_random_get(buf: usize, len: u32): i32;

// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "clock_time_get")
export declare function wasi_clock_time_get(clock: u32, precision: u64, time: usize): i32;
