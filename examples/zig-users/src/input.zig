//! What clients send.

const std = @import("std");
const wasmlane = @import("wasmlane");
const unicode = @import("unicode.zig");
const bad = wasmlane.httpError;

// Limits of what a client may send.
const max_name = 200; // characters
const max_email = 254; // bytes, as mail servers have it
const max_local_part = 64; // bytes before the "@"
const default_page = 20;
const max_page = 100;

/// The body of POST and PUT.
pub const Input = struct {
    name: []const u8 = "",
    /// In the one form in which addresses are compared.
    email: []const u8 = "",
};

/// Decodes and checks a body.
pub fn read(r: *wasmlane.Request) !Input {
    var in = try decode(try r.json());
    in.name = unicode.trim(in.name);
    if (in.name.len == 0) return bad(400, "\"name\" is required", .{});
    if (unicode.count(in.name) > max_name) return bad(400, "\"name\" has more than {d} characters", .{max_name});
    if (unicode.any(in.name, unicode.isControl)) return bad(400, "\"name\" has control characters", .{});
    in.email = unicode.toLower(unicode.trim(in.email));
    if (in.email.len == 0) return bad(400, "\"email\" is required", .{});
    if (!validEmail(in.email)) return bad(400, "\"email\" is no email address; write one such as \"ada@example.com\"", .{});
    return in;
}

fn decode(body: wasmlane.json.Value) !Input {
    var in: Input = .{};
    if (body == .null) return in;
    if (body != .object) return bad(400, "the body must be an object, not {s}", .{body.what()});
    for (body.object) |member| {
        const name, const field = if (std.ascii.eqlIgnoreCase(member.name, "name"))
            .{ "name", &in.name }
        else if (std.ascii.eqlIgnoreCase(member.name, "email"))
            .{ "email", &in.email }
        else
            return bad(400, "the body does not fit: unknown field \"{s}\"", .{member.name});
        switch (member.value) {
            .null => {},
            .string => |text| field.* = text,
            else => return bad(400, "\"{s}\" must be a string, not {s}", .{ name, member.value.what() }),
        }
    }
    return in;
}

// validEmail checks the form local@domain. Whether there is such a mailbox only a
// message to it can tell.
fn validEmail(email: []const u8) bool {
    const local, const domain = std.mem.cutScalar(u8, email, '@') orelse return false;
    if (local.len == 0 or local.len > max_local_part or email.len > max_email) return false;
    if (unicode.any(local, notInLocalPart)) return false;
    var labels = std.mem.splitScalar(u8, domain, '.');
    var n: usize = 0;
    while (labels.next()) |label| : (n += 1) if (!validLabel(label)) return false;
    return n > 1;
}

fn notInLocalPart(c: u21) bool {
    return unicode.isSpace(c) or unicode.isControl(c) or switch (c) {
        '@', '"', '(', ')', ',', ':', ';', '<', '>', '[', '\\', ']' => true,
        else => false,
    };
}

// validLabel checks one part of a domain's name.
fn validLabel(label: []const u8) bool {
    if (label.len == 0 or label.len > 63 or label[0] == '-' or label[label.len - 1] == '-') return false;
    return !unicode.any(label, notInLabel);
}

fn notInLabel(c: u21) bool {
    return c != '-' and !unicode.isLetterOrDigit(c);
}

/// Returns the {id} of the route. One that no user can have is answered as one that no
/// user has.
pub fn pathID(r: *wasmlane.Request) !i64 {
    const text = r.param("id") orelse "";
    return parseID(text) orelse bad(404, "user {s} does not exist", .{text});
}

// parseID reads an id in the one form in which it is given out.
fn parseID(text: []const u8) ?i64 {
    if (text.len == 0 or text[0] == '0') return null;
    return decimal(text);
}

// decimal reads digits that are a number of i64.
fn decimal(text: []const u8) ?i64 {
    // parseInt takes "_" and signs.
    for (text) |c| if (!std.ascii.isDigit(c)) return null;
    return std.fmt.parseInt(i64, text, 10) catch null;
}

/// What part of a list a client asks for.
pub const Page = struct { limit: usize = default_page, after: i64 = 0 };

pub fn readPage(r: *wasmlane.Request) !Page {
    var page: Page = .{};
    const limit = r.query("limit") orelse "";
    if (limit.len > 0) {
        const n = decimal(if (limit[0] == '+') limit[1..] else limit) orelse 0;
        if (n < 1 or n > max_page) return bad(400, "\"limit\" must be a number from 1 to {d}", .{max_page});
        page.limit = @intCast(n);
    }
    const after = r.query("after") orelse "";
    if (after.len > 0) {
        page.after = parseID(after) orelse return bad(400, "\"after\" must be the \"next\" of the page before", .{});
    }
    return page;
}
