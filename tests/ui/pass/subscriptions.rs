//! Every form of `#[subscription]`, `#[post_construct]` and `#[pre_destroy]` methods.

use cometd::prelude::*;

#[service("sync")]
struct Sync;

#[handlers]
impl Sync {
    #[post_construct]
    fn start(&self) {}

    #[subscription("/chat", "/chat/**", "/service/chat")]
    fn heard(&self) {}

    #[subscription("/{room}", "/chat/{room}/lines")]
    fn line(
        &self,
        room: u32,
        message: &Message,
        Data(line): Data<&str>,
    ) -> Result<(), HandlerError> {
        let _ = (room, message, line);
        Ok(())
    }

    #[pre_destroy]
    fn end(&self) -> Result<(), HandlerError> {
        Ok(())
    }
}

#[service("later")]
struct Later;

#[handlers]
impl Later {
    #[post_construct]
    async fn start(&self) -> Result<(), std::io::Error> {
        std::future::ready(Ok(())).await
    }

    #[subscription("/chat")]
    async fn heard(&self, local: &LocalSession, server: BayeuxServer) -> Result<(), HandlerError> {
        let _ = server;
        local.publish("/heard", 1).await?;
        Ok(())
    }

    #[pre_destroy]
    async fn end(&self) {
        std::future::ready(()).await;
    }
}
