/* wasmlane.h: the SDK for Wasmlane plugins in C11 and C++. It needs no libc.
 *
 *     #include "wasmlane.h"
 *
 *     WASMLANE_HANDLER(hello) {
 *         wl_buf out = {0};
 *         wl_put(&out, WL("Hello, "));
 *         wl_put(&out, wl_param(WL("name")).value);
 *         wl_put(&out, WL("!\n"));
 *         wl_text(200, wl_bytes(&out));
 *     }
 *
 *     clang --target=wasm32 -std=c11 -O2 -nostdlib -ffreestanding -mbulk-memory \
 *         -I sdk/c -Wl,--no-entry -Wl,--strip-all -o hello.wasm hello.c
 *
 * Every request starts from the memory as it was after initialisation, so that
 * nothing is ever freed: what a handler allocates lives until it ends. A linker
 * keeps only the host's functions that a plugin reaches; wl_kv_… needs store in
 * host.toml, and wl_call needs calls or outbound.
 *
 * Text is a pointer and a length, and need not end in a zero. */
#ifndef WASMLANE_H
#define WASMLANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define WL_C extern "C"
#else
#define WL_C extern
#endif

/* Weak, so that the files of a plugin share one copy; the linker drops what none
 * of them uses. What is tiny is inlined instead. */
#ifdef __wasm__
#define WL_FN __attribute__((weak))
#else
#define WL_FN static inline __attribute__((unused)) /* a test defines only what it calls */
#endif
#define WL_TINY static inline __attribute__((unused))

/* ---- The functions of the host, as the ABI names and orders them ---- */

#ifdef __wasm__
#define WL_IMPORT_FROM(module, name) WL_C __attribute__((import_module(module), import_name(name)))
#else
#define WL_IMPORT_FROM(module, name) WL_C /* a test defines them */
#endif
#define WL_IMPORT(name) WL_IMPORT_FROM("wasmlane_v1", name)

WL_IMPORT("request") int32_t wl_host_request(uint32_t field, void *buf, uint32_t cap);
WL_IMPORT("param") int32_t wl_host_param(const void *name, uint32_t name_len, void *buf, uint32_t cap);
WL_IMPORT("query") int32_t wl_host_query(const void *name, uint32_t name_len, uint32_t index, void *buf, uint32_t cap);
WL_IMPORT("header") int32_t wl_host_header(const void *name, uint32_t name_len, uint32_t index, void *buf, uint32_t cap);
WL_IMPORT("header_name") int32_t wl_host_header_name(uint32_t index, void *buf, uint32_t cap);
WL_IMPORT("body_size") int64_t wl_host_body_size(void);
WL_IMPORT("body") int32_t wl_host_body(void *buf, uint32_t cap);
WL_IMPORT("status") void wl_host_status(uint32_t code);
WL_IMPORT("set_header") int32_t wl_host_set_header(const void *name, uint32_t name_len, const void *value, uint32_t value_len);
WL_IMPORT("add_header") int32_t wl_host_add_header(const void *name, uint32_t name_len, const void *value, uint32_t value_len);
WL_IMPORT("write") int32_t wl_host_write(const void *ptr, uint32_t len);
WL_IMPORT("flush") int32_t wl_host_flush(void);
WL_IMPORT("log") void wl_host_log(uint32_t level, const void *ptr, uint32_t len);
WL_IMPORT("config") int32_t wl_host_config(const void *key, uint32_t key_len, void *buf, uint32_t cap);
WL_IMPORT("kv_get") int32_t wl_host_kv_get(const void *key, uint32_t key_len, void *buf, uint32_t cap);
WL_IMPORT("kv_set") int32_t wl_host_kv_set(const void *key, uint32_t key_len, const void *value, uint32_t value_len);
WL_IMPORT("kv_delete") int32_t wl_host_kv_delete(const void *key, uint32_t key_len);
WL_IMPORT("kv_add") int32_t wl_host_kv_add(const void *key, uint32_t key_len, int64_t delta, int64_t *result);
WL_IMPORT("kv_swap") int32_t wl_host_kv_swap(const void *key, uint32_t key_len, const void *old, uint32_t old_len, const void *new_, uint32_t new_len);
WL_IMPORT("kv_list") int32_t wl_host_kv_list(const void *prefix, uint32_t prefix_len, const void *after, uint32_t after_len, void *buf, uint32_t cap);
WL_IMPORT("call") int32_t wl_host_call(const void *target, uint32_t target_len, const void *head, uint32_t head_len, const void *body, uint32_t body_len);
WL_IMPORT("call_status") int32_t wl_host_call_status(int32_t handle);
WL_IMPORT("call_header") int32_t wl_host_call_header(int32_t handle, const void *name, uint32_t name_len, uint32_t index, void *buf, uint32_t cap);
WL_IMPORT("call_body") int32_t wl_host_call_body(int32_t handle, void *buf, uint32_t cap);
WL_IMPORT("call_close") void wl_host_call_close(int32_t handle);
WL_IMPORT_FROM("wasi_snapshot_preview1", "random_get") int32_t wl_wasi_random_get(void *buf, uint32_t len);

/* ---- Text, errors ---- */

typedef struct wl_str {
	const char *ptr;
	size_t len;
} wl_str;

WL_TINY wl_str wl_make(const char *ptr, size_t len) {
	wl_str s;
	s.ptr = ptr;
	s.len = len;
	return s;
}

/* WL("literal") is a text. */
#define WL(literal) wl_make("" literal, sizeof(literal) - 1)

/* wl_code is what a function returns when it cannot do what was asked. Results of
 * zero or more are never one. */
