//! JSON: a writer, and a reader beside it in json_reader.zig.

const std = @import("std");
const Allocator = std.mem.Allocator;

pub const Value = @import("json_reader.zig").Value;
pub const Member = @import("json_reader.zig").Member;
pub const Reader = @import("json_reader.zig").Reader;
pub const parse = @import("json_reader.zig").parse;

/// Writes JSON, compactly, in the order of its calls; commas and colons come by
/// themselves:
///
///     var out: json.Writer = .init(wasmlane.allocator);
///     out.object();
///     out.key("id");
///     out.string("7");
///     out.end();
///
/// Characters that mean something in HTML, and the line separators U+2028 and U+2029,
/// are escaped; bytes that are no UTF-8 become U+FFFD. Memory that runs out is a panic.
pub const Writer = struct {
    allocator: Allocator,
    buffer: std.ArrayList(u8) = .empty,
    closing: std.ArrayList(u8) = .empty,
    comma: bool = false,

    pub fn init(allocator: Allocator) Writer {
        return .{ .allocator = allocator };
    }

    pub fn deinit(out: *Writer) void {
        out.buffer.deinit(out.allocator);
        out.closing.deinit(out.allocator);
    }

    /// Returns what has been written. It must not be used after the next call.
    pub fn bytes(out: *Writer) []const u8 {
        if (out.closing.items.len > 0) @panic("json.Writer: an object or array has not ended");
        return out.buffer.items;
    }

    /// Begins an object; end ends it.
    pub fn object(out: *Writer) void {
        out.open('{', '}');
    }

    /// Begins an array; end ends it.
    pub fn array(out: *Writer) void {
        out.open('[', ']');
    }

    /// Ends the object or array that began last.
    pub fn end(out: *Writer) void {
        const last = out.closing.pop() orelse @panic("json.Writer: end without object or array");
        out.raw(&.{last});
        out.comma = true;
    }

    /// Writes the name of the value that follows.
    pub fn key(out: *Writer, name: []const u8) void {
        out.string(name);
        out.raw(":");
        out.comma = false;
    }

    /// Writes a string.
    pub fn string(out: *Writer, text: []const u8) void {
        out.separate();
        out.raw("\"");
        var rest = text;
        while (rest.len > 0) {
            const n = sequence(rest);
            if (n == 0) {
                out.raw("\\ufffd");
                rest = rest[1..];
                continue;
            }
            const c = rest[0..n];
            rest = rest[n..];
            if (n == 3 and c[0] == 0xe2 and c[1] == 0x80 and c[2] & 0xfe == 0xa8) {
                out.raw(if (c[2] == 0xa8) "\\u2028" else "\\u2029");
                continue;
            }
            switch (c[0]) {
                '"' => out.raw("\\\""),
                '\\' => out.raw("\\\\"),
                8 => out.raw("\\b"),
                9 => out.raw("\\t"),
                10 => out.raw("\\n"),
                12 => out.raw("\\f"),
                13 => out.raw("\\r"),
                0...7, 11, 14...31, '<', '>', '&' => out.unicode(c[0]),
                else => out.raw(c),
            }
        }
        out.raw("\"");
    }

    /// Writes a whole number.
    pub fn integer(out: *Writer, n: i64) void {
        out.separate();
        var buf: [20]u8 = undefined;
        out.raw(std.fmt.bufPrint(&buf, "{d}", .{n}) catch unreachable);
    }

    /// Writes a number. JSON has no word for infinity and NaN: they become null.
    pub fn number(out: *Writer, n: f64) void {
        out.separate();
        if (!std.math.isFinite(n)) return out.raw("null");
        var buf: [512]u8 = undefined;
        out.raw(std.fmt.bufPrint(&buf, "{d}", .{n}) catch unreachable);
    }

    pub fn boolean(out: *Writer, b: bool) void {
        out.separate();
        out.raw(if (b) "true" else "false");
    }

    pub fn @"null"(out: *Writer) void {
        out.separate();
        out.raw("null");
    }

    /// Writes any value: a struct is an object, in which a field that is null is left
    /// out; []const u8 is a string, other slices and arrays are arrays; numbers, bool and
    /// optionals are what they are.
    pub fn value(out: *Writer, v: anytype) void {
        const T = @TypeOf(v);
        switch (@typeInfo(T)) {
            .bool => out.boolean(v),
            .int, .comptime_int => out.integer(@intCast(v)),
            .float, .comptime_float => out.number(v),
            .null => out.null(),
            .optional => if (v) |some| out.value(some) else out.null(),
            .@"enum" => out.string(@tagName(v)),
            .pointer => |p| switch (p.size) {
                .one => switch (@typeInfo(p.child)) {
                    .array => |a| out.value(@as([]const a.child, v)),
                    else => out.value(v.*),
                },
                .slice => if (p.child == u8) out.string(v) else out.items(v),
                else => @compileError("json.Writer: " ++ @typeName(T) ++ " has no length"),
            },
            .array => out.value(@as([]const std.meta.Child(T), &v)),
            .@"struct" => out.fields(v),
            else => @compileError("json.Writer: " ++ @typeName(T) ++ " is nothing that JSON has; write it with the functions of the writer"),
        }
    }

    fn items(out: *Writer, list: anytype) void {
        out.array();
        for (list) |item| out.value(item);
        out.end();
    }

    fn fields(out: *Writer, v: anytype) void {
        out.object();
        inline for (comptime std.meta.fieldNames(@TypeOf(v))) |name| {
            const field = @field(v, name);
            if (@typeInfo(@TypeOf(field)) != .optional) {
                out.key(name);
                out.value(field);
            } else if (field) |some| {
                out.key(name);
                out.value(some);
            }
        }
        out.end();
    }

    /// Writes text as it is, without a comma before it.
    pub fn raw(out: *Writer, text: []const u8) void {
        out.buffer.appendSlice(out.allocator, text) catch @panic("out of memory");
    }

    /// Writes text in quotes for a message: only what must be is escaped, and DEL.
    pub fn quoted(out: *Writer, text: []const u8) void {
        out.raw("\"");
        var rest = text;
        while (rest.len > 0) {
            const n = sequence(rest);
            const c = rest[0];
            if (n == 0) {
                out.raw("\u{fffd}");
            } else if (c == '"' or c == '\\') {
                out.raw(&.{ '\\', c });
            } else if (c < ' ' or c == 0x7f) {
                out.unicode(c);
            } else {
                out.raw(rest[0..n]);
            }
            rest = rest[@max(n, 1)..];
        }
        out.raw("\"");
    }

    fn open(out: *Writer, first: u8, last: u8) void {
        out.separate();
        out.raw(&.{first});
        out.closing.append(out.allocator, last) catch @panic("out of memory");
        out.comma = false;
    }

    fn separate(out: *Writer) void {
        if (out.comma) out.raw(",");
        out.comma = true;
    }

    fn unicode(out: *Writer, c: u8) void {
        const hex = "0123456789abcdef";
        out.raw(&.{ '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] });
    }
};

/// Returns how many bytes the first character of a text has as UTF-8, or 0 when it is
/// none: cut off, too long for its value, a surrogate, or over U+10FFFF.
pub fn sequence(text: []const u8) usize {
    const first = text[0];
    if (first < 0x80) return 1;
    const n: usize = switch (first) {
        0xc2...0xdf => 2,
        0xe0...0xef => 3,
        0xf0...0xf4 => 4,
        else => return 0,
    };
    if (text.len < n) return 0;
    const least: u8 = if (first == 0xe0) 0xa0 else if (first == 0xf0) 0x90 else 0x80;
    const most: u8 = if (first == 0xed) 0x9f else if (first == 0xf4) 0x8f else 0xbf;
    if (text[1] < least or text[1] > most) return 0;
    for (text[2..n]) |c| if (c & 0xc0 != 0x80) return 0;
    return n;
}

test {
    _ = @import("json_test.zig");
}
