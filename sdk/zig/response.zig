//! The answer to the request.

const host = @import("imports.zig");
const memory = @import("memory.zig");
const errors = @import("errors.zig");
const JSON = @import("json.zig");
const Error = errors.Error;

/// The answer. The host holds it and sends it when the handler has returned, or piece
/// by piece for a handler that calls flush. Without flush it does not matter whether
/// status and headers come before the body.
pub const Response = struct {
    /// Something was written: the status is no longer for an error to choose.
    begun: bool = false,
    /// The host refused a write.
    refused: bool = false,

    /// Sets the status, 200 to start with. One outside 200 to 599, and any after flush,
    /// ends the request with 500.
    pub fn status(_: *Response, code: u32) void {
        host.status(code);
    }

    /// Sets a header, replacing what it had. error.Invalid for a name or value that HTTP
    /// does not allow, for headers that are the host's (Content-Length, Date, Server,
    /// Connection and its like) and after flush; error.TooLarge past 64 KiB of headers.
    pub fn setHeader(_: *Response, name: []const u8, value: []const u8) Error!void {
        return errors.check("set_header", name, host.set_header(name.ptr, length(name), value.ptr, length(value)));
    }

    /// Adds a value to a header. It fails as setHeader does.
    pub fn addHeader(_: *Response, name: []const u8, value: []const u8) Error!void {
        return errors.check("add_header", name, host.add_header(name.ptr, length(name), value.ptr, length(value)));
    }

    /// Appends to the body. error.TooLarge past max_response; error.Closed or
    /// error.Timeout when there is no point in going on.
    pub fn write(w: *Response, data: []const u8) Error!void {
        w.begun = true;
        return w.checkWrite("write", host.write(data.ptr, length(data)));
    }

    /// Sends the status, the headers and what has been written so far. From there on the
    /// response streams: max_response no longer applies, and an error cuts the
    /// connection. A plugin that contains a call of it costs more in the host.
    pub fn flush(w: *Response) Error!void {
        w.begun = true;
        return w.checkWrite("flush", host.flush());
    }

    /// Answers with a value as JSON, see json.Writer.value, and a line end after it.
    pub fn json(w: *Response, code: u32, value: anytype) Error!void {
        var out: JSON.Writer = .init(memory.allocator);
        out.value(value);
        out.raw("\n");
        try w.begin(code, "application/json");
        return w.write(out.bytes());
    }

    /// Answers with plain text in UTF-8.
    pub fn text(w: *Response, code: u32, body: []const u8) Error!void {
        try w.begin(code, "text/plain; charset=utf-8");
        return w.write(body);
    }

    /// Answers 204.
    pub fn noContent(w: *Response) void {
        w.status(204);
    }

    /// Sets what comes before the body.
    pub fn begin(w: *Response, code: u32, content_type: []const u8) Error!void {
        w.status(code);
        return w.setHeader("Content-Type", content_type);
    }

    fn checkWrite(w: *Response, call: []const u8, code: i32) Error!void {
        w.refused = w.refused or code < 0;
        return errors.check(call, "", code);
    }
};

fn length(bytes: []const u8) u32 {
    return @intCast(bytes.len);
}
