//! Memory, and how values of the host get there. Nothing is ever freed: each request
//! starts from the memory that initialisation has left behind, so that what a request
//! allocates is gone with it.

const std = @import("std");

/// Allocates to the end of the request. It grows what was allocated last in place;
/// free does nothing.
pub const allocator: std.mem.Allocator = .{ .ptr = undefined, .vtable = &.{
    .alloc = alloc,
    .resize = resize,
    .remap = remap,
    .free = free,
} };

/// Where the linker says that the heap begins.
extern const __heap_base: u8;
var top: usize = 0;

fn alloc(_: *anyopaque, len: usize, alignment: std.mem.Alignment, _: usize) ?[*]u8 {
    if (top == 0) top = @intFromPtr(&__heap_base);
    const start = alignment.forward(top);
    if (!reserve(start +| len)) return null;
    top = start + len;
    return @ptrFromInt(start);
}

fn resize(_: *anyopaque, memory: []u8, _: std.mem.Alignment, new_len: usize, _: usize) bool {
    const start = @intFromPtr(memory.ptr);
    if (start + memory.len != top) return new_len <= memory.len;
    if (!reserve(start +| new_len)) return false;
    top = start + new_len;
    return true;
}

fn remap(context: *anyopaque, memory: []u8, alignment: std.mem.Alignment, new_len: usize, address: usize) ?[*]u8 {
    return if (resize(context, memory, alignment, new_len, address)) memory.ptr else null;
}

fn free(_: *anyopaque, _: []u8, _: std.mem.Alignment, _: usize) void {}

fn reserve(end: usize) bool {
    const page = 64 * 1024;
    const size = @wasmMemorySize(0) * page;
    if (end <= size) return true;
    const missing = (end - size + page - 1) / page;
    return @wasmMemoryGrow(0, missing) >= 0;
}

/// Returns memory, or panics: a plugin that has met its memory limit has no better
/// answer than the host's.
pub fn take(len: usize) []u8 {
    return allocator.alloc(u8, len) catch @panic("out of memory");
}

/// Receives results of the host before they are copied.
var scratch: [4096]u8 = undefined;

/// Returns what a function that yields bytes gives, or its code. arguments are those
/// that come before buf and cap. The host is asked with the static buffer first, and
/// again with one that fits; a value of the store may have grown in between.
pub fn fetch(comptime function: anytype, arguments: anytype) union(enum) { value: []u8, code: i32 } {
    var buf: []u8 = &scratch;
    while (true) {
        const n = @call(.auto, function, arguments ++ .{ buf.ptr, @as(u32, @intCast(buf.len)) });
        if (n < 0) return .{ .code = n };
        const len: usize = @intCast(n);
        if (len > buf.len) {
            buf = take(len);
            continue;
        }
        if (buf.ptr != &scratch) return .{ .value = buf[0..len] };
        const value = take(len);
        @memcpy(value, buf[0..len]);
        return .{ .value = value };
    }
}

/// Reads a body to its end; size is its length, or negative when that is not known.
pub fn readAll(comptime function: anytype, arguments: anytype, size: i64) union(enum) { value: []u8, code: i32 } {
    var body = take(if (size < 0) scratch.len else @intCast(size));
    var n: usize = 0;
    while (size < 0 or n < size) {
        if (n == body.len) body = allocator.realloc(body, 2 * n) catch @panic("out of memory");
        const got = @call(.auto, function, arguments ++ .{ body[n..].ptr, @as(u32, @intCast(body.len - n)) });
        if (got < 0) return .{ .code = got };
        if (got == 0) break;
        n += @intCast(got);
    }
    return .{ .value = body[0..n] };
}
