/* What a client may send, and what is said about the rest. */
#include "users.h"

enum {
	MAX_NAME = 200,       /* characters */
	MAX_EMAIL = 254,      /* bytes, as mail servers have it */
	MAX_LOCAL_PART = 64,  /* bytes before the "@" */
	MAX_LABEL = 63,
	DEFAULT_PAGE = 20,
	MAX_PAGE = 100
};

static bool bad(wl_str message) {
	wl_error(400, message);
	return false;
}

static bool bad_at(wl_str before, size_t at, wl_str after) {
	return bad(wl_join(wl_join(before, wl_int_text((int64_t)at)), after));
}

/* kind names a value in the words of JSON, by its first byte. */
static wl_str kind(char first) {
	switch (first) {
	case '{': return WL("an object");
	case '[': return WL("an array");
	case '"': return WL("a string");
	case 't': case 'f': return WL("true or false");
	}
	return WL("a number");
}

/* is_key compares keys as the service does in every language: A to Z count as a to
 * z. */
static bool is_key(wl_str key, wl_str name) {
	if (key.len != name.len) return false;
	for (size_t i = 0; i < key.len; i++) {
		if (to_lower((unsigned char)key.ptr[i]) != (unsigned char)name.ptr[i]) return false;
	}
	return true;
}

/* read_member reads a value that must be text, or null for none. It returns what
 * is wrong with it, or nothing. */
static wl_str read_member(wl_reader *r, wl_str name, wl_str *value) {
	char first = wl_read_peek(r);
	if (first == '"') {
		wl_read_text(r, value);
	} else {
		wl_read_skip(r);
		if (first != 'n') {
			wl_buf text = {0};
			wl_put_quoted(&text, name);
			wl_put(&text, WL(" must be a string, not "));
			wl_put(&text, kind(first));
			return wl_bytes(&text);
		}
	}
	return WL("");
}

/* read_members reads the object. Its syntax is known to be right. */
static bool read_members(wl_reader *r, input *in) {
	wl_str key, problem = WL("");
	wl_read_open(r, '{');
	while (wl_read_key(r, &key)) {
		wl_str found = WL("");
		if (is_key(key, WL("name"))) {
			found = read_member(r, WL("name"), &in->name);
		} else if (is_key(key, WL("email"))) {
			found = read_member(r, WL("email"), &in->email);
		} else {
			wl_buf text = {0};
			wl_read_skip(r);
			wl_put(&text, WL("the body does not fit: unknown field "));
			wl_put_quoted(&text, key);
			found = wl_bytes(&text);
		}
		if (problem.len == 0) problem = found;
	}
	return problem.len == 0 || bad(problem);
}

/* read_body decodes the body: one JSON object, and nothing after it. */
static bool read_body(input *in) {
	wl_str body = wl_body();
	wl_reader r = wl_read(body);
	char first = wl_read_peek(&r);
	if (first == 0) return bad(WL("the body is empty; it must be JSON"));
	size_t begin = r.at;
	if (!wl_read_skip(&r)) {
		return bad_at(WL("the body is not valid JSON at byte "), r.at + 1, wl_join(WL(": "), r.problem));
	}
	size_t end = r.at;
	if (first == '{') {
		wl_reader again = wl_read(wl_make(body.ptr + begin, end - begin));
		if (!read_members(&again, in)) return false;
	} else if (first != 'n') {
		return bad(wl_join(WL("the body must be an object, not "), kind(first)));
	}
	return wl_read_end(&r) || bad_at(WL("the body must be one JSON value, and there is more after byte "), end, WL(""));
}

static wl_str trim(wl_str s) {
	wl_str kept = {s.ptr, 0};
	bool begun = false;
	while (s.len > 0) {
		const char *at = s.ptr;
		if (is_space(wl_next_rune(&s))) continue;
		if (!begun) kept.ptr = at;
		begun = true;
		kept.len = (size_t)(s.ptr - kept.ptr);
	}
	return kept;
}

static wl_str lower(wl_str s) {
	wl_buf out = {0};
	while (s.len > 0) wl_put_rune(&out, to_lower(wl_next_rune(&s)));
	return wl_bytes(&out);
}

/* valid_label checks one part of a domain's name. */
static bool valid_label(wl_str s) {
	if (s.len == 0 || s.len > MAX_LABEL || s.ptr[0] == '-' || s.ptr[s.len - 1] == '-') return false;
	while (s.len > 0) {
		uint32_t c = wl_next_rune(&s);
		if (c != '-' && !is_letter_or_digit(c)) return false;
	}
	return true;
}

/* valid_email checks the form local@domain. Whether there is such a mailbox only a
 * message to it can tell. */
static bool valid_email(wl_str s) {
	ptrdiff_t at = wl_find(s, '@');
	if (at <= 0 || at > MAX_LOCAL_PART || s.len > MAX_EMAIL) return false;
	for (wl_str local = wl_make(s.ptr, (size_t)at); local.len > 0;) {
		uint32_t c = wl_next_rune(&local);
		if (is_space(c) || is_control(c) || (c < 0x80 && wl_find(WL("@\"(),:;<>[\\]"), (char)c) >= 0)) return false;
	}
	wl_str rest = wl_make(s.ptr + at + 1, s.len - (size_t)at - 1);
	for (bool several = false;; several = true) {
		ptrdiff_t dot = wl_find(rest, '.');
		if (!valid_label(dot < 0 ? rest : wl_make(rest.ptr, (size_t)dot))) return false;
		if (dot < 0) return several;
		rest = wl_make(rest.ptr + dot + 1, rest.len - (size_t)dot - 1);
	}
}

bool read_input(input *in) {
	in->name = in->email = WL("");
	if (!read_body(in)) return false;
	in->name = trim(in->name);
	if (in->name.len == 0) return bad(WL("\"name\" is required"));
	int characters = 0;
	bool control = false;
	for (wl_str rest = in->name; rest.len > 0; characters++) control |= is_control(wl_next_rune(&rest));
	if (characters > MAX_NAME) return bad(WL("\"name\" has more than 200 characters"));
	if (control) return bad(WL("\"name\" has control characters"));
	in->email = lower(trim(in->email));
	if (in->email.len == 0) return bad(WL("\"email\" is required"));
	return valid_email(in->email) || bad(WL("\"email\" is no email address; write one such as \"ada@example.com\""));
}

/* parse_id reads an id in the one form in which it is given out. */
static bool parse_id(wl_str s, int64_t *id) {
	return wl_parse_int(s, id) && *id > 0 && wl_equal(wl_int_text(*id), s);
}

bool no_user(wl_str id) {
	wl_error(404, wl_join(wl_join(WL("user "), id), WL(" does not exist")));
	return false;
}

bool path_id(int64_t *id) {
	wl_str text = wl_param(WL("id")).value;
	return parse_id(text, id) || no_user(text);
}

bool read_page(int64_t *limit, int64_t *after) {
	wl_str text = wl_query(WL("limit"), 0).value;
	*limit = DEFAULT_PAGE;
	*after = 0;
	if (text.len > 0 && (!wl_parse_int(text, limit) || *limit < 1 || *limit > MAX_PAGE)) {
		return bad(WL("\"limit\" must be a number from 1 to 100"));
	}
	text = wl_query(WL("after"), 0).value;
	return text.len == 0 || parse_id(text, after) || bad(WL("\"after\" must be the \"next\" of the page before"));
}
