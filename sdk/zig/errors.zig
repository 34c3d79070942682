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

/// What is known of the error that was made last. A Zig error is a number: the
/// handler's answer and its log line take their text from here.
pub var last: struct {
    err: ?anyerror = null,
    status: u16 = 500,
    text: []const u8 = "",
    /// The function of the host that has failed, or "" when text says it all.
    call: []const u8 = "",
    argument: [80]u8 = undefined,
    argument_len: usize = 0,
} = .{};

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

/// Returns the text of an error: what is known of it when it is the last one that was
/// made, `kv_get "user/7": not granted in host.toml`, or else its name.
pub fn textOf(err: anyerror) []const u8 {
    const known = last.err orelse return @errorName(err);
    if (known != err) return @errorName(err);
    if (last.call.len == 0) return last.text;
    var out: json.Writer = .init(memory.allocator);
    out.raw(last.call);
    out.raw(" ");
    out.quoted(last.argument[0..last.argument_len]);
    out.raw(": ");
    out.raw(last.text);
    return out.bytes();
}

/// Turns what the host answered into an error, or nothing when it is no code. The text
/// is made when it is asked for: an error may be an answer like any other.
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
    last = .{ .err = err, .text = meaning, .call = call, .argument_len = @min(argument.len, last.argument.len) };
    @memcpy(last.argument[0..last.argument_len], argument[0..last.argument_len]);
    return err;
}

fn print(comptime format: []const u8, arguments: anytype) []const u8 {
    return std.fmt.allocPrint(memory.allocator, format, arguments) catch @panic("out of memory");
}
