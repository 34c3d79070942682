//! Requests to other services.

const std = @import("std");
const host = @import("imports.zig");
const memory = @import("memory.zig");
const errors = @import("errors.zig");
const Error = errors.Error;

/// A request to another service. Host, framing, hop-by-hop names and X-Request-Id are
/// the host's to set. The request id and the trace context travel along by themselves.
pub const CallRequest = struct {
    method: []const u8 = "GET",
    /// With the query: "/users?limit=5".
    path: []const u8,
    headers: []const Header = &.{},
    body: []const u8 = "",
};

pub const Header = struct { name: []const u8, value: []const u8 };

/// Sends a request to a service, by the name it has in host.toml, or to an absolute
/// origin such as "https://api.example.com"; host.toml grants both, with calls and
/// outbound. The time that is left for this request bounds the call.
///
/// Any status is an answer. An error says that there is none: error.Timeout,
/// error.Unavailable, error.Denied, error.Invalid for a malformed request, or
/// error.TooLarge.
pub fn call(target: []const u8, request: CallRequest) Error!CallResponse {
    const head = headOf(request) orelse {
        try errors.check("call", target, -2);
        unreachable;
    };
    const handle = host.call(target.ptr, length(target), head.ptr, length(head), request.body.ptr, length(request.body));
    try errors.check("call", target, handle);
    const answer: CallResponse = .{ .handle = handle, .target = target };
    _ = try answer.status();
    return answer;
}

/// A service's answer. It ends with the request; close it when a handler makes more
/// than a few calls, for no more than 16 may be open at once.
pub const CallResponse = struct {
    handle: i32,
    target: []const u8,

    /// The status. It fails once the answer is closed.
    pub fn status(c: CallResponse) Error!u32 {
        const code = host.call_status(c.handle);
        try errors.check("call_status", c.target, code);
        return @intCast(code);
    }

    /// The first value of a header, or error.Absent.
    pub fn header(c: CallResponse, name: []const u8) Error![]const u8 {
        return c.headerAt(name, 0);
    }

    /// The index-th value of a header, from 0.
    pub fn headerAt(c: CallResponse, name: []const u8, index: u32) Error![]const u8 {
        switch (memory.fetch(host.call_header, .{ c.handle, name.ptr, length(name), index })) {
            .value => |value| return value,
            .code => |code| try errors.check("call_header", name, code),
        }
        unreachable;
    }

    /// Returns what is left of the body.
    pub fn body(c: CallResponse) Error![]u8 {
        switch (memory.readAll(host.call_body, .{c.handle}, -1)) {
            .value => |value| return value,
            .code => |code| try errors.check("call_body", c.target, code),
        }
        unreachable;
    }

    /// Reads on in the body and returns the part of the buffer that was filled; none is
    /// the end.
    pub fn read(c: CallResponse, buf: []u8) Error![]u8 {
        if (buf.len == 0) return buf;
        const n = host.call_body(c.handle, buf.ptr, length(buf));
        try errors.check("call_body", c.target, n);
        return buf[0..@intCast(n)];
    }

    /// Gives the answer back. The handler's return does so, too.
    pub fn close(c: CallResponse) void {
        host.call_close(c.handle);
    }
};

// headOf returns the request line and the headers, or null when a part could be read
// as two: the host sees lines, and a line end in a value would make one more of them.
fn headOf(r: CallRequest) ?[]const u8 {
    if (!oneWord(r.method) or !oneWord(r.path)) return null;
    var size = r.method.len + r.path.len + 2;
    for (r.headers) |h| {
        if (!oneWord(h.name) or std.mem.findScalar(u8, h.name, ':') != null or std.mem.findScalar(u8, h.value, '\n') != null) return null;
        size += h.name.len + h.value.len + 3;
    }
    const head = memory.take(size);
    var rest = put(put(put(put(head, r.method), " "), r.path), "\n");
    for (r.headers) |h| rest = put(put(put(put(rest, h.name), ": "), h.value), "\n");
    return head;
}

fn put(into: []u8, text: []const u8) []u8 {
    @memcpy(into[0..text.len], text);
    return into[text.len..];
}

fn oneWord(text: []const u8) bool {
    return text.len > 0 and std.mem.findAny(u8, text, " \n") == null;
}

fn length(bytes: []const u8) u32 {
    return @intCast(bytes.len);
}
