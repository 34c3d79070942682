//! What Unicode says about characters. Text is UTF-8: it comes out of JSON.

const std = @import("std");
const allocator = @import("wasmlane").allocator;
const tables = @import("tables.zig");

pub fn isControl(c: u21) bool {
    return c < 0x20 or (c >= 0x7f and c < 0xa0);
}

pub fn isSpace(c: u21) bool {
    return switch (c) {
        '\t'...'\r', ' ', 0x85, 0xa0, 0x1680, 0x2000...0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000 => true,
        else => false,
    };
}

pub fn isLetterOrDigit(c: u21) bool {
    var low: usize = 0;
    var high: usize = tables.letters_and_digits.len;
    while (low < high) {
        const middle = (low + high) / 2;
        const first, const last = tables.letters_and_digits[middle];
        if (c < first) high = middle else if (c > last) low = middle + 1 else return true;
    }
    return false;
}

/// Returns how many characters a text has.
pub fn count(text: []const u8) usize {
    var n: usize = 0;
    var it = points(text);
    while (it.nextCodepoint()) |_| n += 1;
    return n;
}

/// Reports whether a character of a text is of a kind.
pub fn any(text: []const u8, comptime is: fn (u21) bool) bool {
    var it = points(text);
    while (it.nextCodepoint()) |c| if (is(c)) return true;
    return false;
}

/// Returns a text without white space around it.
pub fn trim(text: []const u8) []const u8 {
    var from: usize = text.len;
    var to: usize = 0;
    var it = points(text);
    while (true) {
        const start = it.i;
        const c = it.nextCodepoint() orelse break;
        if (isSpace(c)) continue;
        from = @min(from, start);
        to = it.i;
    }
    return if (from < to) text[from..to] else "";
}

/// Returns a text in lower case, each character for itself.
pub fn toLower(text: []const u8) []const u8 {
    var lower: std.ArrayList(u8) = .empty;
    var it = points(text);
    while (it.nextCodepoint()) |c| {
        var buf: [4]u8 = undefined;
        const n = std.unicode.utf8Encode(lowerOf(c), &buf) catch unreachable;
        lower.appendSlice(allocator, buf[0..n]) catch @panic("out of memory");
    }
    return lower.items;
}

fn lowerOf(c: u21) u21 {
    if (c < 0x80) return std.ascii.toLower(@intCast(c));
    for (tables.cases) |case| {
        if (c < case.first) break;
        if (c <= case.last and (c - case.first) % case.step == 0) return @intCast(@as(i32, c) + case.delta);
    }
    return c;
}

fn points(text: []const u8) std.unicode.Utf8Iterator {
    return .{ .bytes = text, .i = 0 };
}