typedef int32_t wl_code;
enum {
	WL_OK = 0,
	WL_ABSENT = -1,      /* no such param, header or key */
	WL_INVALID = -2,     /* malformed name, value, key or target, or a header that is the host's */
	WL_DENIED = -3,      /* not granted in host.toml, or a write while the plugin initialises */
	WL_TIMEOUT = -4,     /* the deadline came first */
	WL_UNAVAILABLE = -5, /* the other side failed: the store or the service */
	WL_TOO_LARGE = -6,   /* over a limit */
	WL_CLOSED = -7       /* the client went away */
};

/* wl_result is a value, or a negative code with an empty value. */
typedef struct wl_result {
	wl_code code;
	wl_str value;
} wl_result;

/* wl_code_text says what a code means. */
WL_FN wl_str wl_code_text(wl_code code) {
	switch (code) {
	case WL_ABSENT: return WL("absent");
	case WL_INVALID: return WL("malformed name, value, key or target");
	case WL_DENIED: return WL("not granted in host.toml");
	case WL_TIMEOUT: return WL("the deadline came first");
	case WL_UNAVAILABLE: return WL("the other side failed");
	case WL_TOO_LARGE: return WL("over a limit");
	case WL_CLOSED: return WL("the client went away");
	}
	return code < 0 ? WL("the host answered a code that this SDK does not know") : WL("ok");
}

/* ---- Memory ---- */

/* What a freestanding compiler may call. They are weak: a libc's come first. */
#ifdef __wasm__
WL_C __attribute__((weak)) void *memcpy(void *to, const void *from, size_t n) { return __builtin_memcpy(to, from, n); }
WL_C __attribute__((weak)) void *memmove(void *to, const void *from, size_t n) { return __builtin_memmove(to, from, n); }
WL_C __attribute__((weak)) void *memset(void *to, int c, size_t n) { return __builtin_memset(to, c, n); }
WL_C __attribute__((weak, no_builtin("memcmp"))) int memcmp(const void *a, const void *b, size_t n) {
	const unsigned char *x = (const unsigned char *)a, *y = (const unsigned char *)b;
	for (size_t i = 0; i < n; i++) {
		if (x[i] != y[i]) return x[i] < y[i] ? -1 : 1;
	}
	return 0;
}
WL_C __attribute__((weak, no_builtin("strlen"))) size_t strlen(const char *s) {
	size_t n = 0;
	while (s[n] != 0) n++;
	return n;
}
#endif

/* wl_cstr is a text that ends in a zero. */
WL_TINY wl_str wl_cstr(const char *s) { return wl_make(s, __builtin_strlen(s)); }

/* The SDK's variables. Weak, so that the files of a plugin share them. */
typedef struct wl_state {
	uintptr_t next, mark; /* of the allocator: what is free, and what was when initialisation ended */
	uint64_t random[2];
	bool seeded;
	bool begun;   /* something was written: the status is no longer for an error to choose */
	bool refused; /* the host refused a write */
} wl_state;
__attribute__((weak)) wl_state wl__state;

#ifdef __wasm__
WL_C unsigned char __heap_base; /* the linker's: static data and the stack end here */
WL_TINY uintptr_t wl__heap(void) { return (uintptr_t)&__heap_base; }
WL_FN bool wl__reach(uintptr_t end) {
	uintptr_t have = __builtin_wasm_memory_size(0) * (uintptr_t)65536;
	if (end <= have) return true;
	return __builtin_wasm_memory_grow(0, (end - have + 65535) / 65536) != (size_t)-1;
}
#else
__attribute__((weak, aligned(16))) unsigned char wl__arena[8 << 20];
WL_TINY uintptr_t wl__heap(void) { return (uintptr_t)wl__arena; }
WL_FN bool wl__reach(uintptr_t end) { return end <= (uintptr_t)wl__arena + sizeof wl__arena; }
#endif

/* wl_alloc returns n bytes, aligned to 8, that live until the handler ends; what
 * is allocated while the plugin initialises lives on. It does not return when
 * there is no memory left: the request ends with 500. Keep no pointer to it in a
 * variable that outlives the handler. */
WL_FN void *wl_alloc(size_t n) {
	wl_state *s = &wl__state;
	if (s->next == 0) s->next = s->mark = (wl__heap() + 7) & ~(uintptr_t)7;
	uintptr_t at = s->next, end = at + ((n + 7) & ~(size_t)7);
	if (end < at || !wl__reach(end)) __builtin_trap();
	s->next = end;
	return (void *)at;
}

/* wl_buf is bytes that grow. Begin with {0}. */
typedef struct wl_buf {
	char *ptr;
	size_t len, cap;
} wl_buf;

WL_TINY wl_str wl_bytes(const wl_buf *b) { return wl_make(b->ptr, b->len); }

/* wl_room makes room for n more bytes and returns where they go; add them to len
 * when they are there. */
WL_FN char *wl_room(wl_buf *b, size_t n) {
	if (b->cap - b->len < n) {
		size_t cap = b->cap * 2 > b->len + n ? b->cap * 2 : b->len + n + 64;
		if (cap < n) __builtin_trap();
		cap = (cap + 7) & ~(size_t)7;
		if (b->ptr != NULL && (uintptr_t)b->ptr + b->cap == wl__state.next) {
			wl_alloc(cap - b->cap); /* it is the last allocation: it grows where it stands */
		} else {
			char *to = (char *)wl_alloc(cap);
			if (b->len > 0) __builtin_memcpy(to, b->ptr, b->len);
			b->ptr = to;
		}
		b->cap = cap;
	}
	return b->ptr + b->len;
}

WL_FN void wl_put(wl_buf *b, wl_str s) {
	if (s.len > 0) __builtin_memcpy(wl_room(b, s.len), s.ptr, s.len);
	b->len += s.len;
}

