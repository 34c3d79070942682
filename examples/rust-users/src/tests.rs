use wasmlane::testing::{self, Answer};

fn post(body: &str) -> Answer {
    testing::post("/users", body).run(crate::create)
}

fn get(id: &str) -> Answer {
    testing::get(&format!("/users/{id}")).param("id", id).run(crate::get)
}

fn want(answer: &Answer, status: u16, body: &str) {
    assert_eq!((answer.status, answer.text().trim_end()), (status, body));
}

#[test]
fn life_of_a_user() {
    want(&get("1"), 404, r#"{"error": "user 1 does not exist", "request_id": "test"}"#);
    let ada = r#"{"id":"1","name":"Ada","email":"ada@example.com","status":"active"}"#;
    let answer = post(r#"{"name": " Ada ", "email": " Ada@Example.COM "}"#);
    want(&answer, 201, ada);
    assert_eq!(answer.header("location"), "/users/1");
    want(&get("1"), 200, ada);
    want(
        &post(r#"{"name": "Eve", "email": "ADA@example.com"}"#),
        409,
        r#"{"error": "another user has the email ada@example.com", "request_id": "test"}"#,
    );
    let moved =
        testing::request("PUT", "/users/1").param("id", "1").body(r#"{"name": "Ada", "email": "a@b.c"}"#);
    want(&moved.run(crate::update), 200, r#"{"id":"1","name":"Ada","email":"a@b.c","status":"active"}"#);
    // The address is free again.
    want(
        &post(r#"{"name": "Eve", "email": "ada@example.com"}"#),
        201,
        r#"{"id":"3","name":"Eve","email":"ada@example.com","status":"active"}"#,
    );
    let list = testing::get("/users?limit=1").run(crate::list);
    want(&list, 200, r#"{"users":[{"id":"1","name":"Ada","email":"a@b.c","status":"active"}],"next":"1"}"#);
    want(&testing::request("DELETE", "/users/1").param("id", "1").run(crate::delete), 204, "");
    want(&get("1"), 404, r#"{"error": "user 1 does not exist", "request_id": "test"}"#);
}

#[test]
fn bad_input() {
    for (body, message) in [
        ("", "the body is empty; it must be JSON"),
        ("[]", "the body must be an object, not an array"),
        (r#"{"name": 1}"#, r#"\"name\" must be a string, not a number"#),
        (r#"{"nmae": "x"}"#, r#"the body does not fit: unknown field \"nmae\""#),
        (
            r#"{"name": "x", "email": "a@b"}"#,
            r#"\"email\" is no email address; write one such as \"ada@example.com\""#,
        ),
    ] {
        want(&post(body), 400, &format!(r#"{{"error": "{message}", "request_id": "test"}}"#));
    }
}
