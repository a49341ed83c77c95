use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[post_construct]
    fn start(&self, server: BayeuxServer) {
        drop(server);
    }
}

fn main() {}