WL_FN void wl_put_byte(wl_buf *b, char c) {
	*wl_room(b, 1) = c;
	b->len++;
}

/* wl_put_int appends a number in decimal. */
WL_FN void wl_put_int(wl_buf *b, int64_t n) {
	char digits[20];
	size_t at = sizeof digits;
	uint64_t rest = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
	do digits[--at] = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (n < 0) digits[--at] = '-';
	wl_put(b, wl_make(digits + at, sizeof digits - at));
}

WL_FN bool wl_equal(wl_str a, wl_str b) {
	if (a.len != b.len) return false;
	for (size_t i = 0; i < a.len; i++) {
		if (a.ptr[i] != b.ptr[i]) return false;
	}
	return true;
}

WL_FN bool wl_starts(wl_str s, wl_str prefix) {
	return s.len >= prefix.len && wl_equal(wl_make(s.ptr, prefix.len), prefix);
}

/* wl_find returns where a byte is first found, or -1. */
WL_FN ptrdiff_t wl_find(wl_str s, char c) {
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == c) return (ptrdiff_t)i;
	}
	return -1;
}

WL_FN wl_str wl_join(wl_str a, wl_str b) {
	wl_buf both = {0, 0, 0};
	wl_put(&both, a);
	wl_put(&both, b);
	return wl_bytes(&both);
}

WL_FN wl_str wl_int_text(int64_t n) {
	wl_buf b = {0, 0, 0};
	wl_put_int(&b, n);
	return wl_bytes(&b);
}

/* wl_parse_int reads a whole text as a decimal number, with an optional sign. It
 * reports false for anything else and outside of 64 bits. */
WL_FN bool wl_parse_int(wl_str s, int64_t *n) {
	bool negative = s.len > 0 && s.ptr[0] == '-';
	size_t i = s.len > 0 && (s.ptr[0] == '-' || s.ptr[0] == '+');
	uint64_t sum = 0, most = (uint64_t)INT64_MAX + negative;
	if (i == s.len) return false;
	for (; i < s.len; i++) {
		uint64_t digit = (uint64_t)(unsigned char)s.ptr[i] - '0';
		if (digit > 9 || sum > (most - digit) / 10) return false;
		sum = sum * 10 + digit;
	}
	*n = (int64_t)(negative ? 0 - sum : sum);
	return true;
}

/* wl_next_rune takes one character of UTF-8 from the front of *s, which must not
 * be empty. A byte that is no UTF-8 is U+FFFD by itself. */
WL_FN uint32_t wl_next_rune(wl_str *s) {
	static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
	const unsigned char *p = (const unsigned char *)s->ptr;
	uint32_t c = p[0];
	size_t more = c < 0x80 ? 0 : c >= 0xc2 && c < 0xe0 ? 1 : (c & 0xf0) == 0xe0 ? 2 : c >= 0xf0 && c < 0xf5 ? 3 : 9;
	bool ok = more < s->len;
	if (ok && more > 0) {
		c &= 0x3fu >> more;
		for (size_t i = 1; ok && i <= more; i++) {
			ok = (p[i] & 0xc0) == 0x80;
			c = c << 6 | (p[i] & 0x3fu);
		}
		ok = ok && c >= least[more] && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
	}
	if (!ok) c = 0xfffd, more = 0;
	s->ptr += more + 1;
	s->len -= more + 1;
	return c;
}

