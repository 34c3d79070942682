//! The commands about the request.

const std = @import("std");
const wasmlane = @import("wasmlane");
const is = @import("main.zig").is;
const Script = @import("script.zig").Script;
const Out = @import("out.zig").Out;

pub fn command(script: *Script, r: *wasmlane.Request, out: *Out) bool {
    const name = script.name;
    if (is(name, "request")) {
        out.result(field(script.word(), r) orelse return false);
    } else if (is(name, "param")) {
        out.result(r.param(script.bytes()) orelse error.Absent);
    } else if (is(name, "query") or is(name, "header")) {
        const key = script.bytes();
        const index = script.index();
        if (script.bad) return false;
        out.result((if (name[0] == 'q') r.queryAt(key, index) else r.headerAt(key, index)) orelse error.Absent);
    } else if (is(name, "header_name")) {
        out.result(r.headerName(script.index()) orelse error.Absent);
    } else if (is(name, "body_size")) {
        out.result(if (r.bodySize()) |size| @as(i64, @intCast(size)) else -1);
    } else if (is(name, "body")) {
        out.result(body(r));
    } else if (is(name, "body_part")) {
        const buf = wasmlane.allocator.alloc(u8, script.index()) catch @panic("out of memory");
        if (script.bad) return false;
        out.result(r.read(buf));
    } else return false;
    return true;
}

// What is left: r.body gives the same again when it is asked again, so that the first
// byte, if there is one, is read by itself.
fn body(r: *wasmlane.Request) wasmlane.Error![]const u8 {
    var buf: [1]u8 = undefined;
    const first = try r.read(&buf);
    if (first.len == 0) return "";
    return std.mem.concat(wasmlane.allocator, u8, &.{ first, try r.body() }) catch @panic("out of memory");
}

fn field(name: []const u8, r: *wasmlane.Request) ?[]const u8 {
    const Field = enum { method, path, query, target, host, scheme, remote_addr, protocol, route, request_id };
    return switch (std.meta.stringToEnum(Field, name) orelse return null) {
        .method => r.method(),
        .path => r.path(),
        .query => r.rawQuery(),
        .target => r.target(),
        .host => r.hostName(),
        .scheme => r.scheme(),
        .remote_addr => r.remoteAddr(),
        .protocol => r.protocol(),
        .route => r.route(),
        .request_id => r.id(),
    };
}
