/* Users in the store, and how two of them never share an email address although
 * each write stands for itself and a request may end between any two.
 *
 *     last_id           the last id given out
 *     last_claim        the last claim given out by an update
 *     user/{id}         a record: what the user is now, and what it wants to be
 *     email/{address}   the claim on an address: "{id}:{claim}"
 *
 * A create or an update that needs an address takes three steps:
 *
 *  1. The record gets its wish, with a claim that nobody has had: {now, next}.
 *  2. The claim is put under email/{address}. This decides between those who want
 *     the same address.
 *  3. The wish becomes the user: {now: next}.
 *
 * A claim is live while its user has it as now or next. Whoever finds a live claim
 * of a wish first does step 3 for its owner. A claim that is not live never becomes
 * live again, so it can be replaced by compare-and-swap. That is also how addresses
 * become free: nobody deletes a claim, because it may be somebody else's by then.
 *
 * Ended after step 1, a create leaves a record without now, which nobody sees, and
 * an update a wish that the next update replaces. Ended after step 2, the change is
 * completed when the address is asked for next, and dropped by the next update of
 * the user. No address is locked for good. */
#include "users.h"

/* record is a user in the store, as it was read or written last, so that a change
 * can see whether it is still the same. */
typedef struct record {
	wl_str key, raw;
	bool exists;
	bool has_now;  /* false until the user is created */
	bool has_next; /* a change that is not complete */
	profile now, next;
} record;

/* How often a change starts again because another one came between. */
enum { ATTEMPTS = 16 };

static bool busy(void) {
	wl_error(503, WL("too many changes at the same time; try again"));
	return false;
}

static bool store_failed(const char *function, wl_str key, wl_code code) {
	wl_fail_code(code, wl_describe(wl_cstr(function), key, code));
	return false;
}

static bool damaged(wl_str key, wl_str why) {
	wl_fail(wl_join(wl_join(key, WL(" is damaged: ")), why));
	return false;
}

static bool taken(wl_str email) {
	wl_error(409, wl_join(WL("another user has the email "), email));
	return false;
}

/* user_key pads the id, so that the order of the keys is that of the ids. */
static wl_str user_key(int64_t id) {
	wl_str digits = wl_int_text(id);
	wl_str zeros = WL("0000000000000000000");
	zeros.len -= digits.len;
	return wl_join(wl_join(WL("user/"), zeros), digits);
}

static wl_str email_key(wl_str email) { return wl_join(WL("email/"), email); }

static void read_profile(wl_reader *r, profile *p) {
	wl_str key;
	*p = (profile){WL(""), WL(""), 0};
	wl_read_open(r, '{');
	while (wl_read_key(r, &key)) {
		if (wl_equal(key, WL("name"))) wl_read_text(r, &p->name);
		else if (wl_equal(key, WL("email"))) wl_read_text(r, &p->email);
		else if (wl_equal(key, WL("claim"))) wl_read_int(r, &p->claim);
		else wl_read_skip(r);
	}
}

static bool read_record(int64_t id, record *r) {
	*r = (record){.key = user_key(id)};
	wl_result got = wl_kv_get(r->key);
	if (got.code == WL_ABSENT) return true;
	if (got.code < 0) return store_failed("kv_get", r->key, got.code);
	r->exists = true;
	r->raw = got.value;
	wl_reader reader = wl_read(got.value);
	wl_str key;
	wl_read_open(&reader, '{');
	while (wl_read_key(&reader, &key)) {
		if (wl_equal(key, WL("now"))) {
			r->has_now = true;
			read_profile(&reader, &r->now);
		} else if (wl_equal(key, WL("next"))) {
			r->has_next = true;
			read_profile(&reader, &r->next);
		} else {
			wl_read_skip(&reader);
		}
	}
	return wl_read_end(&reader) || damaged(r->key, reader.problem);
}

static void put_profile(wl_json *j, wl_str key, const profile *p) {
	if (p == NULL) return;
	wl_json_key(j, key);
	wl_json_open(j, '{');
	wl_json_key(j, WL("name"));
	wl_json_text(j, p->name);
	wl_json_key(j, WL("email"));
	wl_json_text(j, p->email);
	wl_json_key(j, WL("claim"));
	wl_json_int(j, p->claim);
	wl_json_close(j, '}');
}

static wl_str encode(const profile *now, const profile *next) {
	wl_json j = {0};
	wl_json_open(&j, '{');
	put_profile(&j, WL("now"), now);
	put_profile(&j, WL("next"), next);
	wl_json_close(&j, '}');
	return wl_bytes(&j.out);
}

/* swap_record changes the record unless it is another one by now. */
static wl_code swap_record(record *r, const profile *now, const profile *next) {
	wl_str raw = encode(now, next);
	wl_code swapped = wl_kv_swap(r->key, r->raw, raw);
	if (swapped == 1) r->raw = raw;
	return swapped;
}

/* settle reports in *live whether a claim on an address is live. If it belongs to
 * a wish, the wish becomes the user. */
static bool settle(wl_str email, int64_t id, int64_t claim, bool *live) {
	*live = false;
	for (int i = 0; i < ATTEMPTS; i++) {
		record r;
		if (!read_record(id, &r)) return false;
		if (r.has_now && r.now.claim == claim && wl_equal(r.now.email, email)) {
			*live = true;
			return true;
		}
		if (!r.has_next || r.next.claim != claim || !wl_equal(r.next.email, email)) return true;
		wl_code swapped = swap_record(&r, &r.next, NULL);
		if (swapped < 0) return store_failed("kv_swap", r.key, swapped);
		if (swapped == 1) {
			*live = true;
			return true;
		}
	}
	return busy();
}

