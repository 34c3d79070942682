//! Users in the store, and how two of them never share an email address although each
//! write stands for itself and a request may end between any two.
//!
//!     last_id           the last id given out
//!     last_claim        the last claim given out by an update
//!     user/{id}         a record: what the user is now, and what it wants to be
//!     email/{address}   the claim on an address: "{id}:{claim}"
//!
//! A create or an update that needs an address takes three steps:
//!
//!  1. The record gets its wish, with a claim that nobody has had: {now, next}.
//!  2. The claim is put under email/{address}. This decides between those who want the
//!     same address.
//!  3. The wish becomes the user: {now: next}.
//!
//! A claim is live while its user has it as now or next. Whoever finds a live claim of
//! a wish first does step 3 for its owner. A claim that is not live never becomes live
//! again, so it can be replaced by compare-and-swap. That is also how addresses become
//! free: nobody deletes a claim, because it may be somebody else's by then.
//!
//! plugins/user, in Go, has the same layout: either serves what the other has stored.

const std = @import("std");
const wasmlane = @import("wasmlane");
const Input = @import("input.zig").Input;
const claim = @import("claims.zig").claim;
const print = @import("main.zig").print;
const kv = wasmlane.kv;
const Value = wasmlane.json.Value;

/// How often a change starts again because another one came between.
pub const attempts = 16;

pub fn busy() error{HttpError} {
    return wasmlane.httpError(503, "too many changes at the same time; try again", .{});
}

/// What a user is.
pub const Profile = struct {
    name: []const u8,
    email: []const u8,
    /// With the id, what holds email; 0 when created with it.
    claim: i64 = 0,

    pub fn holds(p: Profile, email: []const u8, number: i64) bool {
        return p.claim == number and std.mem.eql(u8, p.email, email);
    }
};

/// A user in the store, in the order of its JSON.
const Record = struct {
    /// null until the user is created.
    now: ?Profile = null,
    /// A change that is not complete.
    next: ?Profile = null,

    fn encode(record: Record) []const u8 {
        var out: wasmlane.json.Writer = .init(wasmlane.allocator);
        out.value(record);
        return out.bytes();
    }
};

/// A record as it was read or written last, so that a change can see whether it is
/// still the same.
pub const Entry = struct {
    key: []const u8,
    raw: []const u8,
    record: Record,

    /// Changes the record unless it is another one by now.
    pub fn swap(e: *Entry, to: Record) !bool {
        const raw = to.encode();
        const swapped = try kv.compareAndSwap(e.key, e.raw, raw);
        if (swapped) {
            e.raw = raw;
            e.record = to;
        }
        return swapped;
    }
};

// userKey pads the id, so that the order of the keys is that of the ids.
fn userKey(id: i64) []const u8 {
    return print("user/{d:0>19}", .{@as(u64, @intCast(id))});
}

/// Returns the user's entry, or null when there is none.
pub fn read(id: i64) !?Entry {
    const key = userKey(id);
    const raw = kv.get(key) catch |err| return if (err == error.Absent) null else err;
    const value = wasmlane.json.parse(wasmlane.allocator, raw) catch return wasmlane.failure("{s} is damaged: no JSON", .{key});
    return .{ .key = key, .raw = raw, .record = .{ .now = decode(value.get("now")), .next = decode(value.get("next")) } };
}

fn decode(value: ?Value) ?Profile {
    const v = value orelse return null;
    if (v != .object) return null;
    return .{ .name = v.getString("name") orelse "", .email = v.getString("email") orelse "", .claim = v.getInteger("claim") orelse 0 };
}

/// Returns the user.
pub fn find(id: i64) !Profile {
    const e = try read(id) orelse return noUser(id);
    return e.record.now orelse noUser(id);
}

/// Walks the users after the given id, in the order of their ids.
pub fn all(after: i64) Walk {
    return .{ .keys = kv.list("user/", if (after > 0) userKey(after) else "") };
}

pub const Walk = struct {
    keys: kv.Keys,

    pub fn next(w: *Walk) !?struct { id: i64, profile: Profile } {
        while (try w.keys.next()) |key| {
            const id = std.fmt.parseInt(i64, key["user/".len..], 10) catch continue;
            const e = try read(id) orelse continue; // deleted since
            return .{ .id = id, .profile = e.record.now orelse continue }; // not created yet
        }
        return null;
    }
};

/// Adds a user and returns its id.
pub fn create(in: Input) !i64 {
    const id = try kv.add("last_id", 1);
    const wish: Profile = .{ .name = in.name, .email = in.email };
    const record: Record = .{ .next = wish };
    var e: Entry = .{ .key = userKey(id), .raw = record.encode(), .record = record };
    try kv.set(e.key, e.raw);
    if (try claim(wish, id) != id) {
        _ = kv.delete(e.key) catch |err| wasmlane.log.warn("{s} stays as an unused record: {s}", .{ e.key, wasmlane.textOf(err) });
        return taken(in.email);
    }
    // When this fails to swap, another request has done it for us.
    _ = try e.swap(.{ .now = wish });
    return id;
}

/// Changes a user.
pub fn update(id: i64, in: Input) !void {
    for (0..attempts) |_| {
        var e = try read(id) orelse return noUser(id);
        const now = e.record.now orelse return noUser(id);
        var wish: Profile = .{ .name = in.name, .email = in.email, .claim = now.claim };
        if (std.mem.eql(u8, wish.email, now.email)) {
            if (try e.swap(.{ .now = wish })) return;
            continue;
        }
        wish.claim = try kv.add("last_claim", 1);
        if (try e.swap(.{ .now = now, .next = wish })) return move(&e, id, wish);
    }
    return busy();
}

// move does steps 2 and 3 for an update whose wish is in the record.
fn move(e: *Entry, id: i64, wish: Profile) !void {
    if (try claim(wish, id) != id) {
        _ = e.swap(.{ .now = e.record.now }) catch |err| wasmlane.log.warn("{s} keeps an unused wish: {s}", .{ e.key, wasmlane.textOf(err) });
        return taken(wish.email);
    }
    if (try e.swap(.{ .now = wish })) return;
    // Another request has completed the change, or replaced it, or deleted the user.
    if ((try find(id)).claim != wish.claim) {
        return wasmlane.httpError(409, "user {d} was changed at the same time; try again", .{id});
    }
}

/// Deletes a user. With its record gone its claim is no longer live.
pub fn remove(id: i64) !void {
    _ = try find(id);
    if (!try kv.delete(userKey(id))) return noUser(id);
}

fn noUser(id: i64) error{HttpError} {
    return wasmlane.httpError(404, "user {d} does not exist", .{id});
}

fn taken(email: []const u8) error{HttpError} {
    return wasmlane.httpError(409, "another user has the email {s}", .{email});
}
