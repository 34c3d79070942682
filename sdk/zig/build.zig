const std = @import("std");

pub fn build(b: *std.Build) void {
    _ = b.addModule("wasmlane", .{ .root_source_file = b.path("wasmlane.zig") });

    const tests = b.addTest(.{ .root_module = b.createModule(.{
        .root_source_file = b.path("json.zig"),
        .target = b.graph.host,
    }) });
    b.step("test", "Test what needs no host").dependOn(&b.addRunArtifact(tests).step);
}

/// Builds a plugin from its root file; `zig build` puts it into zig-out/bin/NAME.wasm.
/// build.zig of a plugin is
///
///     pub fn build(b: *std.Build) void {
///         _ = @import("wasmlane").addPlugin(b, "hello", "src/main.zig");
///     }
pub fn addPlugin(b: *std.Build, name: []const u8, root: []const u8) *std.Build.Step.Compile {
    // What every host of Wasmlane has, over the baseline of 2017.
    const features = std.Target.wasm.featureSet(&.{ .bulk_memory, .bulk_memory_opt, .sign_ext, .nontrapping_fptoint, .multivalue, .mutable_globals });
    const exe = b.addExecutable(.{
        .name = name,
        .root_module = b.createModule(.{
            .root_source_file = b.path(root),
            .target = b.resolveTargetQuery(.{ .cpu_arch = .wasm32, .os_tag = .freestanding, .cpu_features_add = features }),
            .optimize = b.option(std.builtin.OptimizeMode, "optimize", "ReleaseSmall unless said otherwise; ReleaseSafe traps on overflow and the like") orelse .ReleaseSmall,
            .strip = true,
            .single_threaded = true,
            .imports = &.{.{ .name = "wasmlane", .module = b.dependency("wasmlane", .{}).module("wasmlane") }},
        }),
    });
    // A reactor: the host calls the exports, and there is no main.
    exe.entry = .disabled;
    exe.rdynamic = true;
    exe.stack_size = 256 * 1024;
    b.installArtifact(exe);
    return exe;
}
