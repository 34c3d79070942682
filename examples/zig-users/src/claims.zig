//! Claims on addresses; store.zig says how they work.

const std = @import("std");
const wasmlane = @import("wasmlane");
const store = @import("store.zig");
const print = @import("main.zig").print;
const kv = wasmlane.kv;

/// Puts the user's claim on the address of a profile, unless somebody's live claim is
/// there. Returns the id of the user who holds the address afterwards.
pub fn claim(wish: store.Profile, id: i64) !i64 {
    const key = print("email/{s}", .{wish.email});
    const mine = print("{d}:{d}", .{ id, wish.claim });
    for (0..store.attempts) |_| {
        if (try kv.create(key, mine)) return id;
        const there = try kv.get(key);
        const holder, const held = parse(there) orelse return wasmlane.failure("{s} is damaged: \"{s}\"", .{ key, there });
        if (try settle(wish.email, holder, held)) return holder;
        if (try kv.compareAndSwap(key, there, mine)) return id;
    }
    return store.busy();
}

fn parse(text: []const u8) ?struct { i64, i64 } {
    const user, const number = std.mem.cutScalar(u8, text, ':') orelse return null;
    return .{
        std.fmt.parseInt(i64, user, 10) catch return null,
        std.fmt.parseInt(i64, number, 10) catch return null,
    };
}

// settle reports whether a claim on an address is live. If it belongs to a wish, the
// wish becomes the user.
fn settle(email: []const u8, id: i64, number: i64) !bool {
    for (0..store.attempts) |_| {
        var e = try store.read(id) orelse return false;
        if (e.record.now) |now| if (now.holds(email, number)) return true;
        const next = e.record.next orelse return false;
        if (!next.holds(email, number)) return false;
        if (try e.swap(.{ .now = next })) return true;
    }
    return store.busy();
}
