//! The reader of JSON.

const std = @import("std");
const json = @import("json.zig");
const Allocator = std.mem.Allocator;

/// A JSON value that has been read.
pub const Value = union(enum) {
    null,
    boolean: bool,
    /// As it was written.
    number: []const u8,
    /// UTF-8, with U+FFFD for what was none.
    string: []const u8,
    array: []const Value,
    /// In their order; a name may occur twice, and the last one counts.
    object: []const Member,

    /// Returns the value of that name in an object, or null when there is none.
    pub fn get(v: Value, name: []const u8) ?Value {
        if (v != .object) return null;
        var i = v.object.len;
        while (i > 0) {
            i -= 1;
            if (std.mem.eql(u8, v.object[i].name, name)) return v.object[i].value;
        }
        return null;
    }

    /// Returns the string of that name in an object, or null when there is none.
    pub fn getString(v: Value, name: []const u8) ?[]const u8 {
        const found = v.get(name) orelse return null;
        return if (found == .string) found.string else null;
    }

    /// Returns the whole number of that name in an object, or null when there is none or
    /// it does not fit.
    pub fn getInteger(v: Value, name: []const u8) ?i64 {
        const found = v.get(name) orelse return null;
        return if (found == .number) std.fmt.parseInt(i64, found.number, 10) catch null else null;
    }

    /// What this is, for a message to a client: "a string".
    pub fn what(v: Value) []const u8 {
        return switch (v) {
            .null => "null",
            .boolean => "true or false",
            .number => "a number",
            .string => "a string",
            .array => "an array",
            .object => "an object",
        };
    }
};

pub const Member = struct { name: []const u8, value: Value };

/// Reads one JSON value and nothing after it. It allocates and frees nothing: give it
/// an arena, or wasmlane.allocator. A plugin that wants to say what is wrong uses a
/// Reader.
pub fn parse(allocator: Allocator, text: []const u8) error{Syntax}!Value {
    var reader: Reader = .{ .text = text, .allocator = allocator };
    return reader.whole();
}

/// How deeply arrays and objects may be nested.
const max_depth = 500;

