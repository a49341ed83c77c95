//! Every kind of result.

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

    #[listener("/result/now")]
    fn result_now(&self) -> Result<bool, std::num::ParseIntError> {
        Ok("1".parse::<u8>()? > 0)
    }

    #[listener("/result")]
    async fn result(&self, message: &Message) -> Result<(), HandlerError> {
        let _count: u32 = message.data_as()?;
        Ok(())
    }
}
