/* The user service: it keeps users with a name and an email address that no two
 * of them share.
 *
 * A function that returns bool has answered the request already when it returns
 * false. */
#ifndef USERS_H
#define USERS_H

#include "wasmlane.h"

/* input is the body of POST and PUT, checked. The email is in the one form in
 * which addresses are compared. */
typedef struct input {
	wl_str name, email;
} input;

bool read_input(input *in);

/* path_id reads the {id} of the route. One that no user can have is answered as
 * one that no user has. */
bool path_id(int64_t *id);

/* read_page reads what part of a list the client asks for. */
bool read_page(int64_t *limit, int64_t *after);

/* profile is what a user is. */
typedef struct profile {
	wl_str name, email;
	int64_t claim; /* with the id, what holds email; 0 when created with it */
} profile;

bool find_user(int64_t id, profile *user);
bool create_user(const input *in, int64_t *id, profile *user);
bool update_user(int64_t id, const input *in, profile *user);
bool delete_user(int64_t id);

/* next_user finds the first user after *id, sets *id and *user, or *end. */
bool next_user(int64_t *id, profile *user, bool *end);

bool no_user(wl_str id);

/* What Unicode says of characters. */
bool is_letter_or_digit(uint32_t c);
bool is_space(uint32_t c);
bool is_control(uint32_t c);
uint32_t to_lower(uint32_t c);

#endif
