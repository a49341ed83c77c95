//! Gives everything back to its sender.

use cometd::Failure;
use cometd::prelude::*;
use serde::Serialize;

#[service("echo")]
#[derive(Default)]
struct Echo;

/// Why a call failed.
#[derive(Serialize)]
struct Reason {
    reason: &'static str,
}

#[handlers]
impl Echo {
    /// Answers a remote call `echo` with its data. The answer comes on `/service/echo`, which is also where
    /// clients that know no remote calls publish and listen.
    #[remote_call("echo")]
    async fn echo(&self, caller: Caller, message: &Message) -> Result<(), HandlerError> {
        caller.result(message.data()).await?;
        Ok(())
    }

    /// Fails.
    #[remote_call("fail")]
    fn fail(&self) -> Result<(), Failure> {
        let reason = "it was asked to";
        Err(Failure::new(Reason { reason }))
    }
}
