/* The commands about calls. */
#include "script.h"

/* The handles by slot. They end with their request, and with isolation =
 * "instance" these variables do not. */
static int32_t handles[64];
static size_t slots;

void forget_calls(void) { slots = 0; }

static wl_str call(const command *c) {
	wl_field_line headers[MAX_WORDS / 2];
	size_t count = 0;
	for (size_t i = 5; i + 1 < c->count; i += 2) {
		headers[count].name = c->word[i];
		headers[count++].value = c->word[i + 1];
	}
	int32_t handle = wl_call(c->word[1], c->word[2], c->word[3], headers, count, c->word[4]);
	if (handle < 0 || slots == sizeof handles / sizeof handles[0]) return show_done(handle);
	handles[slots++] = handle;
	return wl_int_text((int64_t)slots - 1);
}

wl_str call_command(const command *c) {
	const wl_str *word = c->word;
	int64_t slot, n;
	if (c->count >= 5 && c->count % 2 == 1 && wl_equal(word[0], WL("call"))) return call(c);
	if (c->count < 2 || !wl_starts(word[0], WL("call_"))) return wl_make(NULL, 0);
	if (!wl_parse_int(word[1], &slot) || slot < 0 || (size_t)slot >= slots) return MALFORMED;
	int32_t handle = handles[slot];
	if (is(c, "call_status", 1)) {
		int32_t status = wl_call_status(handle);
		return show_number(status, status);
	}
	if (is(c, "call_header", 3) && wl_parse_int(word[3], &n)) return show_result(wl_call_header(handle, word[2], (uint32_t)n));
	if (is(c, "call_body", 1)) return show_result(wl_call_body(handle));
	if (is(c, "call_part", 2) && wl_parse_int(word[2], &n) && n >= 0) return show_result(wl_call_part(handle, (size_t)n));
	if (is(c, "call_close", 1)) {
		wl_call_close(handle);
		return WL("ok");
	}
	return wl_make(NULL, 0);
}
