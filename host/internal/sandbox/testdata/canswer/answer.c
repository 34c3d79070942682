// The handler that the figures are about, in C: one parameter in; status, one
// header and 70 bytes of JSON out. Four host calls.

#define IMPORT(name) __attribute__((import_module("bench"), import_name(#name)))

IMPORT(param) int param(const char *name, unsigned name_len, char *buf, unsigned cap);
IMPORT(status) void status(unsigned code);
IMPORT(set_header) int set_header(const char *name, unsigned name_len, const char *value, unsigned value_len);
IMPORT(write) int write(const char *text, unsigned len);

// The buffer that answers are put together in.
static char out[256];
static unsigned length;

static void text(const char *s, unsigned n) {
	__builtin_memcpy(out + length, s, n);
	length += n;
}

#define LITERAL(s) s, sizeof(s) - 1

// quoted writes a JSON string.
static void quoted(const char *s, unsigned n) {
	out[length++] = '"';
	for (unsigned i = 0; i < n && length < sizeof out - 80; i++) {
		if (s[i] == '"' || s[i] == '\\') out[length++] = '\\';
		out[length++] = s[i];
	}
	out[length++] = '"';
}

__attribute__((export_name("answer"))) void answer(void) {
	char id[32];
	int n = param(LITERAL("id"), id, sizeof id);
	if (n < 0 || n > (int)sizeof id) {
		status(404);
		return;
	}
	length = 0;
	text(LITERAL("{\"id\":"));
	quoted(id, n);
	text(LITERAL(",\"name\":"));
	quoted(LITERAL("somebody"));
	text(LITERAL(",\"greeting\":\"hello from a guest in C\"}"));
	status(200);
	set_header(LITERAL("content-type"), LITERAL("application/json"));
	write(out, length);
}
