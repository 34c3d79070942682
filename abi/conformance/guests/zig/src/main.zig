//! The conformance plugin in Zig: abi/conformance/README.md says what it does.

const std = @import("std");
const wasmlane = @import("wasmlane");
const Script = @import("script.zig").Script;
const Out = @import("out.zig").Out;
const requests = @import("requests.zig");
const store = @import("store.zig");
const calls = @import("calls.zig");

pub const panic = wasmlane.panic;

comptime {
    wasmlane.initializer(initialize);
    wasmlane.handler("run", run);
}

var remembered: []const u8 = "";
var found: struct { config: []const u8 = "", absent: []const u8 = "", get: []const u8 = "", set: []const u8 = "" } = .{};

fn initialize() !void {
    wasmlane.log.info("conformance: init", .{});
    found = .{
        .config = Out.textOf(wasmlane.config("greeting") orelse error.Absent),
        .absent = Out.textOf(wasmlane.config("nothing") orelse error.Absent),
        .get = Out.textOf(wasmlane.kv.get("seed")),
        .set = Out.textOf(wasmlane.kv.set("seed", "changed")),
    };
}

fn run(w: *wasmlane.Response, r: *wasmlane.Request) !void {
    var out: Out = .{};
    var state: calls.State = .{};
    var commands = std.mem.splitScalar(u8, r.header("script") orelse "", ';');
    while (commands.next()) |text| {
        var script = Script.init(text);
        const name = script.name;
        if (is(name, "json")) return json(w, &script);
        if (is(name, "error")) {
            const status = script.number();
            return wasmlane.httpError(@intCast(status), "{s}", .{script.bytes()});
        }
        if (is(name, "fail")) return wasmlane.failure("{s}", .{script.bytes()});
        if (is(name, "tell")) {
            wasmlane.log.text(.info, std.mem.join(wasmlane.allocator, " ", out.lines.items) catch unreachable);
            continue;
        }
        const known = command(&script, &out) or response(&script, w, &out) or
            requests.command(&script, r, &out) or store.command(&script, &out) or calls.command(&script, &state, &out);
        if (!known or script.bad) out.line("?");
        out.next();
    }
    for (out.lines.items) |line| {
        try w.write(line);
        try w.write("\n");
    }
}

pub fn is(a: []const u8, b: []const u8) bool {
    return std.mem.eql(u8, a, b);
}

fn json(w: *wasmlane.Response, script: *Script) !void {
    var body: wasmlane.json.Writer = .init(wasmlane.allocator);
    body.object();
    body.key(script.bytes());
    body.string(script.bytes());
    body.end();
    body.raw("\n");
    try w.begin(200, "application/json");
    return w.write(body.bytes());
}

fn command(script: *Script, out: *Out) bool {
    const name = script.name;
    if (is(name, "log")) {
        const level = std.meta.stringToEnum(enum { debug, info, warn, @"error" }, script.word()) orelse return false;
        const message = script.bytes();
        if (script.bad) return false;
        wasmlane.log.text(@fromBackingInt(@intCast(@backingInt(level))), message);
        out.line("ok");
    } else if (is(name, "config")) {
        out.result(wasmlane.config(script.bytes()) orelse error.Absent);
    } else if (is(name, "random")) {
        out.result(wasmlane.random.generator().int(u32));
    } else if (is(name, "trap")) {
        @panic("conformance: trap");
    } else if (is(name, "spin")) {
        while (true) std.mem.doNotOptimizeAway(script);
    } else if (is(name, "remember")) {
        remembered = script.bytes();
        out.line("ok");
    } else if (is(name, "recall")) {
        out.result(remembered);
    } else if (is(name, "init")) {
        const what = script.word();
        inline for (comptime std.meta.fieldNames(@TypeOf(found))) |field| {
            if (is(what, field)) out.line(@field(found, field));
        }
        return out.current.len > 0;
    } else return false;
    return true;
}

fn response(script: *Script, w: *wasmlane.Response, out: *Out) bool {
    const name = script.name;
    if (is(name, "status")) {
        const code = script.number();
        if (script.bad) return false;
        w.status(@intCast(code));
        out.line("ok");
    } else if (is(name, "set_header") or is(name, "add_header")) {
        const header = script.bytes();
        const value = script.bytes();
        if (script.bad) return false;
        out.result(if (name[0] == 's') w.setHeader(header, value) else w.addHeader(header, value));
    } else if (is(name, "write")) {
        const data = script.bytes();
        if (script.bad) return false;
        out.result(w.write(data));
    } else if (is(name, "flush")) {
        out.result(w.flush());
    } else if (is(name, "drip")) {
        const rounds = script.number();
        const data = script.bytes();
        if (script.bad) return false;
        out.result(drip(w, rounds, data));
    } else return false;
    return true;
}

fn drip(w: *wasmlane.Response, rounds: i64, data: []const u8) wasmlane.Error!i64 {
    var n: i64 = 0;
    while (n < rounds) : (n += 1) {
        try w.write(data);
        try w.flush();
    }
    return n;
}
