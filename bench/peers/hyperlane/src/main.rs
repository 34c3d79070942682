//! The handler in Rust on hyperlane: release mode, one route, no middleware.
use hyperlane::*;
use serde::Serialize;

#[derive(Serialize)]
struct User<'a> {
    id: &'a str,
    name: String,
    email: String,
}

struct GetUser;

impl ServerHook for GetUser {
    async fn new(_: &mut Stream, _: &mut Context) -> Self {
        Self
    }

    async fn handle(self, stream: &mut Stream, ctx: &mut Context) -> Status {
        let id = ctx.get_route_param("id");
        let user = User {
            id: &id,
            name: format!("User {id}"),
            email: format!("user{id}@example.com"),
        };
        let body = serde_json::to_vec(&user).expect("a user is JSON");
        ctx.get_mut_response()
            .set_status_code(200)
            .set_header("Content-Type", "application/json")
            .set_body(body);
        let answer = ctx.get_mut_response().build();
        if stream.try_send(answer).await.is_err() {
            stream.set_closed(true);
        }
        Status::Continue
    }
}

#[tokio::main]
async fn main() {
    let port: u16 = std::env::var("PORT").ok().and_then(|p| p.parse().ok()).expect("PORT is a port");
    let mut config = ServerConfig::default();
    config.set_address(Server::format_bind_address("127.0.0.1", port));
    config.set_nodelay(Some(true));
    let mut server = Server::default();
    server.server_config(config);
    server.route::<GetUser>("/users/{id}");
    let control = server.run().await.expect("it listens");
    control.wait().await;
}
