//! The result lines.

const std = @import("std");
const wasmlane = @import("wasmlane");

pub const Out = struct {
    lines: std.ArrayList([]const u8) = .empty,
    current: []const u8 = "",

    /// Sets the line of this command.
    pub fn line(out: *Out, text: []const u8) void {
        out.current = text;
    }

    /// Sets the line of this command to a result of the SDK.
    pub fn result(out: *Out, r: anytype) void {
        out.current = textOf(r);
    }

    /// Ends the command.
    pub fn next(out: *Out) void {
        out.lines.append(wasmlane.allocator, out.current) catch @panic("out of memory");
        out.current = "";
    }

    /// Returns the line for a result: a number, a flag, bytes, nothing, or an error.
    pub fn textOf(r: anytype) []const u8 {
        const value = if (@typeInfo(@TypeOf(r)) == .error_union) r catch |err| return nameOf(err) else r;
        return switch (@typeInfo(@TypeOf(value))) {
            .void => "ok",
            .bool => if (value) "1" else "0",
            .int => print("{d}", .{value}),
            .error_set => nameOf(value),
            else => encode(value),
        };
    }

    fn nameOf(err: anyerror) []const u8 {
        return switch (err) {
            error.Absent => "!ABSENT",
            error.Invalid => "!INVALID",
            error.Denied => "!DENIED",
            error.Timeout => "!TIMEOUT",
            error.Unavailable => "!UNAVAILABLE",
            error.TooLarge => "!TOO_LARGE",
            error.Closed => "!CLOSED",
            else => @errorName(err),
        };
    }

    fn encode(bytes: []const u8) []const u8 {
        if (bytes.len == 0) return "\"\"";
        if (bytes.len > 256) return print("*{d}:{x:0>8}", .{ bytes.len, std.hash.Fnv1a_32.hash(bytes) });
        var text: std.ArrayList(u8) = .empty;
        for (bytes) |c| switch (c) {
            'A'...'Z', 'a'...'z', '0'...'9', '-', '.', '_', '~', '/', ':' => text.append(wasmlane.allocator, c) catch @panic("out of memory"),
            else => text.appendSlice(wasmlane.allocator, print("%{X:0>2}", .{c})) catch @panic("out of memory"),
        };
        return text.items;
    }
};

fn print(comptime format: []const u8, arguments: anytype) []const u8 {
    return std.fmt.allocPrint(wasmlane.allocator, format, arguments) catch @panic("out of memory");
}
