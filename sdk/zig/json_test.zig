const std = @import("std");
const json = @import("json.zig");
const expect = std.testing.expect;
const same = std.testing.expectEqualStrings;

fn arena() std.heap.ArenaAllocator {
    return .init(std.testing.allocator);
}

test "the writer writes values" {
    var out: json.Writer = .init(std.testing.allocator);
    defer out.deinit();
    const nothing: ?u8 = null;
    out.value(.{ .a = .{ .x = @as(i64, -1) }, .b = "é", .c = nothing, .d = true, .e = [_]u32{ 1, 2 }, .f = 1.5, .g = @as(?[]const u8, "y"), .h = &[_][]const u8{ "p", "q" }, .i = null });
    try same("{\"a\":{\"x\":-1},\"b\":\"é\",\"d\":true,\"e\":[1,2],\"f\":1.5,\"g\":\"y\",\"h\":[\"p\",\"q\"],\"i\":null}", out.bytes());
}

test "the writer puts commas" {
    var out: json.Writer = .init(std.testing.allocator);
    defer out.deinit();
    out.object();
    out.key("a");
    out.array();
    out.integer(std.math.minInt(i64));
    out.number(3);
    out.number(std.math.nan(f64));
    out.array();
    out.end();
    out.object();
    out.end();
    out.end();
    out.key("b");
    out.null();
    out.end();
    try same("{\"a\":[-9223372036854775808,3,null,[],{}],\"b\":null}", out.bytes());
}

test "the writer escapes" {
    var out: json.Writer = .init(std.testing.allocator);
    defer out.deinit();
    out.string("\"\\/\x08\x0c\n\r\t\x00\x1f\x7f<>&é𝄞\u{2027}\u{2028}\u{2029}\xff\xed\xa0\x80");
    try same("\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\\u003c\\u003e\\u0026é𝄞\u{2027}\\u2028\\u2029\\ufffd\\ufffd\\ufffd\\ufffd\"", out.bytes());
    var message: json.Writer = .init(std.testing.allocator);
    defer message.deinit();
    message.quoted("a\"\\\n\x7fé<\xff");
    try same("\"a\\\"\\\\\\u000a\\u007fé<\u{fffd}\"", message.bytes());
}

test "the reader reads" {
    var memory = arena();
    defer memory.deinit();
    const v = try json.parse(memory.allocator(), " {\"a\": [1, -2.5e+3, \"x\", true, null, {}], \"b\": {\"c\": \"d\"}, \"n\": 9223372036854775807, \"b\": 7} ");
    try expect(v.object.len == 4);
    const a = v.get("a").?.array;
    try expect(a.len == 6 and a[3].boolean and a[4] == .null and a[5].object.len == 0);
    try same("-2.5e+3", a[1].number);
    try expect(v.getInteger("n") == std.math.maxInt(i64) and v.getInteger("b") == 7 and v.getInteger("a") == null);
    try expect(v.get("none") == null and v.getString("b") == null);
    try expect((try json.parse(memory.allocator(), "[]")).array.len == 0);
}

test "the reader resolves strings" {
    var memory = arena();
    defer memory.deinit();
    for ([_][2][]const u8{
        .{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD834\\udd1e\"", "\"\\/\x08\x0c\n\r\té𝄞" },
        .{ "\"\\ud834\"", "\u{fffd}" },
        .{ "\"\\udd1e\\ud834x\"", "\u{fffd}\u{fffd}x" },
        .{ "\"\\ud834\\ud834\\udd1e\"", "\u{fffd}𝄞" },
        .{ "\"\\ud834\\n\"", "\u{fffd}\n" },
        .{ "\"a\xff\xe2\x82b\"", "a\u{fffd}\u{fffd}\u{fffd}b" },
        .{ "\"é\"", "é" },
    }) |case| try same(case[1], (try json.parse(memory.allocator(), case[0])).string);
}

test "the reader says what is wrong" {
    var memory = arena();
    defer memory.deinit();
    for ([_][2][]const u8{
        .{ "", "it ends too early, where there should be a value" },
        .{ "[1", "it ends too early, where there should be \",\" or \"]\"" },
        .{ "tru", "it ends too early, where there should be true" },
        .{ "\"abc", "it ends too early, where there should be the end of a string" },
        .{ "nul!", "byte 4: there should be null, not \"!\"" },
        .{ "{a", "byte 2: there should be a name in quotes, not \"a\"" },
        .{ "{\"a\" 1}", "byte 6: there should be \":\", not \"1\"" },
        .{ "{\"a\": 1,}", "byte 9: there should be a name in quotes, not \"}\"" },
        .{ "[1 2]", "byte 4: there should be \",\" or \"]\", not \"2\"" },
        .{ "[1,]", "byte 4: there should be a value, not \"]\"" },
        .{ "01", "there is more after byte 1" },
        .{ "{} x", "there is more after byte 2" },
        .{ "1.", "it ends too early, where there should be a digit" },
        .{ "-x", "byte 2: there should be a digit, not \"x\"" },
        .{ "1e+", "it ends too early, where there should be a digit" },
        .{ "\"a\nb\"", "byte 3: there should be no control character in a string, not byte 0x0a" },
        .{ "\"\\x\"", "byte 3: there should be an escape such as \\n or \\u00e9, not \"x\"" },
        .{ "\"\\u12g4\"", "byte 6: there should be four hexadecimal digits, not \"g\"" },
        .{ "\xc3", "byte 1: there should be a value, not byte 0xc3" },
        .{ &@as([501]u8, @splat('[')), "byte 501: nested more than 500 deep" },
    }) |case| {
        var reader: json.Reader = .{ .text = case[0], .allocator = memory.allocator() };
        try std.testing.expectError(error.Syntax, reader.whole());
        try same(case[1], reader.problem());
    }
    _ = try json.parse(memory.allocator(), &(@as([500]u8, @splat('[')) ++ @as([500]u8, @splat(']'))));
}
