//! Every form of a `#[remote_call]` method.

use cometd::prelude::*;
use cometd::{Failure, IntoFailure};
use serde::Serialize;

#[derive(Serialize)]
struct Line<'a>(&'a str);

enum Gone {
    Away,
}

impl IntoFailure for Gone {
    fn into_failure(self) -> Failure {
        match self {
            Self::Away => Failure::new("away"),
        }
    }
}

/// A `Result` by another name.
type Answer<T> = Result<T, Gone>;

#[service("chat")]
struct Chat {
    text: String,
}

#[handlers]
impl Chat {
    #[remote_call("unit", "/with/slash")]
    fn unit(&self) {}

    #[remote_call("borrowed")]
    fn borrowed(&self) -> Line<'_> {
        Line(&self.text)
    }

    #[remote_call("raw")]
    fn raw(&self, message: &mut Message) -> RawJson {
        message.data().clone()
    }

    #[remote_call("option/{n}")]
    async fn option(&self, n: u8, user: Option<Attribute<String>>) -> Option<u8> {
        std::future::ready(()).await;
        user.map(|_| n)
    }

    #[remote_call("hidden")]
    fn hidden(&self) -> impl Serialize + use<> {
        vec![1, 2]
    }

    #[remote_call("result")]
    fn result(&self) -> Result<Vec<Line<'_>>, HandlerError> {
        Ok(vec![self.borrowed()])
    }

    #[remote_call("result/raw")]
    async fn raw_result(&self, Data(text): Data<&str>) -> Result<RawJson, HandlerError> {
        std::future::ready(()).await;
        Ok(RawJson::parse(text.to_owned())?)
    }

    #[remote_call("alias")]
    fn alias(&self) -> Answer<u8> {
        Err(Gone::Away)
    }

    #[remote_call("chosen")]
    fn chosen(&self) -> Result<u8, Failure> {
        Err(Failure::new(1))
    }

    #[remote_call("caller")]
    async fn caller(&self, caller: Caller, session: &ServerSession) {
        let _ = caller.session() == session;
        let _ = caller.result(1).await;
    }

    #[remote_call("caller/fallible")]
    fn caller_fallible(&self, caller: Caller, server: BayeuxServer) -> Answer<()> {
        server.spawn(async move {
            let _ = caller.failure(Gone::Away).await;
        });
        Ok(())
    }
}
