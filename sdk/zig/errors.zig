//! The errors of the host, and those that a handler answers with.

const std = @import("std");
const memory = @import("memory.zig");
const json = @import("json.zig");

/// What the host answers when it cannot do what was asked, one for each of its codes.
pub const Error = error{
    /// There is no such key.
    Absent,
    /// A malformed name, value, key or target, or a header that is the host's to set.
    Invalid,
    /// Not granted in host.toml, or a write while the plugin initialises.
    Denied,
    /// The deadline of the request came first; its answer is 504.
    Timeout,
    /// The store or the service failed; trying later may help.
    Unavailable,
    /// Over a limit of the ABI or of host.toml.
    TooLarge,
    /// The client went away; there is no point in going on.
    Closed,
};

/// What was said about the error that was made last. A Zig error is a number: the
/// handler's answer and its log line take their text from here.
pub var last: struct { err: ?anyerror = null, status: u16 = 500, text: []const u8 = "" } = .{};

/// Returns an error that is answered with this status, 200 to 599, and this message
/// for the client: {"error": message, "request_id": …}.
///
///     return wasmlane.httpError(404, "user {s} does not exist", .{id});
pub fn httpError(status: u16, comptime format: []const u8, arguments: anytype) error{HttpError} {
    last = .{ .err = error.HttpError, .status = status, .text = print(format, arguments) };
    return error.HttpError;
}

/// Returns an error that is answered with 500 and whose message goes to the log.
pub fn failure(comptime format: []const u8, arguments: anytype) error{Failure} {
    last = .{ .err = error.Failure, .text = print(format, arguments) };
    return error.Failure;
}

/// Returns the text of an error: what was said about it when it was made, or its name.
pub fn textOf(err: anyerror) []const u8 {
    const known = last.err orelse return @errorName(err);
    return if (known == err) last.text else @errorName(err);
}

/// Turns what the host answered into an error, or nothing when it is no code.
pub fn check(call: []const u8, argument: []const u8, code: i32) Error!void {
    if (code >= 0) return;
    const err: Error, const meaning = switch (code) {
        -1 => .{ error.Absent, "absent" },
        -2 => .{ error.Invalid, "malformed name, value, key or target" },
        -3 => .{ error.Denied, "not granted in host.toml" },
        -4 => .{ error.Timeout, "the deadline came first" },
        -6 => .{ error.TooLarge, "over a limit" },
        -7 => .{ error.Closed, "the client went away" },
        // A code that this SDK does not know is a failure of the other side, too.
        else => .{ error.Unavailable, "the other side failed" },
    };
    // Absent is an answer more often than an error: its text is not worth making.
    if (code == -1) {
        last = .{ .err = err, .text = meaning };
        return err;
    }
    var out: json.Writer = .init(memory.allocator);
    out.raw(call);
    out.raw(" ");
    out.quoted(argument[0..@min(argument.len, 80)]);
    out.raw(": ");
    out.raw(meaning);
    last = .{ .err = err, .text = out.bytes() };
    return err;
}

fn print(comptime format: []const u8, arguments: anytype) []const u8 {
    return std.fmt.allocPrint(memory.allocator, format, arguments) catch @panic("out of memory");
}
