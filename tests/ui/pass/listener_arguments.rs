//! Every kind of argument, in any order.

use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[listener("/none")]
    fn none(&self) {}

    #[listener("/lent")]
    fn lent(&self, session: &ServerSession, local: &LocalSession, message: &Message) {
        let _ = (session, local, message);
    }

    #[listener("/any/order")]
    async fn any_order(
        &self,
        Data(count): Data<u32>,
        message: &Message,
        mut total: Data<u32>,
    ) -> bool {
        std::future::ready(()).await;
        total.0 += count;
        total.0 > 1 && message.has_data()
    }

    #[listener("/owned")]
    async fn owned(
        &self,
        sender: Option<ServerSession>,
        server: BayeuxServer,
        State(limit): State<usize>,
        Data(text): Data<&str>,
    ) -> bool {
        std::future::ready(()).await;
        sender.is_some() && server.sessions().len() < limit && text.len() < limit
    }

    #[listener("/optional")]
    fn optional(
        &self,
        user: Option<Attribute<String>>,
        name: Attribute<String>,
        context: &cometd::Context,
        limit: Option<State<usize>>,
        sender: ServerSession,
    ) -> bool {
        let _ = (limit, sender);
        user.is_some_and(|user| *user == *name) && context.is_secure()
    }

    #[listener("/changed/{room}")]
    async fn changed_in_room(&self, room: &str, message: &mut Message) {
        std::future::ready(()).await;
        message.set_lazy(room.is_empty());
    }

    #[listener("/changed")]
    fn changed(&self, message: &mut Message, session: &ServerSession) {
        let _ = session;
        message.set_lazy(true);
    }

    #[listener("/changed/later")]
    async fn changed_later(
        &self,
        session: &ServerSession,
        message: &mut Message,
    ) -> Result<(), HandlerError> {
        let _ = session;
        std::future::ready(()).await;
        message.set_lazy(true);
        Ok(())
    }
}
