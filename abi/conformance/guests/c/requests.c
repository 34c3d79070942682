/* The commands about the request, the response and the platform. */
#include "script.h"

static wl_str field(wl_str name) {
	static const char *const names[] = {"method", "path", "query", "target", "host",
		"scheme", "remote_addr", "protocol", "route", "request_id"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (wl_equal(name, wl_cstr(names[i]))) return show(wl_request((wl_field)i));
	}
	return MALFORMED;
}

static wl_str drip(int64_t rounds, wl_str text) {
	for (int64_t i = 0; i < rounds; i++) {
		wl_code code = wl_write(text);
		if (code >= 0) code = wl_flush();
		if (code < 0) return show_done(code);
	}
	return wl_int_text(rounds);
}

static wl_str log_at(wl_str level, wl_str text) {
	static const char *const names[] = {"debug", "info", "warn", "error"};
	for (size_t i = 0; i < 4; i++) {
		if (wl_equal(level, wl_cstr(names[i]))) {
			wl_log((wl_level)i, text);
			return WL("ok");
		}
	}
	return MALFORMED;
}

wl_str request_command(const command *c) {
	const wl_str *word = c->word;
	int64_t n;
	if (is(c, "request", 1)) return field(word[1]);
	if (is(c, "param", 1)) return show_result(wl_param(word[1]));
	if (is(c, "query", 2) && wl_parse_int(word[2], &n)) return show_result(wl_query(word[1], (uint32_t)n));
	if (is(c, "header", 2) && wl_parse_int(word[2], &n)) return show_result(wl_header(word[1], (uint32_t)n));
	if (is(c, "header_name", 1) && wl_parse_int(word[1], &n)) return show_result(wl_header_name((uint32_t)n));
	if (is(c, "body_size", 0)) return wl_int_text(wl_body_size());
	if (is(c, "body", 0)) return show(wl_body());
	if (is(c, "body_part", 1) && wl_parse_int(word[1], &n) && n >= 0) return show(wl_body_part((size_t)n));

	if (is(c, "status", 1) && wl_parse_int(word[1], &n)) {
		wl_status((int)n);
		return WL("ok");
	}
	if (is(c, "set_header", 2)) return show_done(wl_set_header(word[1], word[2]));
	if (is(c, "add_header", 2)) return show_done(wl_add_header(word[1], word[2]));
	if (is(c, "write", 1)) return show_done(wl_write(word[1]));
	if (is(c, "flush", 0)) return show_done(wl_flush());
	if (is(c, "drip", 2) && wl_parse_int(word[1], &n)) return drip(n, word[2]);

	if (is(c, "log", 2)) return log_at(word[1], word[2]);
	if (is(c, "config", 1)) return show_result(wl_config(word[1]));
	if (is(c, "random", 0)) return wl_int_text((int64_t)(wl_random() >> 1));
	return wl_make(NULL, 0);
}
