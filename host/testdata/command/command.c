/* The CGI program of main.go, in C. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;
static int count;
static volatile int spin;

static void copy(void)
{
	char buf[10000];
	size_t n;
	while ((n = fread(buf, 1, sizeof buf, stdin)) > 0)
		fwrite(buf, 1, n, stdout);
}

static int compare(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

int main(int argc, char **argv)
{
	const char *info = getenv("PATH_INFO"), *query = getenv("QUERY_STRING");
	long n = query ? atol(query) : 0;
	if (!strcmp(info, "/count")) {
		printf("Content-Type: text/plain\n\n%d", ++count);
	} else if (!strcmp(info, "/env")) {
		size_t variables = 0;
		printf("Content-Type: text/plain\n\n");
		for (int i = 0; i < argc; i++)
			printf("%s%s", i ? " " : "", argv[i]);
		printf("\n");
		while (environ[variables])
			variables++;
		qsort(environ, variables, sizeof *environ, compare);
		for (size_t i = 0; i < variables; i++)
			printf("%s\n", environ[i]);
	} else if (!strcmp(info, "/echo")) {
		printf("Content-Type: application/octet-stream\r\n\r\n");
		copy();
	} else if (!strcmp(info, "/raw")) {
		copy();
	} else if (!strcmp(info, "/big")) {
		printf("Content-Type: application/octet-stream\n\n");
		while (n-- > 0)
			putchar('x');
	} else if (!strcmp(info, "/exit")) {
		printf("Content-Type: text/plain\n\nbye");
		exit((int)n);
	} else if (!strcmp(info, "/spin")) {
		for (;;)
			spin++;
	} else if (!strcmp(info, "/grow")) {
		for (;;) {
			char *piece = malloc(1 << 20);
			if (!piece)
				abort();
			*(volatile char *)piece = 1;
		}
	} else if (!strcmp(info, "/panic")) {
		abort();
	} else if (!strcmp(info, "/log")) {
		fprintf(stderr, "a line for the log\n");
		printf("Status: 204\n\n");
	}
	return 0;
}
