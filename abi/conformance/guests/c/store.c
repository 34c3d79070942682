/* The commands about the store. */
#include "script.h"

static wl_str keys(wl_str prefix) {
	wl_buf out = {0};
	wl_keys keys = {prefix, {0}, 0};
	while (wl_keys_next(&keys)) {
		if (out.len > 0) wl_put_byte(&out, ' ');
		wl_put(&out, show(keys.key));
	}
	if (keys.code < 0) return show_done(keys.code);
	return out.len > 0 ? wl_bytes(&out) : WL("none");
}

wl_str store_command(const command *c) {
	const wl_str *word = c->word;
	int64_t n, sum = 0;
	wl_code code;
	if (is(c, "kv_get", 1)) return show_result(wl_kv_get(word[1]));
	if (is(c, "kv_set", 2)) return show_done(wl_kv_set(word[1], word[2]));
	if (is(c, "kv_delete", 1)) {
		code = wl_kv_delete(word[1]);
		return show_number(code, code);
	}
	if (is(c, "kv_add", 2) && wl_parse_int(word[2], &n)) {
		code = wl_kv_add(word[1], n, &sum);
		return show_number(code, sum);
	}
	if (is(c, "kv_swap", 3)) {
		code = wl_kv_swap(word[1], word[2], word[3]);
		return show_number(code, code);
	}
	if (is(c, "kv_create", 2)) {
		code = wl_kv_create(word[1], word[2]);
		return show_number(code, code);
	}
	if (is(c, "kv_list", 2)) return show_result(wl_kv_next(word[1], word[2]));
	if (is(c, "kv_keys", 1)) return keys(word[1]);
	return wl_make(NULL, 0);
}
