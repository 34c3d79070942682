//! The user service: it keeps users with a name and an email address that no two of
//! them share.

mod input;
mod store;
mod unicode;

use input::{page_of, path_id, read_input};
use store::Profile;
use wasmlane::json::Writer;
use wasmlane::{Error, Request, Response};

wasmlane::handlers! {
    get_user => get,
    list_users => list,
    create_user => create,
    update_user => update,
    delete_user => delete,
}

fn show(json: &mut Writer, id: i64, p: &Profile) {
    json.open('{').key("id").text(&id.to_string()).key("name").text(&p.name);
    json.key("email").text(&p.email).key("status").text("active").close('}');
}

fn answer(w: &mut Response, status: u16, id: i64, p: &Profile) -> Result<(), Error> {
    let mut json = Writer::new();
    show(&mut json, id, p);
    Ok(w.json(status, &json)?)
}

fn get(w: &mut Response, r: &mut Request) -> Result<(), Error> {
    let id = path_id(r)?;
    answer(w, 200, id, &store::find(id)?)
}

fn create(w: &mut Response, r: &mut Request) -> Result<(), Error> {
    let (id, p) = store::create(read_input(r)?)?;
    w.set_header("Location", format!("/users/{}", id))?;
    answer(w, 201, id, &p)
}

fn update(w: &mut Response, r: &mut Request) -> Result<(), Error> {
    let id = path_id(r)?;
    let p = store::update(id, read_input(r)?)?;
    answer(w, 200, id, &p)
}

fn delete(w: &mut Response, r: &mut Request) -> Result<(), Error> {
    store::remove(path_id(r)?)?;
    w.no_content();
    Ok(())
}

fn list(w: &mut Response, r: &mut Request) -> Result<(), Error> {
    let (limit, after) = page_of(r)?;
    let mut json = Writer::new();
    json.open('{').key("users").open('[');
    let (mut count, mut last, mut next) = (0, 0, None);
    for user in store::all(after) {
        let (id, p) = user?;
        if count == limit {
            next = Some(last);
            break;
        }
        show(&mut json, id, &p);
        count += 1;
        last = id;
    }
    json.close(']');
    if let Some(next) = next {
        json.key("next").text(&i64::to_string(&next));
    }
    json.close('}');
    Ok(w.json(200, &json)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmlane::testing::Host;

    #[test]
    fn an_address_belongs_to_one_user() {
        let ada = r#"{"name": "Ada", "email": "ADA@example.com"}"#;
        let mut host = Host::new().request("POST", "/users").body(ada);
        let made = host.run(create);
        assert_eq!((made.status, made.header("Location")), (201, Some("/users/1")));
        assert_eq!(made.text(), "{\"id\":\"1\",\"name\":\"Ada\",\"email\":\"ada@example.com\",\"status\":\"active\"}\n");
        assert_eq!(host.run(create).status, 409);
        let mut host = host.request("DELETE", "/users/1").param("id", "1");
        assert_eq!(host.run(delete).status, 204);
        assert_eq!(host.run(get).status, 404);
        assert_eq!(host.request("POST", "/users").body(ada).run(create).status, 201);
    }
}