/* claim_email puts the user's claim on an address, unless somebody's live claim is
 * there. *holder is then the id of the user who holds the address. */
static bool claim_email(wl_str email, int64_t id, int64_t claim, int64_t *holder) {
	wl_str key = email_key(email);
	wl_str mine = wl_join(wl_join(wl_int_text(id), WL(":")), wl_int_text(claim));
	for (int i = 0; i < ATTEMPTS; i++) {
		*holder = id;
		wl_code done = wl_kv_create(key, mine);
		if (done < 0) return store_failed("kv_swap", key, done);
		if (done == 1) return true;
		wl_result there = wl_kv_get(key);
		if (there.code < 0) return store_failed("kv_get", key, there.code);
		ptrdiff_t colon = wl_find(there.value, ':');
		int64_t held;
		if (colon < 0 || !wl_parse_int(wl_make(there.value.ptr, (size_t)colon), holder) ||
			!wl_parse_int(wl_make(there.value.ptr + colon + 1, there.value.len - (size_t)colon - 1), &held)) {
			return damaged(key, there.value);
		}
		bool live;
		if (!settle(email, *holder, held, &live)) return false;
		if (live) return true;
		*holder = id;
		done = wl_kv_swap(key, there.value, mine);
		if (done < 0) return store_failed("kv_swap", key, done);
		if (done == 1) return true;
	}
	return busy();
}

bool find_user(int64_t id, profile *user) {
	record r;
	if (!read_record(id, &r)) return false;
	if (!r.has_now) return no_user(wl_int_text(id));
	*user = r.now;
	return true;
}

bool next_user(int64_t *id, profile *user, bool *end) {
	wl_keys keys = {WL("user/"), *id > 0 ? user_key(*id) : WL(""), 0};
	*end = false;
	while (wl_keys_next(&keys)) {
		record r;
		if (!wl_parse_int(wl_make(keys.key.ptr + 5, keys.key.len - 5), id)) *id = 0;
		if (!read_record(*id < 0 ? 0 : *id, &r)) return false;
		if (!r.has_now) continue; /* deleted since, or not created yet */
		*user = r.now;
		return true;
	}
	*end = true;
	return keys.code == 0 || store_failed("kv_list", keys.prefix, keys.code);
}

bool create_user(const input *in, int64_t *id, profile *user) {
	wl_code code = wl_kv_add(WL("last_id"), 1, id);
	if (code < 0) return store_failed("kv_add", WL("last_id"), code);
	*user = (profile){in->name, in->email, 0};
	record r = {.key = user_key(*id), .raw = encode(NULL, user)};
	code = wl_kv_set(r.key, r.raw);
	if (code < 0) return store_failed("kv_set", r.key, code);
	int64_t holder;
	if (!claim_email(in->email, *id, 0, &holder)) return false;
	if (holder != *id) {
		if (wl_kv_delete(r.key) < 0) wl_log(WL_WARN, wl_join(r.key, WL(" stays as an unused record")));
		return taken(in->email);
	}
	/* When this fails to swap, another request has done it for us. */
	code = swap_record(&r, user, NULL);
	return code >= 0 || store_failed("kv_swap", r.key, code);
}

/* move_user does steps 2 and 3 for an update whose wish is in the record. */
static bool move_user(int64_t id, record *r, const profile *wish) {
	int64_t holder;
	if (!claim_email(wish->email, id, wish->claim, &holder)) return false;
	if (holder != id) {
		if (swap_record(r, &r->now, NULL) < 0) wl_log(WL_WARN, wl_join(r->key, WL(" keeps an unused wish")));
		return taken(wish->email);
	}
	wl_code swapped = swap_record(r, wish, NULL);
	if (swapped < 0) return store_failed("kv_swap", r->key, swapped);
	if (swapped == 1) return true;
	/* Another request has completed the change, or replaced it, or deleted the user. */
	profile now;
	if (!find_user(id, &now)) return false;
	if (now.claim == wish->claim) return true;
	wl_error(409, wl_join(wl_join(WL("user "), wl_int_text(id)), WL(" was changed at the same time; try again")));
	return false;
}

bool update_user(int64_t id, const input *in, profile *user) {
	for (int i = 0; i < ATTEMPTS; i++) {
		record r;
		if (!read_record(id, &r)) return false;
		if (!r.has_now) return no_user(wl_int_text(id));
		*user = (profile){in->name, in->email, r.now.claim};
		bool same = wl_equal(user->email, r.now.email);
		if (!same) {
			wl_code code = wl_kv_add(WL("last_claim"), 1, &user->claim);
			if (code < 0) return store_failed("kv_add", WL("last_claim"), code);
		}
		wl_code swapped = same ? swap_record(&r, user, NULL) : swap_record(&r, &r.now, user);
		if (swapped < 0) return store_failed("kv_swap", r.key, swapped);
		if (swapped == 1) return same || move_user(id, &r, user);
	}
	return busy();
}

/* With its record gone a user's claim is no longer live. */
bool delete_user(int64_t id) {
	profile user;
	if (!find_user(id, &user)) return false;
	wl_str key = user_key(id);
	wl_code existed = wl_kv_delete(key);
	if (existed < 0) return store_failed("kv_delete", key, existed);
	return existed == 1 || no_user(wl_int_text(id));
}
