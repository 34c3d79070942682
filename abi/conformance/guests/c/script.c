#include "script.h"

static int hex(char c) {
	if (c >= '0' && c <= '9') return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* decode returns what a word stands for. */
static wl_str decode(wl_str word) {
	wl_buf out = {0};
	int64_t n;
	if (wl_equal(word, WL("\"\""))) return WL("");
	if (word.len > 1 && word.ptr[0] == '*' && wl_parse_int(wl_make(word.ptr + 1, word.len - 1), &n) && n >= 0) {
		char *to = wl_alloc((size_t)n);
		__builtin_memset(to, 'x', (size_t)n);
		return wl_make(to, (size_t)n);
	}
	for (size_t i = 0; i < word.len; i++) {
		if (word.ptr[i] == '%' && i + 2 < word.len && hex(word.ptr[i + 1]) >= 0 && hex(word.ptr[i + 2]) >= 0) {
			wl_put_byte(&out, (char)(hex(word.ptr[i + 1]) << 4 | hex(word.ptr[i + 2])));
			i += 2;
		} else {
			wl_put_byte(&out, word.ptr[i]);
		}
	}
	return out.ptr == NULL ? WL("") : wl_bytes(&out);
}

command parse(wl_str text) {
	command c = {0};
	for (bool last = false; !last && c.count < MAX_WORDS;) {
		ptrdiff_t end = wl_find(text, ' ');
		last = end < 0;
		c.word[c.count++] = decode(last ? text : wl_make(text.ptr, (size_t)end));
		if (!last) text = wl_make(text.ptr + end + 1, text.len - (size_t)end - 1);
	}
	return c;
}

bool is(const command *c, const char *name, size_t words) {
	return c->count == words + 1 && wl_equal(c->word[0], wl_cstr(name));
}

static void put_hex(wl_buf *b, uint32_t n, int digits, const char *alphabet) {
	while (digits-- > 0) wl_put_byte(b, alphabet[n >> digits * 4 & 15]);
}

wl_str show(wl_str bytes) {
	wl_buf out = {0};
	if (bytes.len == 0) return WL("\"\"");
	if (bytes.len > 256) {
		uint32_t hash = 0x811c9dc5;
		for (size_t i = 0; i < bytes.len; i++) hash = (hash ^ (unsigned char)bytes.ptr[i]) * 0x01000193;
		wl_put_byte(&out, '*');
		wl_put_int(&out, (int64_t)bytes.len);
		wl_put_byte(&out, ':');
		put_hex(&out, hash, 8, "0123456789abcdef");
		return wl_bytes(&out);
	}
	for (size_t i = 0; i < bytes.len; i++) {
		char c = bytes.ptr[i];
		if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || wl_find(WL("-._~/:"), c) >= 0) {
			wl_put_byte(&out, c);
		} else {
			wl_put_byte(&out, '%');
			put_hex(&out, (unsigned char)c, 2, "0123456789ABCDEF");
		}
	}
	return wl_bytes(&out);
}

static wl_str code_name(wl_code code) {
	switch (code) {
	case WL_ABSENT: return WL("!ABSENT");
	case WL_INVALID: return WL("!INVALID");
	case WL_DENIED: return WL("!DENIED");
	case WL_TIMEOUT: return WL("!TIMEOUT");
	case WL_UNAVAILABLE: return WL("!UNAVAILABLE");
	case WL_TOO_LARGE: return WL("!TOO_LARGE");
	case WL_CLOSED: return WL("!CLOSED");
	}
	return WL("!UNKNOWN");
}

wl_str show_result(wl_result result) { return result.code < 0 ? code_name(result.code) : show(result.value); }

wl_str show_done(wl_code code) { return code < 0 ? code_name(code) : WL("ok"); }

wl_str show_number(wl_code code, int64_t number) { return code < 0 ? code_name(code) : wl_int_text(number); }
