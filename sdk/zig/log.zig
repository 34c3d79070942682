//! The host's log, which adds the plugin, the handler and the request id and escapes
//! control characters. A message is cut after 8 KiB.

const std = @import("std");
const host = @import("imports.zig");
const memory = @import("memory.zig");

pub const Level = enum(u32) { debug, info, warn, err };

pub fn debug(comptime format: []const u8, arguments: anytype) void {
    at(.debug, format, arguments);
}
pub fn info(comptime format: []const u8, arguments: anytype) void {
    at(.info, format, arguments);
}
pub fn warn(comptime format: []const u8, arguments: anytype) void {
    at(.warn, format, arguments);
}
pub fn err(comptime format: []const u8, arguments: anytype) void {
    at(.err, format, arguments);
}

/// Logs a message as it is.
pub fn text(level: Level, message: []const u8) void {
    host.log(@backingInt(level), message.ptr, @intCast(message.len));
}

fn at(level: Level, comptime format: []const u8, arguments: anytype) void {
    text(level, std.fmt.allocPrint(memory.allocator, format, arguments) catch @panic("out of memory"));
}
