//! Who is who: credentials in the handshake, rights by role, logins that are refreshed and that expire.
//!
//! Run it with `cargo run -p authentication`. Clients put `{"user": "alice", "password": "wonderland"}` into the
//! `ext` of their handshake, as `com.example.login`. The remote call `login` takes new ones on a live session.

use std::process::ExitCode;
use std::time::Duration;

use cometd::prelude::*;
use cometd::{
    Decision, DefaultSecurityPolicy, Deferred, Exchange, Failure, Principal, SecurityPolicy,
};
use example_cli::Example;
use serde::Deserialize;
use serde_json::json;

#[cfg(test)]
mod tests;

/// How long a login holds.
const VALID: Duration = Duration::from_secs(600);

#[derive(Deserialize)]
struct Login {
    user: String,
    password: String,
}

/// What marks the principal of one who belongs to the staff.
#[derive(Clone)]
struct Staff;

impl Login {
    /// Whose login this is. A real server asks its directory here, which takes a while.
    async fn check(self) -> Option<Principal> {
        let principal = Principal::new(&*self.user).expires_in(VALID);
        match (&*self.user, &*self.password) {
            ("alice", "wonderland") => Some(principal.with(Staff)),
            ("bob", "builder") => Some(principal),
            _ => None,
        }
    }
}

/// Lets in who has a login; what they may do is up to the channels.
struct Door;

#[derive(Deserialize)]
struct Ext {
    #[serde(rename = "com.example.login")]
    login: Login,
}

impl SecurityPolicy for Door {
    fn otherwise(&self) -> Option<&dyn SecurityPolicy> {
        Some(&DefaultSecurityPolicy)
    }

    fn can_handshake<'a>(
        &'a self,
        session: &'a ServerSession,
        exchange: &'a mut Exchange,
    ) -> Deferred<'a, Decision> {
        Deferred::later(async move {
            let principal = match exchange.message.ext().map(RawJson::to::<Ext>) {
                Some(Ok(ext)) => ext.login.check().await,
                _ => None,
            };
            let known = principal.is_some() || session.is_local();
            session.authenticate(principal).await;
            known.into()
        })
    }
}

#[service("newsroom")]
#[derive(Default)]
struct Newsroom;

fn is_staff(principal: &Principal) -> bool {
    principal.attribute::<Staff>().is_some()
}

#[handlers]
impl Newsroom {
    #[configure("/news")]
    fn news(channel: &mut ChannelConfig) {
        channel.authorizer(Grant::SUBSCRIBE.to_everybody_known());
        channel.authorizer(Grant::PUBLISH.to_principals(is_staff));
    }

    #[configure("/staff/**")]
    fn staff(channel: &mut ChannelConfig) {
        channel.authorizer(Grant::ALL.to_principals(is_staff));
    }

    #[listener("/news")]
    fn sign(&self, author: Principal, message: &mut Message) -> Result<(), HandlerError> {
        let text: String = message.data_as()?;
        message.set_data(json!({"author": author.name(), "text": text}))?;
        Ok(())
    }

    #[remote_call("login")]
    async fn login(&self, session: &ServerSession, Data(new): Data<Login>) -> Result<(), Failure> {
        let principal = new.check().await;
        let principal = principal.ok_or_else(|| Failure::new("no such login"))?;
        session.authenticate(principal).await;
        Ok(())
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let builder = BayeuxServer::builder().security_policy(Door).discover();
    Example::new("Knows its users", builder).run().await
}
