//! The user service: it keeps users with a name and an email address that no two of
//! them share.
//!
//!     GET    /users/{id}  get_user
//!     GET    /users       list_users   ?limit=1..100&after=ID
//!     POST   /users       create_user  {"name": …, "email": …}
//!     PUT    /users/{id}  update_user  {"name": …, "email": …}
//!     DELETE /users/{id}  delete_user

const std = @import("std");
const wasmlane = @import("wasmlane");
const input = @import("input.zig");
const store = @import("store.zig");
const Request = wasmlane.Request;
const Response = wasmlane.Response;

pub const panic = wasmlane.panic;

comptime {
    wasmlane.handler("get_user", getUser);
    wasmlane.handler("list_users", listUsers);
    wasmlane.handler("create_user", createUser);
    wasmlane.handler("update_user", updateUser);
    wasmlane.handler("delete_user", deleteUser);
}

fn getUser(w: *Response, r: *Request) !void {
    const id = try input.pathID(r);
    return w.json(200, show(id, try store.find(id)));
}

fn createUser(w: *Response, r: *Request) !void {
    const in = try input.read(r);
    const id = try store.create(in);
    const user = show(id, .{ .name = in.name, .email = in.email });
    try w.setHeader("Location", print("/users/{s}", .{user.id}));
    return w.json(201, user);
}

fn updateUser(w: *Response, r: *Request) !void {
    const id = try input.pathID(r);
    const in = try input.read(r);
    try store.update(id, in);
    return w.json(200, show(id, .{ .name = in.name, .email = in.email }));
}

fn deleteUser(w: *Response, r: *Request) !void {
    try store.remove(try input.pathID(r));
    w.noContent();
}

fn listUsers(w: *Response, r: *Request) !void {
    const page = try input.readPage(r);
    var users: std.ArrayList(User) = .empty;
    // What to give as ?after= for the next page, when there is one.
    var next: ?[]const u8 = null;
    var walk = store.all(page.after);
    while (try walk.next()) |found| {
        if (users.items.len == page.limit) {
            next = users.getLast().id;
            break;
        }
        try users.append(wasmlane.allocator, show(found.id, found.profile));
    }
    return w.json(200, .{ .users = users.items, .next = next });
}

/// A user as clients see it.
const User = struct { id: []const u8, name: []const u8, email: []const u8, status: []const u8 = "active" };

fn show(id: i64, profile: store.Profile) User {
    return .{ .id = print("{d}", .{id}), .name = profile.name, .email = profile.email };
}

pub fn print(comptime format: []const u8, arguments: anytype) []const u8 {
    return std.fmt.allocPrint(wasmlane.allocator, format, arguments) catch @panic("out of memory");
}
