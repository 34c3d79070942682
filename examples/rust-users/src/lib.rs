//! The user service: it keeps users with a name and an email address that no two of them
//! share.
//!
//! ```text
//! GET    /users/{id}  get_user
//! GET    /users       list_users   ?limit=1..100&after=ID
//! POST   /users       create_user  {"name": …, "email": …}
//! PUT    /users/{id}  update_user  {"name": …, "email": …}
//! DELETE /users/{id}  delete_user
//! ```

mod claims;
mod input;
mod store;
mod tables;
#[cfg(test)]
mod tests;

use wasmlane::{handlers, to_json, Request, Response, Result};

use store::Profile;

handlers! {
    get_user => get,
    list_users => list,
    create_user => create,
    update_user => update,
    delete_user => delete,
}

/// A user as clients see it.
struct User {
    id: String,
    name: String,
    email: String,
    status: &'static str,
}

to_json! { User { id, name, email, status } }

fn show(id: i64, profile: Profile) -> User {
    User { id: id.to_string(), name: profile.name, email: profile.email, status: "active" }
}

fn get(r: &mut Request, w: &mut Response) -> Result {
    let id = input::path_id(r)?;
    w.json(200, &show(id, store::find(id)?))
}

fn create(r: &mut Request, w: &mut Response) -> Result {
    let (id, profile) = store::create(input::read(r)?)?;
    w.set_header("Location", format!("/users/{id}"))?;
    w.json(201, &show(id, profile))
}

fn update(r: &mut Request, w: &mut Response) -> Result {
    let id = input::path_id(r)?;
    w.json(200, &show(id, store::update(id, input::read(r)?)?))
}

fn delete(r: &mut Request, w: &mut Response) -> Result {
    store::remove(input::path_id(r)?)?;
    w.no_content()
}

/// The answer to a list. Next, when there is more, is what to give as ?after= for the
/// next page.
struct Page {
    users: Vec<User>,
    next: Option<String>,
}

impl wasmlane::json::ToJson for Page {
    fn to_json(&self, out: &mut wasmlane::json::Writer) {
        out.object(|o| {
            o.field("users", &self.users);
            if let Some(next) = &self.next {
                o.field("next", next);
            }
        });
    }
}

fn list(r: &mut Request, w: &mut Response) -> Result {
    let (limit, after) = input::page(r)?;
    let mut page = Page { users: Vec::new(), next: None };
    for found in store::all(after) {
        let (id, profile) = found?;
        if page.users.len() == limit {
            page.next = page.users.last().map(|u| u.id.clone());
            break;
        }
        page.users.push(show(id, profile));
    }
    w.json(200, &page)
}
