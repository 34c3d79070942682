//! What the client sent.

const std = @import("std");
const host = @import("imports.zig");
const memory = @import("memory.zig");
const errors = @import("errors.zig");
const Error = errors.Error;
const JSON = @import("json.zig");

/// The request. Nothing of it is copied into the plugin before it is asked for: each
/// function asks the host. What they return lasts until the request ends. All text is
/// bytes, whether or not it is UTF-8.
pub const Request = struct {
    whole: ?[]u8 = null,
    taken: usize = 0,

    /// The method, such as "GET". A HEAD request that is answered by a GET route says "HEAD".
    pub fn method(_: *Request) []const u8 {
        return field(0);
    }
    /// The path, percent-decoded.
    pub fn path(_: *Request) []const u8 {
        return field(1);
    }
    /// The query as it was sent, without the "?".
    pub fn rawQuery(_: *Request) []const u8 {
        return field(2);
    }
    /// The request target as it was sent: path and query.
    pub fn target(_: *Request) []const u8 {
        return field(3);
    }
    /// The Host header.
    pub fn hostName(_: *Request) []const u8 {
        return field(4);
    }
    /// "http" or "https".
    pub fn scheme(_: *Request) []const u8 {
        return field(5);
    }
    /// The client's address, without a port.
    pub fn remoteAddr(_: *Request) []const u8 {
        return field(6);
    }
    /// "HTTP/1.1" or "HTTP/1.0".
    pub fn protocol(_: *Request) []const u8 {
        return field(7);
    }
    /// The route's pattern, such as "/users/{id}".
    pub fn route(_: *Request) []const u8 {
        return field(8);
    }
    /// The request id, which is in the log and in the answer's X-Request-Id.
    pub fn id(_: *Request) []const u8 {
        return field(9);
    }

    /// The value of a {name} of the route, percent-decoded; null when there is none of
    /// that name.
    pub fn param(_: *Request, name: []const u8) ?[]const u8 {
        return optional(memory.fetch(host.param, .{ name.ptr, length(name) }));
    }

    /// The first value of a query key, decoded as forms are; null when there is none.
    pub fn query(r: *Request, name: []const u8) ?[]const u8 {
        return r.queryAt(name, 0);
    }
    /// The index-th value, from 0.
    pub fn queryAt(_: *Request, name: []const u8, index: u32) ?[]const u8 {
        return optional(memory.fetch(host.query, .{ name.ptr, length(name), index }));
    }

    /// The first value of a header, whose name may be in any case; null when there is none.
    pub fn header(r: *Request, name: []const u8) ?[]const u8 {
        return r.headerAt(name, 0);
    }
    /// The index-th value, from 0.
    pub fn headerAt(_: *Request, name: []const u8, index: u32) ?[]const u8 {
        return optional(memory.fetch(host.header, .{ name.ptr, length(name), index }));
    }
    /// The index-th distinct name of a header, from 0, in lower case; null past the last.
    pub fn headerName(_: *Request, index: u32) ?[]const u8 {
        return optional(memory.fetch(host.header_name, .{index}));
    }

    /// The Content-Length, 0 when there is no body, null when its length is not known
    /// beforehand.
    pub fn bodySize(_: *Request) ?u64 {
        const size = host.body_size();
        return if (size < 0) null else @intCast(size);
    }

    /// Returns the whole body, or what read has left of it. Later calls return the same.
    pub fn body(r: *Request) Error![]u8 {
        if (r.whole) |whole| return whole;
        const size = host.body_size();
        switch (memory.readAll(host.body, .{}, if (size > 0) size - @as(i64, @intCast(r.taken)) else size)) {
            .code => |code| try errors.check("body", "", code),
            .value => |value| r.whole = value,
        }
        return r.whole.?;
    }

    /// Reads on in the body and returns the part of the buffer that was filled; none is
    /// the end. After body it finds the end.
    pub fn read(r: *Request, buf: []u8) Error![]u8 {
        if (buf.len == 0) return buf;
        const n = host.body(buf.ptr, length(buf));
        try errors.check("body", "", n);
        r.taken += @intCast(n);
        return buf[0..@intCast(n)];
    }

    /// Reads the body as one JSON value. What is wrong with it is an error with status
    /// 400 and a message for the client: return it as it is.
    pub fn json(r: *Request) (Error || error{HttpError})!JSON.Value {
        const text = try r.body();
        var reader: JSON.Reader = .{ .text = text, .allocator = memory.allocator };
        return reader.whole() catch {
            const at = reader.at;
            if (reader.more) return errors.httpError(400, "the body must be one JSON value, and there is more after byte {d}", .{at});
            if (!reader.early) return errors.httpError(400, "the body is not valid JSON at {s}", .{reader.problem()});
            if (std.mem.trim(u8, text, " \t\r\n").len == 0) return errors.httpError(400, "the body is empty; it must be JSON", .{});
            return errors.httpError(400, "the body is not valid JSON: it ends too early", .{});
        };
    }
};

fn field(index: u32) []const u8 {
    return optional(memory.fetch(host.request, .{index})) orelse "";
}

fn optional(fetched: anytype) ?[]const u8 {
    return switch (fetched) {
        .value => |value| value,
        .code => null,
    };
}

fn length(bytes: []const u8) u32 {
    return @intCast(bytes.len);
}
