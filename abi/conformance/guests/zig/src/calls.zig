//! The commands about calls.

const std = @import("std");
const wasmlane = @import("wasmlane");
const is = @import("main.zig").is;
const Script = @import("script.zig").Script;
const Out = @import("out.zig").Out;

/// The answers that a script has got, by slot.
pub const State = struct { answers: std.ArrayList(wasmlane.CallResponse) = .empty };

pub fn command(script: *Script, state: *State, out: *Out) bool {
    const name = script.name;
    if (is(name, "call")) {
        call(script, state, out);
        return true;
    }
    if (!std.mem.startsWith(u8, name, "call_")) return false;
    const slot = script.index();
    if (script.bad or slot >= state.answers.items.len) return false;
    const answer = state.answers.items[slot];
    if (is(name, "call_status")) {
        out.result(answer.status());
    } else if (is(name, "call_body")) {
        out.result(answer.body());
    } else if (is(name, "call_header")) {
        const header = script.bytes();
        const index = script.index();
        if (script.bad) return false;
        out.result(answer.headerAt(header, index));
    } else if (is(name, "call_part")) {
        const buf = wasmlane.allocator.alloc(u8, script.index()) catch @panic("out of memory");
        if (script.bad) return false;
        out.result(answer.read(buf));
    } else if (is(name, "call_close")) {
        answer.close();
        out.line("ok");
    } else return false;
    return true;
}

fn call(script: *Script, state: *State, out: *Out) void {
    const target = script.bytes();
    var request: wasmlane.CallRequest = .{ .method = script.bytes(), .path = script.bytes(), .body = script.bytes() };
    var headers: std.ArrayList(wasmlane.Header) = .empty;
    while (script.more()) {
        const header: wasmlane.Header = .{ .name = script.bytes(), .value = script.bytes() };
        headers.append(wasmlane.allocator, header) catch @panic("out of memory");
    }
    if (script.bad) return;
    request.headers = headers.items;
    const answer = wasmlane.call(target, request) catch |err| return out.result(err);
    state.answers.append(wasmlane.allocator, answer) catch @panic("out of memory");
    out.result(state.answers.items.len - 1);
}