/// Reads one JSON value and keeps what was wrong with it. Memory that runs out is a
/// panic.
pub const Reader = struct {
    text: []const u8,
    allocator: Allocator,
    /// The number of bytes that have been read.
    at: usize = 0,
    /// The text ended before the value did.
    early: bool = false,
    /// There is more after the value.
    more: bool = false,
    expected: []const u8 = "",
    depth: usize = 0,

    /// Returns the value; error.Syntax when the text is not exactly one.
    pub fn whole(r: *Reader) error{Syntax}!Value {
        const v = try r.value();
        const end = r.at;
        if (r.peek() == null) return v;
        r.at = end;
        r.more = true;
        return error.Syntax;
    }

    /// Says where and why whole has failed: `byte 7: there should be a value, not "x"`.
    pub fn problem(r: *Reader) []const u8 {
        if (r.more) return r.print("there is more after byte {d}", .{r.at});
        if (r.depth > max_depth) return r.print("byte {d}: nested more than {d} deep", .{ r.at, max_depth });
        if (r.early) return r.print("it ends too early, where there should be {s}", .{r.expected});
        const c = r.text[r.at];
        if (c > ' ' and c < 0x7f) {
            const quote = if (c == '"' or c == '\\') "\\" else "";
            return r.print("byte {d}: there should be {s}, not \"{s}{c}\"", .{ r.at + 1, r.expected, quote, c });
        }
        return r.print("byte {d}: there should be {s}, not byte 0x{x:0>2}", .{ r.at + 1, r.expected, c });
    }

    fn print(r: *Reader, comptime format: []const u8, arguments: anytype) []const u8 {
        return std.fmt.allocPrint(r.allocator, format, arguments) catch @panic("out of memory");
    }

    fn fail(r: *Reader, expected: []const u8) error{Syntax} {
        r.expected = expected;
        r.early = r.at >= r.text.len;
        return error.Syntax;
    }

    // peek skips white space and returns the next byte, or null at the end.
    fn peek(r: *Reader) ?u8 {
        while (r.here()) |c| : (r.at += 1) switch (c) {
            ' ', '\n', '\r', '\t' => {},
            else => return c,
        };
        return null;
    }

    fn here(r: *Reader) ?u8 {
        return if (r.at < r.text.len) r.text[r.at] else null;
    }

    fn value(r: *Reader) error{Syntax}!Value {
        switch (r.peek() orelse return r.fail("a value")) {
            '{' => return r.object(),
            '[' => return r.array(),
            '"' => return .{ .string = try r.string() },
            't' => return r.word("true", .{ .boolean = true }),
            'f' => return r.word("false", .{ .boolean = false }),
            'n' => return r.word("null", .null),
            '-', '0'...'9' => return r.number(),
            else => return r.fail("a value"),
        }
    }

    fn descend(r: *Reader) error{Syntax}!void {
        r.at += 1;
        r.depth += 1;
        if (r.depth > max_depth) return error.Syntax;
    }

    fn object(r: *Reader) error{Syntax}!Value {
        try r.descend();
        var members: std.ArrayList(Member) = .empty;
        if (r.peek() == '}') r.at += 1 else while (true) {
            if (r.peek() != '"') return r.fail("a name in quotes");
            const name = try r.string();
            if (r.peek() != ':') return r.fail("\":\"");
            r.at += 1;
            members.append(r.allocator, .{ .name = name, .value = try r.value() }) catch @panic("out of memory");
            const c = r.peek();
            if (c != ',' and c != '}') return r.fail("\",\" or \"}\"");
            r.at += 1;
            if (c == '}') break;
        }
        r.depth -= 1;
        return .{ .object = members.items };
    }

    fn array(r: *Reader) error{Syntax}!Value {
        try r.descend();
        var items: std.ArrayList(Value) = .empty;
        if (r.peek() == ']') r.at += 1 else while (true) {
            items.append(r.allocator, try r.value()) catch @panic("out of memory");
            const c = r.peek();
            if (c != ',' and c != ']') return r.fail("\",\" or \"]\"");
            r.at += 1;
            if (c == ']') break;
        }
        r.depth -= 1;
        return .{ .array = items.items };
    }

    fn word(r: *Reader, text: []const u8, v: Value) error{Syntax}!Value {
        for (text) |c| {
            if (r.here() != c) return r.fail(text);
            r.at += 1;
        }
        return v;
    }

    fn number(r: *Reader) error{Syntax}!Value {
        const from = r.at;
        if (r.here() == '-') r.at += 1;
        if (r.here() == '0') r.at += 1 else try r.digits();
        if (r.here() == '.') {
            r.at += 1;
            try r.digits();
        }
        if (r.here() == 'e' or r.here() == 'E') {
            r.at += 1;
            if (r.here() == '+' or r.here() == '-') r.at += 1;
            try r.digits();
        }
        return .{ .number = r.text[from..r.at] };
    }

    fn digits(r: *Reader) error{Syntax}!void {
        const from = r.at;
        while (r.here()) |c| : (r.at += 1) if (!std.ascii.isDigit(c)) break;
        if (r.at == from) return r.fail("a digit");
    }

    fn string(r: *Reader) error{Syntax}![]const u8 {
        r.at += 1;
        const from = r.at;
        while (r.here()) |c| : (r.at += 1) if (c < ' ' or c == '\\' or c >= 0x80) break else if (c == '"') {
            r.at += 1;
            return r.text[from .. r.at - 1];
        };
        var out: std.ArrayList(u8) = .empty;
        out.appendSlice(r.allocator, r.text[from..r.at]) catch @panic("out of memory");
        while (r.here()) |c| {
            if (c < ' ') return r.fail("no control character in a string");
            var buf: [4]u8 = undefined;
            var piece: []const u8 = "\u{fffd}";
            if (c == '"') {
                r.at += 1;
                return out.items;
            } else if (c == '\\') {
                r.at += 1;
                const point = try r.escape();
                piece = buf[0 .. std.unicode.utf8Encode(point, &buf) catch unreachable];
            } else {
                const n = json.sequence(r.text[r.at..]);
                if (n > 0) piece = r.text[r.at..][0..n];
                r.at += @max(n, 1);
            }
            out.appendSlice(r.allocator, piece) catch @panic("out of memory");
        }
        return r.fail("the end of a string");
    }

    // escape reads what follows a backslash. Half a surrogate pair alone is U+FFFD, and
    // what follows it stands for itself.
    fn escape(r: *Reader) error{Syntax}!u21 {
        const point: u21 = switch (r.here() orelse 0) {
            '"', '\\', '/' => |c| c,
            'b' => 8,
            'f' => 12,
            'n' => 10,
            'r' => 13,
            't' => 9,
            'u' => {
                r.at += 1;
                const unit = try r.hex();
                if (unit & 0xf800 != 0xd800) return unit;
                if (unit >= 0xdc00 or !std.mem.startsWith(u8, r.text[r.at..], "\\u")) return 0xfffd;
                const back = r.at;
                r.at += 2;
                const low = try r.hex();
                if (low & 0xfc00 == 0xdc00) return 0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff);
                r.at = back;
                return 0xfffd;
            },
            else => return r.fail("an escape such as \\n or \\u00e9"),
        };
        r.at += 1;
        return point;
    }

    fn hex(r: *Reader) error{Syntax}!u21 {
        var unit: u21 = 0;
        for (0..4) |_| {
            const digit = std.fmt.charToDigit(r.here() orelse 0, 16) catch return r.fail("four hexadecimal digits");
            unit = unit * 16 + digit;
            r.at += 1;
        }
        return unit;
    }
};
