/* The commands of a script, and how their results are written. */
#ifndef SCRIPT_H
#define SCRIPT_H

#include "wasmlane.h"

#define MAX_WORDS 16
#define MALFORMED WL("?")

typedef struct command {
	wl_str word[MAX_WORDS];
	size_t count;
} command;

/* parse splits a command into its words, decoded. */
command parse(wl_str text);

/* is reports whether a command has that name and that many words after it. */
bool is(const command *c, const char *name, size_t words);

/* show returns bytes as a result line has them. */
wl_str show(wl_str bytes);

/* The results of what the host answers: a value, "ok", a number, or the code. */
wl_str show_result(wl_result result);
wl_str show_done(wl_code code);
wl_str show_number(wl_code code, int64_t number);

/* Each carries out the commands of its kind. A ptr of NULL: it is none of them. */
wl_str request_command(const command *c);
wl_str store_command(const command *c);
wl_str call_command(const command *c);

/* forget_calls begins a script: no slot has a call. */
void forget_calls(void);

#endif
