#[service("chat", order = 1)]
struct Chat {
    #[session]
    session: LocalSession,
    #[inject]
    archive: Arc<dyn Archive>,
    lines: Mutex<Vec<String>>,
}

#[handlers]
impl Chat {
    #[configure("/chat/**")]
    fn open(channel: &mut ChannelConfig) {
        channel.authorizer(Grant::ALL);
    }

    #[listener("/chat/{room}")]
    async fn line(&self, room: &str, session: &ServerSession, Data(line): Data<Line>) -> bool {
        self.archive.store(room, session, line).await
    }
}
