//! This project's server, with what an application needs and nothing else.

use std::io;

use cometd::prelude::*;

use super::Bound;

/// Sends everything back.
#[service("echo")]
#[derive(Default)]
pub(crate) struct Echo;

#[handlers]
impl Echo {
    #[listener("/service/echo")]
    async fn echo(
        &self,
        session: &ServerSession,
        local: &LocalSession,
        message: &Message,
    ) -> Result<(), HandlerError> {
        session
            .deliver(local, message.channel(), message.data())
            .await?;
        Ok(())
    }
}

/// Serves until a signal.
pub(crate) async fn ours(listen: &str, bound: Bound) -> io::Result<()> {
    let server = BayeuxServer::builder()
        .service(Echo)
        .extension(Acknowledge::default())
        .extension(TimeSync::default())
        .build()
        .await
        .map_err(io::Error::other)?;
    let app = axum::Router::new().nest_service("/cometd", server.clone().into_service());
    cometd::serve(app, listen)
        .on_bound(bound)
        .with_graceful_shutdown(server)
        .await
}
