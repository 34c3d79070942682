/* Tests of what wasmlane.h does by itself, natively: a host that knows nothing
 * stands in for the real one. */
#include "wasmlane.h"

#include <stdio.h>

static int failures;

#define CHECK(condition)                                         \
	do {                                                         \
		if (!(condition)) {                                      \
			printf("line %d: %s\n", __LINE__, #condition);       \
			failures++;                                          \
		}                                                        \
	} while (0)

static bool is(wl_str got, wl_str want) {
	if (wl_equal(got, want)) return true;
	printf("got  %.*s\nwant %.*s\n", (int)got.len, got.ptr, (int)want.len, want.ptr);
	return false;
}

/* The host: a value of 5000 bytes that grows each time it is looked at. */
static uint32_t value_len = 5000;
static int looks;

int32_t wl_host_kv_get(const void *key, uint32_t key_len, void *buf, uint32_t cap) {
	(void)key, (void)key_len;
	looks++;
	uint32_t n = value_len;
	if (n > cap) value_len += 3000 * (looks < 3);
	else __builtin_memset(buf, 'v', n);
	return (int32_t)n;
}

int32_t wl_wasi_random_get(void *buf, uint32_t len) {
	__builtin_memset(buf, 7, len);
	return 0;
}

static void test_fetch(void) {
	wl_result r = wl_kv_get(WL("k"));
	CHECK(r.code == 11000 && r.value.len == 11000 && looks == 4);
	CHECK(r.value.ptr[0] == 'v' && r.value.ptr[10999] == 'v');
	value_len = 0;
	uintptr_t before = wl__state.next;
	r = wl_kv_get(WL("k"));
	CHECK(r.code == 0 && r.value.len == 0 && wl__state.next == before);
}

static void test_numbers(void) {
	int64_t n;
	CHECK(is(wl_int_text(0), WL("0")));
	CHECK(is(wl_int_text(INT64_MIN), WL("-9223372036854775808")));
	CHECK(is(wl_int_text(INT64_MAX), WL("9223372036854775807")));
	CHECK(wl_parse_int(WL("-9223372036854775808"), &n) && n == INT64_MIN);
	CHECK(wl_parse_int(WL("9223372036854775807"), &n) && n == INT64_MAX);
	CHECK(wl_parse_int(WL("+007"), &n) && n == 7);
	CHECK(!wl_parse_int(WL("9223372036854775808"), &n));
	CHECK(!wl_parse_int(WL("-9223372036854775809"), &n));
	CHECK(!wl_parse_int(WL("99999999999999999999"), &n));
	CHECK(!wl_parse_int(WL(""), &n) && !wl_parse_int(WL("-"), &n) && !wl_parse_int(WL("1 "), &n) && !wl_parse_int(WL("0x1"), &n));
}

static void test_utf8(void) {
	wl_str s = WL("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
	CHECK(wl_next_rune(&s) == 'a' && wl_next_rune(&s) == 0xe9 && wl_next_rune(&s) == 0x20ac && wl_next_rune(&s) == 0x1f600 && s.len == 0);
	/* Overlong, a surrogate, past the end, cut short: each byte by itself. */
	const wl_str wrong[] = {WL("\xc0\x80"), WL("\xe0\x80\x80"), WL("\xed\xa0\x80"), WL("\xf4\x90\x80\x80"), WL("\xf8"), WL("\x80"), WL("\xe2\x82"), WL("\xff")};
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		s = wrong[i];
		size_t count = 0;
		for (; s.len > 0; count++) CHECK(wl_next_rune(&s) == 0xfffd);
		CHECK(count == wrong[i].len);
	}
}

static void test_writer(void) {
	wl_json j = {0};
	wl_json_open(&j, '{');
	wl_json_key(&j, WL("a"));
	wl_json_int(&j, -1);
	wl_json_key(&j, WL("b\""));
	wl_json_open(&j, '[');
	wl_json_word(&j, WL("true"));
	wl_json_open(&j, '{');
	wl_json_close(&j, '}');
	wl_json_text(&j, WL("<\x01\n\xff\x7f\xe2\x80\xa8"));
	wl_json_close(&j, ']');
	wl_json_key(&j, WL(""));
	wl_json_word(&j, WL("null"));
	wl_json_close(&j, '}');
	CHECK(is(wl_bytes(&j.out), WL("{\"a\":-1,\"b\\\"\":[true,{},\"\\u003c\\u0001\\n\xef\xbf\xbd\x7f\\u2028\"],\"\":null}")));
	wl_buf b = {0};
	wl_put_quoted(&b, WL("\n\x7f<\"\\"));
	CHECK(is(wl_bytes(&b), WL("\"\\u000a\\u007f<\\\"\\\\\"")));
}

static void test_reader(void) {
	wl_reader r = wl_read(WL(" {\"n\" : -12 , \"s\":\"\\ud83d\\ude00\\u00e9\\/\\n\\ud83d\\u0041\\udc00\",\"x\":[1.5e3,{},[],{\"y\":[null]}],\"z\":true} "));
	wl_str key, text = {0};
	int64_t n = 0;
	int members = 0;
	wl_read_open(&r, '{');
	for (; wl_read_key(&r, &key); members++) {
		if (wl_equal(key, WL("n"))) wl_read_int(&r, &n);
		else if (wl_equal(key, WL("s"))) wl_read_text(&r, &text);
		else wl_read_skip(&r);
	}
	CHECK(wl_read_end(&r) && r.problem.ptr == NULL && members == 4 && n == -12);
	CHECK(is(text, WL("\xf0\x9f\x98\x80\xc3\xa9/\n\xef\xbf\xbd" "A\xef\xbf\xbd")));

	static const char *const good[] = {"0", "-0", "1.5", "1e9", "1E-9", "\"\"", "[]", "{}", "[1,2]", "{\"a\":{\"b\":[]}}", "null", "true", "false", " [ ] "};
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		r = wl_read(wl_cstr(good[i]));
		CHECK(wl_read_skip(&r) && wl_read_end(&r));
		if (r.problem.ptr != NULL) printf("%s: %.*s\n", good[i], (int)r.problem.len, r.problem.ptr);
	}
	static const char *const bad[] = {"", "{", "[", "[1", "[1,", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{1:1}", "01", "-", "1.", ".5", "1e", "+1", "nul", "tru", "\"", "\"\\q\"", "\"\\u12\"", "\"\\u12g4\"", "\"\n\"", "[1 2]", "{\"a\" 1}", "[}", "{]", "1 2", "[]]", "'a'", "\"\\"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		r = wl_read(wl_cstr(bad[i]));
		bool ok = wl_read_skip(&r) && wl_read_end(&r);
		if (ok || r.problem.ptr == NULL) printf("%s passes\n", bad[i]);
		CHECK(!ok && r.problem.ptr != NULL && r.at <= r.text.len);
	}
}

