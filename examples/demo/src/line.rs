//! A line of text that all windows share: whoever comes later asks for it.

use cometd::prelude::*;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// The longest text, in bytes.
pub(crate) const LONGEST_TEXT: usize = 1024;
/// The longest id of a window, in bytes.
const LONGEST_ID: usize = 64;

#[service("line")]
#[derive(Default)]
pub(crate) struct Line {
    last: Mutex<Text>,
}

/// A state of the line.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Text {
    text: String,
    /// Which window wrote it; empty before anybody has written anything.
    by: String,
}

#[handlers]
impl Line {
    /// Remembers what is going to be published, unless it is too long.
    #[listener("/demo/line")]
    pub(crate) fn changed(&self, Data(line): Data<Text>) -> bool {
        let fits = line.text.len() <= LONGEST_TEXT && line.by.len() <= LONGEST_ID;
        if fits {
            *self.last.lock() = line;
        }
        fits
    }

    /// Tells the sender what the line is now.
    #[listener("/service/line")]
    pub(crate) async fn asked(
        &self,
        session: &ServerSession,
        local: &LocalSession,
    ) -> Result<(), HandlerError> {
        let present = self.last.lock().clone();
        session.deliver(local, "/demo/line", present).await?;
        Ok(())
    }
}
