//! Random numbers and clocks.

const std = @import("std");
const host = @import("imports.zig");

/// The request's generator, seeded from the host's when it is first asked for. It is
/// not for secrets: use `bytes` for those. While the plugin initialises it panics,
/// because every request would start from the state that it left behind.
pub fn generator() std.Random {
    if (!serving) @panic("no random generator before the first request: every request would see the same numbers; use random.bytes, or ask in the handler");
    if (state == null) {
        var seed: [8]u8 = undefined;
        bytes(&seed);
        state = .init(@bitCast(seed));
    }
    return state.?.random();
}

/// Fills a buffer with random bytes of the host, fit for secrets.
pub fn bytes(into: []u8) void {
    if (host.random_get(into.ptr, @intCast(into.len)) != 0) @panic("the host gave no random bytes");
}

var state: ?std.Random.DefaultPrng = null;
var serving = false;

/// Forgets the state of another request.
pub fn begin() void {
    serving = true;
    state = null;
}

/// Returns the time in nanoseconds since 1970.
pub fn now() i64 {
    return clock(0);
}

/// Returns nanoseconds of a clock that only goes forward, to measure with.
pub fn monotonic() i64 {
    return clock(1);
}

fn clock(id: u32) i64 {
    var time: i64 = 0;
    if (host.clock_time_get(id, 0, &time) != 0) @panic("the host gave no time");
    return time;
}
