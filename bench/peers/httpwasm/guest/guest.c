// The handler against the http-wasm handler ABI, in C without a library.
#define IMPORT(name) __attribute__((import_module("http_handler"), import_name(#name)))
#define EXPORT(name) __attribute__((export_name(#name)))

IMPORT(get_uri) int get_uri(char *buf, int limit);
IMPORT(set_header_value) void set_header_value(int kind, const char *name, int name_len, const char *value, int value_len);
IMPORT(write_body) void write_body(int kind, const char *buf, int len);

enum { RESPONSE = 1, MAX_URI = 72, PREFIX = sizeof "/users/" - 1 };

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

// Returns 1 to go on to the next handler, 0 when the answer is complete.
EXPORT(handle_request) long long handle_request(void) {
	char uri[MAX_URI], body[3 * 6 * MAX_URI + 64], *end = body;
	int n = get_uri(uri, MAX_URI);
	if (n <= PREFIX || n > MAX_URI) return 1;
	for (int i = 0; i < PREFIX; i++) {
		if (uri[i] != "/users/"[i]) return 1;
	}
	const char *id = uri + PREFIX;
	n -= PREFIX;
	end = copy(end, TEXT("{\"id\": \""));
	end = escape(end, id, n);
	end = copy(end, TEXT("\", \"name\": \"User "));
	end = escape(end, id, n);
	end = copy(end, TEXT("\", \"email\": \"user"));
	end = escape(end, id, n);
	end = copy(end, TEXT("@example.com\"}"));
	set_header_value(RESPONSE, TEXT("Content-Type"), TEXT("application/json"));
	write_body(RESPONSE, body, (int)(end - body));
	return 0;
}

EXPORT(handle_response) void handle_response(int context, int is_error) {
	(void)context;
	(void)is_error;
}
