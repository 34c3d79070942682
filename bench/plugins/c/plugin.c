// The benchmark's plugin in C, against abi/README.md with no SDK: what a request
// costs when the guest does next to nothing.
#define IMPORT(name) __attribute__((import_module("wasmlane_v1"), import_name(#name)))
#define HANDLER(name) __attribute__((export_name(#name))) void name(void)

IMPORT(param) int param(const char *name, int name_len, char *buf, int cap);
IMPORT(status) void status(int code);
IMPORT(set_header) int set_header(const char *name, int name_len, const char *value, int value_len);
IMPORT(write) int write_body(const char *text, int len);

enum { MAX_ID = 64 };

static char *copy(char *to, const char *from, int n) {
	for (int i = 0; i < n; i++) *to++ = from[i];
	return to;
}

// Appends text as it must stand in a JSON string.
static char *escape(char *to, const char *text, int n) {
	static const char hex[] = "0123456789abcdef";
	for (int i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c == '"' || c == '\\') {
			*to++ = '\\';
			*to++ = (char)c;
		} else if (c < 0x20) {
			to = copy(to, "\\u00", 4);
			*to++ = hex[c >> 4];
			*to++ = hex[c & 15];
		} else {
			*to++ = (char)c;
		}
	}
	return to;
}

#define TEXT(s) s, (int)sizeof s - 1

HANDLER(get_user) {
	char id[MAX_ID], body[3 * 6 * MAX_ID + 64], *end = body;
	int n = param(TEXT("id"), id, MAX_ID);
	if (n < 0 || n > MAX_ID) {
		status(400);
		return;
	}
	end = copy(end, TEXT("{\"id\": \""));
	end = escape(end, id, n);
	end = copy(end, TEXT("\", \"name\": \"User "));
	end = escape(end, id, n);
	end = copy(end, TEXT("\", \"email\": \"user"));
	end = escape(end, id, n);
	end = copy(end, TEXT("@example.com\"}"));
	set_header(TEXT("Content-Type"), TEXT("application/json"));
	write_body(body, (int)(end - body));
}

IMPORT(body) int read_body(char *buf, int cap);

// Reads the whole body and answers how long it was.
HANDLER(count_body) {
	static char buf[64 << 10];
	long long size = 0;
	for (int n; (n = read_body(buf, sizeof buf)) > 0;) size += n;
	char digits[24], *at = digits + sizeof digits;
	do *--at = (char)('0' + size % 10);
	while (size /= 10);
	write_body(at, (int)(digits + sizeof digits - at));
}
