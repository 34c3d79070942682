//! One command of a script, and how far its words have been read.

const std = @import("std");
const allocator = @import("wasmlane").allocator;

pub const Script = struct {
    name: []const u8,
    words: std.mem.SplitIterator(u8, .scalar),
    /// A word is missing, or is no number where there should be one.
    bad: bool = false,

    pub fn init(command: []const u8) Script {
        var words = std.mem.splitScalar(u8, command, ' ');
        return .{ .name = words.first(), .words = words };
    }

    pub fn more(s: *Script) bool {
        return s.words.peek() != null;
    }

    /// The next word as it stands.
    pub fn word(s: *Script) []const u8 {
        return s.words.next() orelse {
            s.bad = true;
            return "";
        };
    }

    /// The bytes that the next word stands for.
    pub fn bytes(s: *Script) []const u8 {
        const text = s.word();
        if (std.mem.eql(u8, text, "\"\"")) return "";
        if (std.mem.startsWith(u8, text, "*")) {
            const many = allocator.alloc(u8, @intCast(s.parse(text[1..]))) catch @panic("out of memory");
            @memset(many, 'x');
            return many;
        }
        const copy = allocator.dupe(u8, text) catch @panic("out of memory");
        return std.Uri.percentDecodeInPlace(copy);
    }

    pub fn number(s: *Script) i64 {
        return s.parse(s.word());
    }

    /// A number that must not be negative.
    pub fn index(s: *Script) u32 {
        return std.math.cast(u32, s.number()) orelse {
            s.bad = true;
            return 0;
        };
    }

    fn parse(s: *Script, text: []const u8) i64 {
        return std.fmt.parseInt(i64, text, 10) catch {
            s.bad = true;
            return 0;
        };
    }
};
