/* The handlers. */
#include "users.h"

/* put_user writes what clients see of a user. */
static void put_user(wl_json *j, int64_t id, const profile *user) {
	wl_json_open(j, '{');
	wl_json_key(j, WL("id"));
	wl_json_text(j, wl_int_text(id));
	wl_json_key(j, WL("name"));
	wl_json_text(j, user->name);
	wl_json_key(j, WL("email"));
	wl_json_text(j, user->email);
	wl_json_key(j, WL("status"));
	wl_json_text(j, WL("active"));
	wl_json_close(j, '}');
}

static void answer_user(int status, int64_t id, const profile *user) {
	wl_json j = {0};
	put_user(&j, id, user);
	wl_answer_json(status, &j);
}

WASMLANE_HANDLER(get_user) {
	int64_t id;
	profile user;
	if (path_id(&id) && find_user(id, &user)) answer_user(200, id, &user);
}

WASMLANE_HANDLER(create_user) {
	input in;
	int64_t id;
	profile user;
	if (!read_input(&in) || !create_user(&in, &id, &user)) return;
	wl_set_header(WL("Location"), wl_join(WL("/users/"), wl_int_text(id)));
	answer_user(201, id, &user);
}

WASMLANE_HANDLER(update_user) {
	int64_t id;
	input in;
	profile user;
	if (path_id(&id) && read_input(&in) && update_user(id, &in, &user)) answer_user(200, id, &user);
}

WASMLANE_HANDLER(delete_user) {
	int64_t id;
	if (path_id(&id) && delete_user(id)) wl_no_content();
}

/* A list of users, and when there are more, what to give as ?after= for them. */
WASMLANE_HANDLER(list_users) {
	int64_t limit, id, last = 0;
	if (!read_page(&limit, &id)) return;
	wl_json j = {0};
	wl_json_open(&j, '{');
	wl_json_key(&j, WL("users"));
	wl_json_open(&j, '[');
	bool end;
	for (int64_t count = 0;; count++) {
		profile user;
		if (!next_user(&id, &user, &end)) return;
		if (end || count == limit) break;
		put_user(&j, id, &user);
		last = id;
	}
	wl_json_close(&j, ']');
	if (!end) {
		wl_json_key(&j, WL("next"));
		wl_json_text(&j, wl_int_text(last));
	}
	wl_json_close(&j, '}');
	wl_answer_json(200, &j);
}