static void test_depth(void) {
	wl_buf deep = {0};
	for (int i = 0; i < WL_JSON_DEPTH; i++) wl_put_byte(&deep, '[');
	for (int i = 0; i < WL_JSON_DEPTH; i++) wl_put_byte(&deep, ']');
	wl_reader r = wl_read(wl_bytes(&deep));
	CHECK(wl_read_skip(&r) && wl_read_end(&r));
	wl_buf deeper = {0};
	wl_put_byte(&deeper, '[');
	wl_put(&deeper, wl_bytes(&deep));
	r = wl_read(wl_bytes(&deeper));
	CHECK(!wl_read_skip(&r) && is(r.problem, WL("it is nested too deep")));
	/* A text that is cut anywhere fails, and reads nothing behind its end. */
	wl_str whole = WL("{\"a\":[1,true,\"\\u00e9\\ud83d\\ude00\"],\"b\":{\"c\":null}}");
	for (size_t n = 0; n < whole.len; n++) {
		r = wl_read(wl_make(whole.ptr, n));
		CHECK(!wl_read_skip(&r) && r.at <= n);
	}
}

static void test_memory(void) {
	wl_buf a = {0}, b = {0};
	for (int i = 0; i < 10000; i++) {
		wl_put_byte(&a, (char)i);
		if (i % 3 == 0) wl_put_byte(&b, (char)~i);
	}
	bool same = a.len == 10000 && b.len == 3334;
	for (int i = 0; i < 10000; i++) same = same && a.ptr[i] == (char)i && (i % 3 != 0 || b.ptr[i / 3] == (char)~i);
	CHECK(same);
	uintptr_t at = (uintptr_t)wl_alloc(1);
	CHECK(at % 8 == 0 && (uintptr_t)wl_alloc(9) == at + 8 && (uintptr_t)wl_alloc(0) == at + 24);
	wl__begin();
	CHECK(wl__state.next == wl__state.mark);
}

static void test_random(void) {
	wl__begin();
	uint64_t first = wl_random(), second = wl_random();
	CHECK(first != second);
	wl__begin();
	CHECK(wl_random() == first); /* the same seed again */
}

int main(void) {
	test_fetch();
	test_numbers();
	test_utf8();
	test_writer();
	test_reader();
	test_depth();
	test_memory();
	test_random();
	return failures > 0;
}