WL_FN void wl_put_rune(wl_buf *b, uint32_t c) {
	if (c < 0x80) {
		wl_put_byte(b, (char)c);
		return;
	}
	if (c < 0x800) {
		wl_put_byte(b, (char)(0xc0 | c >> 6));
	} else {
		if (c < 0x10000) {
			wl_put_byte(b, (char)(0xe0 | c >> 12));
		} else {
			wl_put_byte(b, (char)(0xf0 | c >> 18));
			wl_put_byte(b, (char)(0x80 | (c >> 12 & 0x3f)));
		}
		wl_put_byte(b, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	wl_put_byte(b, (char)(0x80 | (c & 0x3f)));
}

/* ---- Values of the host ----
 *
 * Each asks with a buffer of WL_FIRST bytes, and again with one that fits when the
 * value is longer; a value of the store may have grown in between, so it goes on
 * until it fits. */

#define WL_FIRST 1024

#define WL_FETCH(call)                                                        \
	wl_buf got = {0, 0, 0};                                                   \
	wl_result result = {0, {NULL, 0}};                                        \
	void *buf = wl_room(&got, WL_FIRST);                                      \
	uint32_t cap = (uint32_t)got.cap;                                         \
	while ((result.code = (call)) > (int32_t)cap) {                           \
		buf = wl_room(&got, (size_t)result.code);                             \
		cap = (uint32_t)got.cap;                                              \
	}                                                                         \
	if (result.code >= 0) result.value = wl_make(got.ptr, (size_t)result.code); \
	wl__keep(&got, result.value.len);                                         \
	return result

/* wl__keep gives back what a value does not need of its buffer. */
WL_FN void wl__keep(wl_buf *b, size_t len) {
	if ((uintptr_t)b->ptr + b->cap == wl__state.next) wl__state.next = (uintptr_t)b->ptr + ((len + 7) & ~(size_t)7);
}

#define WL_ARG(s) (s).ptr, (uint32_t)(s).len

/* ---- The request ---- */

typedef enum wl_field {
	WL_METHOD = 0,
	WL_PATH = 1,  /* percent-decoded */
	WL_QUERY = 2, /* raw, without the "?" */
	WL_TARGET = 3,
	WL_HOST = 4,
	WL_SCHEME = 5,
	WL_REMOTE_ADDR = 6,
	WL_PROTOCOL = 7,
	WL_ROUTE = 8,
	WL_REQUEST_ID = 9
} wl_field;

WL_FN wl_result wl__request(uint32_t field) { WL_FETCH(wl_host_request(field, buf, cap)); }

/* wl_request returns a field of the request. */
WL_FN wl_str wl_request(wl_field field) { return wl__request((uint32_t)field).value; }

/* wl_param returns the value of {name} in the route's path, or WL_ABSENT. */
WL_FN wl_result wl_param(wl_str name) { WL_FETCH(wl_host_param(WL_ARG(name), buf, cap)); }

/* wl_query returns the index-th value of a key in the query, or WL_ABSENT. */
WL_FN wl_result wl_query(wl_str name, uint32_t index) { WL_FETCH(wl_host_query(WL_ARG(name), index, buf, cap)); }

/* wl_header returns the index-th value of a header, or WL_ABSENT. The name may be
 * in any case. */
WL_FN wl_result wl_header(wl_str name, uint32_t index) { WL_FETCH(wl_host_header(WL_ARG(name), index, buf, cap)); }

/* wl_header_name returns the index-th header name, in lower case, or WL_ABSENT. */
WL_FN wl_result wl_header_name(uint32_t index) { WL_FETCH(wl_host_header_name(index, buf, cap)); }

/* wl_body_size is the Content-Length, 0 without a body, -1 for one whose length
 * is not known beforehand. */
WL_TINY int64_t wl_body_size(void) { return wl_host_body_size(); }

/* wl_body_part reads on in the body, up to n bytes; empty at its end. */
WL_FN wl_str wl_body_part(size_t n) {
	char *to = (char *)wl_alloc(n);
	int32_t got = wl_host_body(to, (uint32_t)n);
	return wl_make(to, got > 0 ? (size_t)got : 0);
}

/* wl_body returns what is left of the body. */
WL_FN wl_str wl_body(void) {
	wl_buf all = {0, 0, 0};
	int64_t size = wl_host_body_size();
	for (;;) {
		char *to = wl_room(&all, all.len == 0 && size > 0 ? (size_t)size : 4096);
		int32_t got = wl_host_body(to, (uint32_t)(all.cap - all.len));
		if (got <= 0) return wl_bytes(&all);
		all.len += (size_t)got;
	}
}

/* ---- The response ---- */

/* wl_status sets the status. One outside 200 to 599, and any after wl_flush, ends
 * the request with 500. */
WL_TINY void wl_status(int code) { wl_host_status((uint32_t)code); }

/* wl_set_header sets a header, replacing what it had. WL_INVALID for what HTTP
 * does not allow, for headers that are the host's and after wl_flush;
 * WL_TOO_LARGE past 64 KiB of headers. */
WL_TINY wl_code wl_set_header(wl_str name, wl_str value) { return wl_host_set_header(WL_ARG(name), WL_ARG(value)); }

/* wl_add_header adds a value to a header. It fails as wl_set_header does. */
WL_TINY wl_code wl_add_header(wl_str name, wl_str value) { return wl_host_add_header(WL_ARG(name), WL_ARG(value)); }

WL_FN wl_code wl__written(wl_code code) {
	wl__state.begun = true;
	if (code < 0) wl__state.refused = true;
	return code;
}

/* wl_write appends to the body. WL_TOO_LARGE past max_response; WL_CLOSED and
 * WL_TIMEOUT mean that there is no point in going on. */
WL_FN wl_code wl_write(wl_str s) { return wl__written(wl_host_write(WL_ARG(s))); }

/* wl_flush sends the status, the headers and what has been written. From there on
 * the response streams. A plugin that contains it costs more in the host. */
WL_FN wl_code wl_flush(void) { return wl__written(wl_host_flush()); }

/* wl_answer answers with a whole body of a type. */
WL_FN wl_code wl_answer(int status, wl_str content_type, wl_str body) {
	wl_status(status);
	wl_code code = wl_set_header(WL("Content-Type"), content_type);
	return code < 0 ? code : wl_write(body);
}

/* wl_text answers with plain text in UTF-8. */
WL_TINY wl_code wl_text(int status, wl_str text) { return wl_answer(status, WL("text/plain; charset=utf-8"), text); }

/* wl_no_content answers 204. */
WL_TINY void wl_no_content(void) { wl_status(204); }

/* ---- Log, configuration, random numbers ---- */

typedef enum wl_level { WL_DEBUG = 0, WL_INFO = 1, WL_WARN = 2, WL_ERROR = 3 } wl_level;

/* wl_log writes a line to the host's log, which adds the plugin, the handler and
 * the request id. It keeps 8 KiB of it and escapes control characters. */
WL_TINY void wl_log(wl_level level, wl_str text) { wl_host_log((uint32_t)level, WL_ARG(text)); }

/* wl_config returns a value of [plugin.NAME.config], or WL_ABSENT. */
WL_FN wl_result wl_config(wl_str key) { WL_FETCH(wl_host_config(WL_ARG(key), buf, cap)); }

/* wl_random returns a number from the request's generator, which is seeded from
 * the host's when it is first asked. It is not for secrets: wl_secret is. A
 * generator that is seeded in the initialiser gives each request the same. */
WL_FN uint64_t wl_random(void) {
	wl_state *s = &wl__state;
	if (!s->seeded) {
		if (wl_wasi_random_get(s->random, sizeof s->random) != 0) __builtin_trap();
		s->random[0] |= 1; /* all zeros would stay so */
		s->seeded = true;
	}
	uint64_t x = s->random[0], y = s->random[1]; /* xorshift128+ */
	s->random[0] = y;
	x ^= x << 23;
	s->random[1] = x ^ y ^ x >> 17 ^ y >> 26;
	return s->random[1] + y;
}

/* wl_secret fills memory with random bytes that nobody can predict. */
WL_FN void wl_secret(void *to, size_t n) {
	if (wl_wasi_random_get(to, (uint32_t)n) != 0) __builtin_trap();
}

/* ---- The store ----
 *
 * Granted by store = "NAME". A key has 1 to 1024 bytes, else WL_INVALID; a value at
 * most 1 MiB, else WL_TOO_LARGE. Each operation is atomic, and a write returns when
 * it is durable. While the plugin initialises writes are WL_DENIED. All may return
 * WL_UNAVAILABLE and WL_TIMEOUT. */

WL_FN wl_result wl_kv_get(wl_str key) { WL_FETCH(wl_host_kv_get(WL_ARG(key), buf, cap)); }

WL_TINY wl_code wl_kv_set(wl_str key, wl_str value) { return wl_host_kv_set(WL_ARG(key), WL_ARG(value)); }

/* wl_kv_delete returns 1 when the key was there and 0 when not. */
WL_TINY wl_code wl_kv_delete(wl_str key) { return wl_host_kv_delete(WL_ARG(key)); }

/* wl_kv_add adds to the number under key, 0 when there is none, and writes the
 * sum. The value is decimal text; another one, and an overflow, is WL_INVALID. */
WL_TINY wl_code wl_kv_add(wl_str key, int64_t delta, int64_t *sum) { return wl_host_kv_add(WL_ARG(key), delta, sum); }

/* wl_kv_swap stores value if what is there is old: 1 when it did, else 0. */
WL_TINY wl_code wl_kv_swap(wl_str key, wl_str old, wl_str value) {
	return wl_host_kv_swap(WL_ARG(key), WL_ARG(old), WL_ARG(value));
}

/* wl_kv_create stores value if there is no such key: 1 when it did, else 0. */
WL_TINY wl_code wl_kv_create(wl_str key, wl_str value) {
	return wl_host_kv_swap(WL_ARG(key), NULL, (uint32_t)-1, WL_ARG(value));
}

/* wl_kv_next returns the first key with the prefix that comes after after, in the
 * order of their bytes; WL_ABSENT at the end. */
WL_FN wl_result wl_kv_next(wl_str prefix, wl_str after) {
	WL_FETCH(wl_host_kv_list(WL_ARG(prefix), WL_ARG(after), buf, cap));
}

/* wl_keys goes through keys:
 *
 *     wl_keys keys = {WL("user/"), {NULL, 0}, 0};
 *     while (wl_keys_next(&keys)) { … keys.key … }
 *     if (keys.code < 0) …
 */
typedef struct wl_keys {
	wl_str prefix, key; /* key: where to go on after; empty to begin */
	wl_code code;       /* why it ended: 0, or an error */
} wl_keys;

WL_FN bool wl_keys_next(wl_keys *k) {
	wl_result next = wl_kv_next(k->prefix, k->key);
	k->key = next.value;
	k->code = next.code < 0 && next.code != WL_ABSENT ? next.code : 0;
	return next.code >= 0;
}

/* ---- Calls ---- */

typedef struct wl_field_line {
	wl_str name, value;
} wl_field_line;

WL_FN bool wl__word(wl_str s) { return s.len > 0 && wl_find(s, ' ') < 0 && wl_find(s, '\n') < 0; }

/* wl_call sends a request to a service, or to an origin such as
 * "https://api.example.com", and returns a handle for its answer, or a code:
 * WL_DENIED, WL_INVALID, WL_TIMEOUT, WL_UNAVAILABLE, WL_TOO_LARGE, WL_CLOSED. Any
 * status is an answer. At most 16 are open at once; all end with the request. */
WL_FN int32_t wl_call(wl_str target, wl_str method, wl_str path, const wl_field_line *headers, size_t count, wl_str body) {
	wl_buf head = {0, 0, 0};
	bool ok = wl__word(method) && wl__word(path);
	wl_put(&head, method);
	wl_put_byte(&head, ' ');
	wl_put(&head, path);
	wl_put_byte(&head, '\n');
	for (size_t i = 0; i < count; i++) { /* no part may be read as two */
		ok = ok && wl__word(headers[i].name) && wl_find(headers[i].name, ':') < 0 && wl_find(headers[i].value, '\n') < 0;
		wl_put(&head, headers[i].name);
		wl_put(&head, WL(": "));
		wl_put(&head, headers[i].value);
		wl_put_byte(&head, '\n');
	}
	return ok ? wl_host_call(WL_ARG(target), head.ptr, (uint32_t)head.len, WL_ARG(body)) : (int32_t)WL_INVALID;
}

WL_TINY int32_t wl_call_status(int32_t handle) { return wl_host_call_status(handle); }

WL_FN wl_result wl_call_header(int32_t handle, wl_str name, uint32_t index) {
	WL_FETCH(wl_host_call_header(handle, WL_ARG(name), index, buf, cap));
}

/* wl_call_part reads on in the answer's body, up to n bytes; empty at its end. */
WL_FN wl_result wl_call_part(int32_t handle, size_t n) {
	wl_result part = {0, {NULL, 0}};
	char *to = (char *)wl_alloc(n);
	part.code = wl_host_call_body(handle, to, (uint32_t)n);
	if (part.code >= 0) part.value = wl_make(to, (size_t)part.code);
	return part;
}

/* wl_call_body returns what is left of the answer's body. */
WL_FN wl_result wl_call_body(int32_t handle) {
	wl_buf all = {0, 0, 0};
	wl_result result = {0, {NULL, 0}};
	for (;;) {
		char *to = wl_room(&all, 4096);
		result.code = wl_host_call_body(handle, to, (uint32_t)(all.cap - all.len));
		if (result.code <= 0) break;
		all.len += (size_t)result.code;
	}
	if (result.code == 0) result.value = wl_bytes(&all);
	return result;
}

/* wl_call_close gives the answer back before the request ends. */
WL_TINY void wl_call_close(int32_t handle) { wl_host_call_close(handle); }

/* ---- Writing JSON ---- */

WL_FN void wl__escape(wl_buf *b, uint32_t c) {
	static const char hex[] = "0123456789abcdef";
	wl_put(b, WL("\\u"));
	for (int shift = 12; shift >= 0; shift -= 4) wl_put_byte(b, hex[c >> shift & 15]);
}

/* wl_put_quoted appends text as a JSON string, as plainly as JSON allows. A byte
 * that is no UTF-8 becomes U+FFFD. */
WL_FN void wl_put_quoted(wl_buf *b, wl_str s) {
	wl_put_byte(b, '"');
	while (s.len > 0) {
		uint32_t c = wl_next_rune(&s);
		if (c == '"' || c == '\\') wl_put_byte(b, '\\');
		if (c < ' ' || c == 0x7f) wl__escape(b, c);
		else wl_put_rune(b, c);
	}
	wl_put_byte(b, '"');
}

/* wl_json writes JSON and puts the commas. Begin with {0}:
 *
 *     wl_json j = {0};
 *     wl_json_open(&j, '{');
 *     wl_json_key(&j, WL("id"));
 *     wl_json_int(&j, 7);
 *     wl_json_close(&j, '}');
 *     wl_answer_json(200, &j);
 */
typedef struct wl_json {
	wl_buf out;
	bool comma; /* something stands before */
} wl_json;

WL_FN void wl__json_value(wl_json *j) {
	if (j->comma) wl_put_byte(&j->out, ',');
	j->comma = true;
}

WL_FN void wl_json_open(wl_json *j, char bracket) {
	wl__json_value(j);
	wl_put_byte(&j->out, bracket);
	j->comma = false;
}

WL_FN void wl_json_close(wl_json *j, char bracket) {
	wl_put_byte(&j->out, bracket);
	j->comma = true;
}

/* wl_json_text writes a string that may also stand inside HTML and scripts: < > &
 * and U+2028 and U+2029 are escaped. */
WL_FN void wl_json_text(wl_json *j, wl_str s) {
	static const char escapes[] = "\bb\ff\nn\rr\tt\"\"\\\\";
	wl__json_value(j);
	wl_put_byte(&j->out, '"');
	while (s.len > 0) {
		uint32_t c = wl_next_rune(&s);
		char letter = 0;
		for (size_t i = 0; i < sizeof escapes - 1; i += 2) {
			if (c == (unsigned char)escapes[i]) letter = escapes[i + 1];
		}
		if (letter != 0) {
			wl_put_byte(&j->out, '\\');
			wl_put_byte(&j->out, letter);
		} else if (c < ' ' || c == '<' || c == '>' || c == '&' || c == 0x2028 || c == 0x2029) {
			wl__escape(&j->out, c);
		} else {
			wl_put_rune(&j->out, c);
		}
	}
	wl_put_byte(&j->out, '"');
}

WL_FN void wl_json_key(wl_json *j, wl_str name) {
	wl_json_text(j, name);
	wl_put_byte(&j->out, ':');
	j->comma = false;
}

WL_FN void wl_json_int(wl_json *j, int64_t n) {
	wl__json_value(j);
	wl_put_int(&j->out, n);
}

/* wl_json_word writes true, false or null. */
WL_FN void wl_json_word(wl_json *j, wl_str word) {
	wl__json_value(j);
	wl_put(&j->out, word);
}

/* wl_answer_json answers with what has been written, and a line end after it. */
WL_FN wl_code wl_answer_json(int status, wl_json *j) {
	wl_put_byte(&j->out, '\n');
	return wl_answer(status, WL("application/json"), wl_bytes(&j->out));
}

/* ---- Reading JSON ----
 *
 * A reader goes through a text value by value:
 *
 *     wl_reader r = wl_read(body);
 *     wl_str key, name = {0}; int64_t age = 0;
 *     wl_read_open(&r, '{');
 *     while (wl_read_key(&r, &key)) {
 *         if (wl_equal(key, WL("name"))) wl_read_text(&r, &name);
 *         else if (wl_equal(key, WL("age"))) wl_read_int(&r, &age);
 *         else wl_read_skip(&r);
 *     }
 *     wl_read_end(&r);
 *     if (r.problem.ptr != NULL) … r.problem says what, r.at where …
 *
 * The first problem stays, and everything after it fails. */

typedef struct wl_reader {
	wl_str text;
	size_t at;
	wl_str problem; /* ptr is NULL while all is well */
	bool first;     /* inside a bracket that has just been opened */
} wl_reader;

#define WL_JSON_DEPTH 512 /* how deep what is skipped may be nested */

WL_TINY wl_reader wl_read(wl_str text) {
	wl_reader r = {text, 0, {NULL, 0}, false};
	return r;
}

WL_FN bool wl_read_fail(wl_reader *r, wl_str problem) {
	if (r->problem.ptr == NULL) r->problem = problem;
	return false;
}

/* wl_read_peek returns the first byte of the next value, or 0 at the end:
 * { [ " t f n - or a digit, if it is JSON. */
WL_FN char wl_read_peek(wl_reader *r) {
	while (r->at < r->text.len && wl_find(WL(" \t\r\n"), r->text.ptr[r->at]) >= 0) r->at++;
	return r->problem.ptr == NULL && r->at < r->text.len ? r->text.ptr[r->at] : (char)0;
}

WL_FN bool wl__expect(wl_reader *r, char c, wl_str problem) {
	char got = wl_read_peek(r);
	if (got != c || c == 0) return wl_read_fail(r, got == 0 ? WL("it ends too early") : problem);
	r->at++;
	return true;
}

/* wl_read_open enters an object or array: { or [. */
WL_FN bool wl_read_open(wl_reader *r, char bracket) {
	r->first = true;
	return wl__expect(r, bracket, bracket == '{' ? WL("an object is expected") : WL("an array is expected"));
}

/* wl_read_more reports whether another value comes before the closing bracket, and
 * steps over the comma, or over the bracket. */
WL_FN bool wl_read_more(wl_reader *r, char closing) {
	bool first = r->first;
	r->first = false;
	if (r->problem.ptr != NULL) return false;
	if (wl_read_peek(r) == closing) {
		r->at++;
		return false;
	}
	return first || wl__expect(r, ',', WL("a comma or a closing bracket is expected"));
}

WL_FN bool wl__hex4(wl_reader *r, uint32_t *c) {
	*c = 0;
	for (int i = 0; i < 4; i++) {
		char d = r->at < r->text.len ? r->text.ptr[r->at] : (char)0;
		uint32_t digit = d >= '0' && d <= '9' ? (uint32_t)(d - '0') : (d | 32) >= 'a' && (d | 32) <= 'f' ? (uint32_t)((d | 32) - 'a' + 10) : 16;
		if (digit == 16) return wl_read_fail(r, WL("\\u wants four hexadecimal digits"));
		*c = *c << 4 | digit;
		r->at++;
	}
	return true;
}

WL_FN bool wl__unescape(wl_reader *r, wl_buf *out) {
	static const char plain[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
	char e = r->at < r->text.len ? r->text.ptr[r->at++] : (char)0;
	for (size_t i = 0; i < sizeof plain - 1; i += 2) {
		if (e == plain[i]) {
			wl_put_byte(out, plain[i + 1]);
			return true;
		}
	}
	uint32_t c, low;
	if (e != 'u') return wl_read_fail(r, WL("an escape that JSON does not have"));
	if (!wl__hex4(r, &c)) return false;
	if (c >= 0xd800 && c < 0xdc00 && wl_starts(wl_make(r->text.ptr + r->at, r->text.len - r->at), WL("\\u"))) {
		size_t back = r->at;
		r->at += 2;
		if (!wl__hex4(r, &low)) return false;
		if (low >= 0xdc00 && low < 0xe000) c = 0x10000 + ((c & 0x3ff) << 10 | (low & 0x3ff));
		else r->at = back; /* half a pair, and another character after it */
	}
	wl_put_rune(out, c >= 0xd800 && c < 0xe000 ? 0xfffd : c);
	return true;
}

/* wl_read_text reads a string. Halves of surrogate pairs, and bytes that are no
 * UTF-8, become U+FFFD. */
WL_FN bool wl_read_text(wl_reader *r, wl_str *value) {
	wl_buf out = {0, 0, 0};
	if (!wl__expect(r, '"', WL("a string is expected"))) return false;
	while (r->at < r->text.len) {
		char c = r->text.ptr[r->at];
		if (c == '"') {
			r->at++;
			*value = out.ptr == NULL ? WL("") : wl_bytes(&out);
			return true;
		}
		if ((unsigned char)c < ' ') return wl_read_fail(r, WL("a control character in a string; write it as \\u00.."));
		if (c == '\\') {
			r->at++;
			if (!wl__unescape(r, &out)) return false;
			continue;
		}
		wl_str rest = wl_make(r->text.ptr + r->at, r->text.len - r->at);
		wl_put_rune(&out, wl_next_rune(&rest));
		r->at = r->text.len - rest.len;
	}
	return wl_read_fail(r, WL("it ends too early"));
}

/* wl_read_key reads the next key of an object, up to its value; false at the end
 * of the object. */
WL_FN bool wl_read_key(wl_reader *r, wl_str *key) {
	if (!wl_read_more(r, '}')) return false;
	return wl_read_text(r, key) && wl__expect(r, ':', WL("a colon is expected"));
}

/* wl__number steps over a number and returns its text. */
WL_FN wl_str wl__number(wl_reader *r) {
	size_t begin = r->at, n = r->text.len;
	const char *p = r->text.ptr;
	size_t i = begin + (begin < n && p[begin] == '-'), digits = i;
	bool ok;
	while (i < n && p[i] >= '0' && p[i] <= '9') i++;
	ok = i > digits && (p[digits] != '0' || i == digits + 1);
	if (ok && i < n && p[i] == '.') {
		digits = ++i;
		while (i < n && p[i] >= '0' && p[i] <= '9') i++;
		ok = i > digits;
	}
	if (ok && i < n && (p[i] | 32) == 'e') {
		i++;
		if (i < n && (p[i] == '-' || p[i] == '+')) i++;
		digits = i;
		while (i < n && p[i] >= '0' && p[i] <= '9') i++;
		ok = i > digits;
	}
	r->at = i;
	if (!ok) wl_read_fail(r, WL("no value begins so"));
	return wl_make(p + begin, i - begin);
}

/* wl_read_int reads a whole number that fits into 64 bits. */
WL_FN bool wl_read_int(wl_reader *r, int64_t *value) {
	char c = wl_read_peek(r);
	if (c != '-' && (c < '0' || c > '9')) return wl_read_fail(r, WL("a whole number is expected"));
	wl_str text = wl__number(r);
	if (r->problem.ptr != NULL) return false;
	return wl_parse_int(text, value) || wl_read_fail(r, WL("a whole number of 64 bits is expected"));
}

/* wl_read_word reports whether the next value is the word true, false or null, and
 * steps over it. */
WL_FN bool wl_read_word(wl_reader *r, wl_str word) {
	wl_read_peek(r);
	if (r->problem.ptr != NULL || !wl_starts(wl_make(r->text.ptr + r->at, r->text.len - r->at), word)) return false;
	r->at += word.len;
	return true;
}

WL_FN bool wl__skip_one(wl_reader *r, char c) {
	wl_str text;
	if (c == '"') return wl_read_text(r, &text);
	if (wl_read_word(r, WL("true")) || wl_read_word(r, WL("false")) || wl_read_word(r, WL("null"))) return true;
	wl__number(r);
	return r->problem.ptr == NULL;
}

/* wl_read_skip steps over a value of any kind. */
WL_FN bool wl_read_skip(wl_reader *r) {
	char closing[WL_JSON_DEPTH];
	size_t depth = 0;
	wl_str key;
	do {
		char c = wl_read_peek(r);
		if (c == 0) return wl_read_fail(r, WL("it ends too early"));
		if (c == '{' || c == '[') {
			if (depth == WL_JSON_DEPTH) return wl_read_fail(r, WL("it is nested too deep"));
			closing[depth++] = c == '{' ? '}' : ']';
			wl_read_open(r, c);
		} else if (!wl__skip_one(r, c)) {
			return false;
		}
		while (depth > 0) { /* to the next value, or out of what has ended */
			bool more = closing[depth - 1] == '}' ? wl_read_key(r, &key) : wl_read_more(r, ']');
			if (r->problem.ptr != NULL) return false;
			if (more) break;
			depth--;
			r->first = false;
		}
	} while (depth > 0);
	return true;
}

/* wl_read_end checks that nothing comes after the value. */
WL_FN bool wl_read_end(wl_reader *r) {
	if (r->problem.ptr == NULL && wl_read_peek(r) == 0) return true;
	return wl_read_fail(r, WL("there is more after the value"));
}

/* ---- Failing ---- */

/* wl__fail answers with an error, when there is still a way to. */
WL_FN void wl__fail(int status, wl_str message, wl_str log) {
	if (log.len > 0) wl_log(WL_ERROR, log);
	/* After a refused write the host knows already. */
	if (wl__state.refused) return;
	/* Part of the body is out. Only a trap keeps a client from taking it for all. */
	if (wl__state.begun) __builtin_trap();
	wl_buf body = {0, 0, 0};
	wl_put(&body, WL("{\"error\": "));
	wl_put_quoted(&body, message);
	wl_put(&body, WL(", \"request_id\": "));
	wl_put_quoted(&body, wl_request(WL_REQUEST_ID));
	wl_put(&body, WL("}\n"));
	wl_answer(status, WL("application/json"), wl_bytes(&body));
}

/* wl_error answers {"error": message, "request_id": …} with a status. Return from
 * the handler after it. One of 500 or more is logged. After the body has begun it
 * ends the request, lest a client take half an answer for a whole one. */
WL_FN void wl_error(int status, wl_str message) {
	wl_str line = {NULL, 0};
	if (status >= 500) line = wl_join(wl_join(wl_int_text(status), WL(" ")), message);
	wl__fail(status, message, line);
}

/* wl_fail answers 500 and logs the reason, which the client does not see. */
WL_FN void wl_fail(wl_str reason) { wl__fail(500, WL("internal error"), reason.len > 0 ? reason : WL("the handler failed")); }

/* wl_fail_code is wl_fail for what the host answered a code to: 503 for UNAVAILABLE,
 * since another host may have what this one lacks, 504 for TIMEOUT, else 500. */
WL_FN void wl_fail_code(wl_code code, wl_str reason) {
	switch (code) {
	case WL_UNAVAILABLE: wl__fail(503, WL("unavailable; try again later"), reason); return;
	case WL_TIMEOUT: wl__fail(504, WL("the handler did not answer in time"), reason); return;
	default: wl_fail(reason);
	}
}

/* wl_describe says what failed: the function, its argument, and what the code
 * means. */
WL_FN wl_str wl_describe(wl_str function, wl_str argument, wl_code code) {
	wl_buf text = {0, 0, 0};
	wl_put(&text, function);
	wl_put_byte(&text, ' ');
	wl_put_quoted(&text, wl_make(argument.ptr, argument.len < 80 ? argument.len : 80));
	wl_put(&text, WL(": "));
	wl_put(&text, wl_code_text(code));
	return wl_bytes(&text);
}

/* ---- Handlers ---- */

WL_TINY void wl__begin(void) {
	wl_state *s = &wl__state;
	if (s->mark != 0) s->next = s->mark;
	s->seeded = s->begun = s->refused = false;
}

WL_TINY void wl__ready(void) {
	wl_alloc(0); /* finds the heap */
	wl__state.mark = wl__state.next;
}

#ifdef __wasm__
#define WL_EXPORT(name) __attribute__((export_name(name)))
#else
#define WL_EXPORT(name)
#endif

/* WASMLANE_HANDLER(name) { … } exports a handler. */
#define WASMLANE_HANDLER(name)                                                  \
	static void wl_handle_##name(void);                                         \
	WL_C WL_EXPORT(#name) void wl_export_##name(void);                          \
	void wl_export_##name(void) {                                               \
		wl__begin();                                                            \
		wl_handle_##name();                                                     \
	}                                                                           \
	static void wl_handle_##name(void)

/* WASMLANE_INIT { … } runs once, before all requests, which start from the memory
 * that it leaves. There is no request; config, log and reads of the store work. */
#define WASMLANE_INIT                                                           \
	static void wl_initialise(void);                                            \
	WL_C WL_EXPORT("wasmlane_init") void wl_export_init(void);                  \
	void wl_export_init(void) {                                                 \
		wl_initialise();                                                        \
		wl__ready();                                                            \
	}                                                                           \
	static void wl_initialise(void)

#endif
