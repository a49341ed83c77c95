use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[remote_call("rooms")]
    fn rooms<T: Default + serde::Serialize>(&self) -> T {
        T::default()
    }
}

fn main() {}
