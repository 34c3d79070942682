//! For writing Wasmlane plugins in Zig. This is a whole one:
//!
//!     const wasmlane = @import("wasmlane");
//!
//!     pub const panic = wasmlane.panic;
//!
//!     comptime {
//!         wasmlane.handler("greet", greet);
//!     }
//!
//!     fn greet(w: *wasmlane.Response, r: *wasmlane.Request) !void {
//!         const visits = try wasmlane.kv.add("visits", 1);
//!         return w.json(200, .{ .hello = r.param("name") orelse "you", .visits = visits });
//!     }
//!
//! The host runs what wasmlane.initializer names once, and every request starts from
//! the memory as it was then. So nothing is freed, and state is kept in kv.

const handling = @import("handler.zig");
const calling = @import("call.zig");
const errors = @import("errors.zig");
const memory = @import("memory.zig");

pub const handler = handling.handler;
pub const initializer = handling.initializer;
pub const panic = handling.panic;
pub const config = handling.config;

pub const Request = @import("request.zig").Request;
pub const Response = @import("response.zig").Response;

pub const Error = errors.Error;
pub const httpError = errors.httpError;
pub const failure = errors.failure;
pub const textOf = errors.textOf;

pub const kv = @import("kv.zig");
pub const log = @import("log.zig");
pub const random = @import("random.zig");
pub const json = @import("json.zig");

pub const call = calling.call;
pub const CallRequest = calling.CallRequest;
pub const CallResponse = calling.CallResponse;
pub const Header = calling.Header;

/// Allocates until the end of the request; nothing needs to be freed.
pub const allocator = memory.allocator;
