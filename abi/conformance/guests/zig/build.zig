const std = @import("std");

pub fn build(b: *std.Build) void {
    _ = @import("wasmlane").addPlugin(b, "conformance", "src/main.zig");
}
