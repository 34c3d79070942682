/* The conformance plugin in C: it does what abi/conformance/README.md describes,
 * through wasmlane.h. */
#include "script.h"

static wl_str found_config, found_absent, found_get, found_set;

/* Bytes rather than a pointer: what is allocated ends with the request. */
static char remembered[1 << 17];
static size_t remembered_len;

WASMLANE_INIT {
	wl_log(WL_INFO, WL("conformance: init"));
	found_config = show_result(wl_config(WL("greeting")));
	found_absent = show_result(wl_config(WL("nothing")));
	found_get = show_result(wl_kv_get(WL("seed")));
	found_set = show_done(wl_kv_set(WL("seed"), WL("changed")));
}

static wl_str init(wl_str name) {
	if (wl_equal(name, WL("config"))) return found_config;
	if (wl_equal(name, WL("absent"))) return found_absent;
	if (wl_equal(name, WL("get"))) return found_get;
	if (wl_equal(name, WL("set"))) return found_set;
	return MALFORMED;
}

static wl_str remember(wl_str word) {
	if (word.len > sizeof remembered) __builtin_trap();
	remembered_len = word.len;
	__builtin_memcpy(remembered, word.ptr, word.len);
	return WL("ok");
}

/* tell logs the lines so far as one. */
static void tell(wl_str lines) {
	wl_buf text = {0};
	for (size_t i = 0; i + 1 < lines.len; i++) wl_put_byte(&text, lines.ptr[i] == '\n' ? ' ' : lines.ptr[i]);
	wl_log(WL_INFO, wl_bytes(&text));
}

static void answer_json(wl_str name, wl_str value) {
	wl_json j = {0};
	wl_json_open(&j, '{');
	wl_json_key(&j, name);
	wl_json_text(&j, value);
	wl_json_close(&j, '}');
	wl_answer_json(200, &j);
}

/* state carries out the commands that end a script, or are about what is left of
 * others. It reports whether the script goes on. */
static bool state(const command *c, wl_buf *lines, wl_str *line, bool *known) {
	int64_t status;
	*known = true;
	if (is(c, "recall", 0)) {
		*line = show(wl_make(remembered, remembered_len));
	} else if (is(c, "remember", 1)) {
		*line = remember(c->word[1]);
	} else if (is(c, "init", 1)) {
		*line = init(c->word[1]);
	} else if (is(c, "tell", 0)) {
		tell(wl_bytes(lines));
	} else if (is(c, "json", 2)) {
		answer_json(c->word[1], c->word[2]);
		return false;
	} else if (is(c, "error", 2) && wl_parse_int(c->word[1], &status)) {
		wl_error((int)status, c->word[2]);
		return false;
	} else if (is(c, "fail", 1)) {
		wl_fail(c->word[1]);
		return false;
	} else if (is(c, "trap", 0)) {
		__builtin_trap();
	} else if (is(c, "spin", 0)) {
		for (volatile int forever = 1; forever;) {}
	} else {
		*known = false;
	}
	return true;
}

WASMLANE_HANDLER(run) {
	wl_str rest = wl_header(WL("script"), 0).value;
	wl_buf lines = {0};
	forget_calls();
	for (bool last = false; !last;) {
		ptrdiff_t end = wl_find(rest, ';');
		last = end < 0;
		command c = parse(last ? rest : wl_make(rest.ptr, (size_t)end));
		if (!last) rest = wl_make(rest.ptr + end + 1, rest.len - (size_t)end - 1);
		wl_str line = {0};
		bool known;
		if (!state(&c, &lines, &line, &known)) return;
		if (!known) {
			line = request_command(&c);
			if (line.ptr == NULL) line = store_command(&c);
			if (line.ptr == NULL) line = call_command(&c);
			if (line.ptr == NULL) line = MALFORMED;
		}
		if (line.ptr == NULL) continue;
		wl_put(&lines, line);
		wl_put_byte(&lines, '\n');
	}
	if (lines.len > 0) wl_write(wl_bytes(&lines));
}
