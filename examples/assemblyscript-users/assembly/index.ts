// The user service: it keeps users with a name and an email address that no two of
// them share.
//
//   GET    /users/{id}  get_user
//   GET    /users       list_users   ?limit=1..100&after=ID
//   POST   /users       create_user  {"name": …, "email": …}
//   PUT    /users/{id}  update_user  {"name": …, "email": …}
//   DELETE /users/{id}  delete_user

import { Failure, handle, JSONWriter, Request, Response } from "wasmlane";
import { noUser, parseID, readInput, readPage } from "./input";
import { create, find, Profile, remove, update, Walk } from "./store";

export function get_user(): void {
  handle((w: Response, r: Request): Failure | null => {
    const id = parseID(r.param("id"));
    if (id == 0) return noUser(r.param("id"));
    const profile = find(id);
    return profile.error ? profile.error : w.json(200, show(new JSONWriter(), id, profile.value));
  });
}

export function create_user(): void {
  handle((w: Response, r: Request): Failure | null => {
    const input = readInput(r);
    if (input.error) return input.error;
    const id = create(input.value);
    if (id.error) return id.error;
    const failed = w.setHeader("Location", "/users/" + id.value.toString());
    return failed ? failed : w.json(201, show(new JSONWriter(), id.value, new Profile(input.value)));
  });
}

export function update_user(): void {
  handle((w: Response, r: Request): Failure | null => {
    const id = parseID(r.param("id"));
    if (id == 0) return noUser(r.param("id"));
    const input = readInput(r);
    if (input.error) return input.error;
    const failed = update(id, input.value);
    return failed ? failed : w.json(200, show(new JSONWriter(), id, new Profile(input.value)));
  });
}

export function delete_user(): void {
  handle((w: Response, r: Request): Failure | null => {
    const id = parseID(r.param("id"));
    if (id == 0) return noUser(r.param("id"));
    const failed = remove(id);
    return failed ? failed : w.noContent();
  });
}

export function list_users(): void {
  handle((w: Response, r: Request): Failure | null => {
    const page = readPage(r);
    if (page.error) return page.error;
    const limit = page.value.limit;
    const out = new JSONWriter();
    out.object().key("users").array();
    const users = new Walk(page.value.after);
    let n = 0;
    let last: i64 = 0;
    while (users.next() && ++n <= limit) {
      last = users.id;
      show(out, last, users.profile);
    }
    if (users.error) return users.error;
    out.end();
    // What to give as ?after= for the next page, when there is one.
    if (n > limit) out.key("next").string(last.toString());
    return w.json(200, out.end());
  });
}

// show writes a user as clients see it.
function show(out: JSONWriter, id: i64, profile: Profile): JSONWriter {
  out.object();
  out.key("id").string(id.toString());
  out.key("name").string(profile.name);
  out.key("email").string(profile.email);
  out.key("status").string("active");
  return out.end();
}
