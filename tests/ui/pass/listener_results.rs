use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[listener("/unit")]
    fn unit(&self) {}

    #[listener("/bool")]
    fn bool(&self) -> bool {
        true
    }

    #[listener("/flow")]
    async fn flow(&self) -> Flow {
        Flow::Continue
    }

    #[listener("/result")]
    async fn result(&self, message: &Message) -> Result<(), HandlerError> {
        let _count: u32 = message.data_as()?;
        Ok(())
    }
}

fn main() {}
