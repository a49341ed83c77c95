//! When a message left.

use std::time::SystemTime;

use crate::protocol::{ChannelKind, Message, MetaChannel, RawJson, Reply};
use crate::server::{Deferred, Exchange, Extension, Flow, ServerSession};

/// Sets the field `timestamp` of everything that leaves: replies, publications, deliveries, farewells.
///
/// # The wire
///
/// ```text
/// < {"channel":"/news","data":"a","timestamp":"Sat, 18 Nov 2023 09:30:00 GMT"}
/// ```
///
/// A publication is stamped once for all its subscribers, when it is published; what its publisher had in
/// that field is replaced.
///
/// CometD's clients write the format of HTTP, in GMT, and so does this extension; see
/// [`format`](Self::format) for another one.
#[derive(Clone, Copy, Debug)]
pub struct Timestamp {
    format: fn(SystemTime) -> String,
    on_request: bool,
}

impl Default for Timestamp {
    /// For all clients, like `Sat, 18 Nov 2023 09:30:00 GMT`.
    fn default() -> Self {
        Self {
            format: httpdate::fmt_http_date,
            on_request: false,
        }
    }
}

impl Timestamp {
    /// For clients that put a `timestamp` into their handshake, as those with a `TimeStampExtension` do;
    /// other clients get none.
    ///
    /// A publication then has a text of its own for each of these clients, which costs them what
    /// [an extension of a session](ServerSession::add_extension) costs.
    #[must_use]
    pub fn on_request() -> Self {
        Self {
            on_request: true,
            ..Self::default()
        }
    }

    /// How the time is written. CometD's own server writes `Sat Nov 18 09:30:00 UTC 2023`.
    #[must_use]
    pub const fn format(mut self, format: fn(SystemTime) -> String) -> Self {
        self.format = format;
        self
    }

    fn text(&self) -> Option<RawJson> {
        RawJson::of(&(self.format)(SystemTime::now())).ok()
    }
}

impl Extension for Timestamp {
    fn incoming<'a>(
        &'a self,
        session: Option<&'a ServerSession>,
        exchange: &'a mut Exchange,
    ) -> Deferred<'a, Flow> {
        let message = &exchange.message;
        let handshake = message.channel().kind() == ChannelKind::Meta(MetaChannel::Handshake);
        if let Some(session) = session
            && self.on_request
            && handshake
            && message.field(TIMESTAMP).is_some()
        {
            let stamp = Self {
                on_request: false,
                ..*self
            };
            session.add_extension(stamp).keep();
        }
        Flow::Continue.into()
    }

    fn outgoing<'a>(
        &'a self,
        _: Option<&'a ServerSession>,
        message: &'a mut Message,
    ) -> Deferred<'a, Flow> {
        if !self.on_request
            && let Some(text) = self.text()
        {
            message.set_field(TIMESTAMP, text);
        }
        Flow::Continue.into()
    }

    fn reply<'a>(
        &'a self,
        _: Option<&'a ServerSession>,
        reply: &'a mut Reply,
    ) -> Deferred<'a, Flow> {
        if !self.on_request
            && let Some(text) = self.text()
        {
            reply.set_field(TIMESTAMP, text);
        }
        Flow::Continue.into()
    }
}

/// The field of messages.
const TIMESTAMP: &str = "timestamp";
