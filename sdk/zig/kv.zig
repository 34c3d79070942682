//! The plugin's part of the store; host.toml grants it with store = "NAME". Each
//! operation is atomic and a write returns when it is durable. Keys have 1 to 1024
//! bytes, else error.Invalid; values up to 1 MiB, else error.TooLarge.
//!
//! While the plugin initialises, reads see the store at that moment and writes fail
//! with error.Denied.

const host = @import("imports.zig");
const memory = @import("memory.zig");
const errors = @import("errors.zig");
const Error = errors.Error;

/// Returns the value of a key, or error.Absent. It lasts until the request ends.
pub fn get(key: []const u8) Error![]u8 {
    return value("kv_get", key, memory.fetch(host.kv_get, .{ key.ptr, length(key) }));
}

/// Stores a value under a key.
pub fn set(key: []const u8, data: []const u8) Error!void {
    return errors.check("kv_set", key, host.kv_set(key.ptr, length(key), data.ptr, length(data)));
}

/// Removes a key; true when it was there.
pub fn delete(key: []const u8) Error!bool {
    return truth("kv_delete", key, host.kv_delete(key.ptr, length(key)));
}

/// Adds to the number under a key, 0 when there is none, and returns the sum. The
/// value is decimal text, as get shows it; another value, and a sum outside i64, is
/// error.Invalid.
pub fn add(key: []const u8, delta: i64) Error!i64 {
    var sum: i64 = 0;
    try errors.check("kv_add", key, host.kv_add(key.ptr, length(key), delta, &sum));
    return sum;
}

/// Stores a value under a key if the value there is old; true when it did.
pub fn compareAndSwap(key: []const u8, old: []const u8, new: []const u8) Error!bool {
    return truth("kv_swap", key, host.kv_swap(key.ptr, length(key), old.ptr, @intCast(old.len), new.ptr, length(new)));
}

/// Stores a value under a key if there is no such key; true when it did.
pub fn create(key: []const u8, new: []const u8) Error!bool {
    return truth("kv_swap", key, host.kv_swap(key.ptr, length(key), null, -1, new.ptr, length(new)));
}

/// Returns the first key with a prefix that comes after another; error.Absent at the end.
pub fn nextKey(prefix: []const u8, after: []const u8) Error![]u8 {
    return value("kv_list", prefix, memory.fetch(host.kv_list, .{ prefix.ptr, length(prefix), after.ptr, length(after) }));
}

/// Walks the keys that begin with prefix and come after after, in the order of their
/// bytes. An empty after begins with the first.
///
///     var keys = kv.list("user/", "");
///     while (try keys.next()) |key| …
pub fn list(prefix: []const u8, after: []const u8) Keys {
    return .{ .prefix = prefix, .after = after };
}

/// A walk over keys. Those that are written or deleted meanwhile may or may not be seen.
pub const Keys = struct {
    prefix: []const u8,
    after: []const u8,

    /// Returns the next key, or null when there is none.
    pub fn next(keys: *Keys) Error!?[]const u8 {
        keys.after = nextKey(keys.prefix, keys.after) catch |err| switch (err) {
            error.Absent => return null,
            else => |e| return e,
        };
        return keys.after;
    }
};

fn length(bytes: []const u8) u32 {
    return @intCast(bytes.len);
}

fn value(call: []const u8, argument: []const u8, fetched: anytype) Error![]u8 {
    switch (fetched) {
        .value => |v| return v,
        .code => |code| try errors.check(call, argument, code),
    }
    unreachable;
}

fn truth(call: []const u8, key: []const u8, code: i32) Error!bool {
    try errors.check(call, key, code);
    return code == 1;
}
