//! What stands between the host's call of an export and a handler.

const std = @import("std");
const host = @import("imports.zig");
const memory = @import("memory.zig");
const errors = @import("errors.zig");
const json = @import("json.zig");
const log = @import("log.zig");
const random = @import("random.zig");
const Request = @import("request.zig").Request;
const Response = @import("response.zig").Response;

/// Exports a function under the name that host.toml uses:
///
///     comptime {
///         wasmlane.handler("get_user", getUser);
///     }
///     fn getUser(w: *wasmlane.Response, r: *wasmlane.Request) !void { … }
///
/// An error that it returns becomes the answer: that of httpError gives its status and
/// message, Unavailable is 503, Timeout is 504, any other is 500, and the text of these
/// goes to the log and not to the client. After the body has begun an error is a panic, lest a client take half an answer for a
/// whole one.
pub fn handler(comptime name: []const u8, comptime function: anytype) void {
    @export(&struct {
        fn run() callconv(.c) void {
            random.begin();
            errors.last = .{};
            var w: Response = .{};
            var r: Request = .{};
            function(&w, &r) catch |err| answer(&w, &r, err);
        }
    }.run, .{ .name = name });
}

/// Exports a function that runs once, before the first request. It may log, read
/// configuration and the store. What it leaves in variables is what every request
/// starts from. An error that it returns keeps the plugin from loading.
pub fn initializer(comptime function: anytype) void {
    @export(&struct {
        fn run() callconv(.c) void {
            function() catch |err| panicText("the plugin cannot initialise: ", errors.textOf(err));
        }
    }.run, .{ .name = "wasmlane_init" });
}

fn answer(w: *Response, r: *Request, err: anyerror) void {
    const text = errors.textOf(err);
    if (w.refused) {
        // The host knows already: it answers 500 for a body over max_response, and nobody
        // listens in the other cases.
        if (err != error.Closed) log.text(.err, text);
        return;
    }
    // Part of the body is out. Only a trap makes the host drop it, or cut the connection
    // if it has been sent.
    if (w.begun) panicText("the handler failed after it had begun the body: ", text);
    const status: u32, const message: []const u8 = switch (err) {
        error.HttpError => .{ errors.last.status, text },
        error.Unavailable => .{ 503, "unavailable; try again later" }, // another host may have what this one lacks
        error.Timeout => .{ 504, "the handler did not answer in time" },
        else => .{ 500, "internal error" },
    };
    if (status >= 500) log.text(.err, text);
    var out: json.Writer = .init(memory.allocator);
    out.raw("{\"error\": ");
    out.quoted(message);
    out.raw(", \"request_id\": ");
    out.quoted(r.id());
    out.raw("}\n");
    w.begin(status, "application/json") catch {};
    w.write(out.bytes()) catch {};
}

/// Logs the message and ends the request. The root file of a plugin names it:
///
///     pub const panic = wasmlane.panic;
pub const panic = std.debug.FullPanic(panicAt);

fn panicAt(message: []const u8, _: ?usize) noreturn {
    panicText("panic: ", message);
}

// It allocates nothing, for there may be nothing left.
fn panicText(what: []const u8, message: []const u8) noreturn {
    var line: [1024]u8 = undefined;
    const n = @min(message.len, line.len - what.len);
    @memcpy(line[0..what.len], what);
    @memcpy(line[what.len..][0..n], message[0..n]);
    host.log(@backingInt(log.Level.err), &line, @intCast(what.len + n));
    @trap();
}

/// Returns a value of [plugin.NAME.config] in host.toml, or null when it is not there.
/// It works while the plugin initialises, too.
pub fn config(key: []const u8) ?[]const u8 {
    return switch (memory.fetch(host.config, .{ key.ptr, @as(u32, @intCast(key.len)) })) {
        .value => |value| value,
        .code => null,
    };
}
