//! Who may do what, decided for the whole server.

use bytestring::ByteString;

use super::exchange::Exchange;
use super::hook::Deferred;
use super::session::ServerSession;
use crate::protocol::{ChannelKind, ChannelPattern};

/// The answer of a [`SecurityPolicy`].
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Decision {
    /// It may.
    Grant,
    /// It may not; the reason goes into the error of the reply.
    Deny(ByteString),
}

impl Decision {
    /// The denial of a policy that gives no reason.
    #[must_use]
    pub const fn deny() -> Self {
        Self::Deny(ByteString::from_static("denied_by_security_policy"))
    }
}

impl From<bool> for Decision {
    fn from(granted: bool) -> Self {
        if granted { Self::Grant } else { Self::deny() }
    }
}

/// Is asked before a session may do something; authorizers of channels are asked after it and both
/// must agree (AUTH-1 to AUTH-3).
///
/// What a policy does not speak of is not allowed, unless it names another one that decides
/// [`otherwise`](Self::otherwise). A policy that panics denies.
///
/// ```
/// use cometd::{Decision, DefaultSecurityPolicy, Deferred, Exchange, SecurityPolicy, ServerSession};
///
/// /// Lets those in who say the word; what they may do then is as open as ever.
/// struct Door;
///
/// impl SecurityPolicy for Door {
///     fn otherwise(&self) -> Option<&dyn SecurityPolicy> {
///         Some(&DefaultSecurityPolicy)
///     }
///
///     fn can_handshake<'a>(
///         &'a self,
///         session: &'a ServerSession,
///         exchange: &'a mut Exchange,
///     ) -> Deferred<'a, Decision> {
///         let ext = exchange.message.ext();
///         let sesame = ext.is_some_and(|it| it.as_str().contains("sesame"));
///         Decision::from(sesame || session.is_local()).into()
///     }
/// }
/// ```
pub trait SecurityPolicy: Send + Sync + 'static {
    /// Who decides what this policy does not speak of, such as [`DefaultSecurityPolicy`]. By default
    /// nobody: it is denied.
    fn otherwise(&self) -> Option<&dyn SecurityPolicy> {
        None
    }

    /// May this client have a session? It is not registered yet. Credentials in the `ext` of the message
    /// are checked here; whom they belong to is told the session with
    /// [`authenticate`](ServerSession::authenticate).
    fn can_handshake<'a>(
        &'a self,
        session: &'a ServerSession,
        exchange: &'a mut Exchange,
    ) -> Deferred<'a, Decision> {
        match self.otherwise() {
            Some(policy) => policy.can_handshake(session, exchange),
            None => Decision::deny().into(),
        }
    }

    /// May a channel that does not exist be made?
    fn can_create<'a>(
        &'a self,
        session: &'a ServerSession,
        channel: &'a ChannelPattern,
        exchange: &'a mut Exchange,
    ) -> Deferred<'a, Decision> {
        match self.otherwise() {
            Some(policy) => policy.can_create(session, channel, exchange),
            None => Decision::deny().into(),
        }
    }

    /// May the session publish to the channel?
    fn can_publish<'a>(
        &'a self,
        session: &'a ServerSession,
        channel: &'a ChannelPattern,
        exchange: &'a mut Exchange,
    ) -> Deferred<'a, Decision> {
        match self.otherwise() {
            Some(policy) => policy.can_publish(session, channel, exchange),
            None => Decision::deny().into(),
        }
    }

    /// May the session subscribe to the channel?
    fn can_subscribe<'a>(
        &'a self,
        session: &'a ServerSession,
        channel: &'a ChannelPattern,
        exchange: &'a mut Exchange,
    ) -> Deferred<'a, Decision> {
        match self.otherwise() {
            Some(policy) => policy.can_subscribe(session, channel, exchange),
            None => Decision::deny().into(),
        }
    }
}

/// The policy of a server that was given none: everyone may handshake, and everything is open but
/// the meta channels.
#[derive(Clone, Copy, Debug, Default)]
pub struct DefaultSecurityPolicy;

impl DefaultSecurityPolicy {
    fn decide(session: &ServerSession, channel: &ChannelPattern) -> Decision {
        let meta = matches!(channel.kind(), ChannelKind::Meta(_));
        (session.is_local() || !meta).into()
    }
}

impl SecurityPolicy for DefaultSecurityPolicy {
    fn can_handshake<'a>(
        &'a self,
        _: &'a ServerSession,
        _: &'a mut Exchange,
    ) -> Deferred<'a, Decision> {
        Decision::Grant.into()
    }

    fn can_create<'a>(
        &'a self,
        session: &'a ServerSession,
        channel: &'a ChannelPattern,
        _: &'a mut Exchange,
    ) -> Deferred<'a, Decision> {
        Self::decide(session, channel).into()
    }

    fn can_publish<'a>(
        &'a self,
        session: &'a ServerSession,
        channel: &'a ChannelPattern,
        _: &'a mut Exchange,
    ) -> Deferred<'a, Decision> {
        let meta = matches!(channel.kind(), ChannelKind::Meta(_));
        Decision::from(session.is_handshook() && !meta).into()
    }

    fn can_subscribe<'a>(
        &'a self,
        session: &'a ServerSession,
        channel: &'a ChannelPattern,
        _: &'a mut Exchange,
    ) -> Deferred<'a, Decision> {
        Self::decide(session, channel).into()
    }
}
