const std = @import("std");

pub fn build(b: *std.Build) void {
    _ = @import("wasmlane").addPlugin(b, "users", "src/main.zig");
}
