//! The commands about the store.

const std = @import("std");
const wasmlane = @import("wasmlane");
const is = @import("main.zig").is;
const Script = @import("script.zig").Script;
const Out = @import("out.zig").Out;
const kv = wasmlane.kv;

pub fn command(script: *Script, out: *Out) bool {
    const name = script.name;
    if (!std.mem.startsWith(u8, name, "kv_")) return false;
    const key = script.bytes();
    if (script.bad) return false;
    if (is(name, "kv_get")) {
        out.result(kv.get(key));
    } else if (is(name, "kv_delete")) {
        out.result(kv.delete(key));
    } else if (is(name, "kv_keys")) {
        out.line(keys(key) catch |err| Out.textOf(err));
    } else if (is(name, "kv_add")) {
        const delta = script.number();
        if (script.bad) return false;
        out.result(kv.add(key, delta));
    } else {
        const value = script.bytes();
        if (script.bad) return false;
        if (is(name, "kv_set")) {
            out.result(kv.set(key, value));
        } else if (is(name, "kv_create")) {
            out.result(kv.create(key, value));
        } else if (is(name, "kv_list")) {
            out.result(kv.nextKey(key, value));
        } else if (is(name, "kv_swap")) {
            const new = script.bytes();
            if (script.bad) return false;
            out.result(kv.compareAndSwap(key, value, new));
        } else return false;
    }
    return true;
}

fn keys(prefix: []const u8) wasmlane.Error![]const u8 {
    var all: std.ArrayList([]const u8) = .empty;
    var walk = kv.list(prefix, "");
    while (try walk.next()) |key| all.append(wasmlane.allocator, Out.textOf(key)) catch @panic("out of memory");
    if (all.items.len == 0) return "none";
    return std.mem.join(wasmlane.allocator, " ", all.items) catch @panic("out of memory");
}
