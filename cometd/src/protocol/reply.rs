//! The answer to one request message.

use bytestring::ByteString;

use super::advice::Advice;
use super::codec::Echo;
use super::error::BayeuxError;
use super::ext;
use super::id::ClientId;
use super::json::RawJson;
use super::message::set_field;
use super::transport::Transport;

/// A reply: what was asked (`channel`, `id`, `subscription`) and what became of it (MSG-2).
///
/// Extensions and policies may add `advice`, `ext` and other fields; these survive a denial
/// (AUTH-5).
#[derive(Clone, Debug)]
pub struct Reply {
    pub(super) echo: Echo,
    pub(super) outcome: Option<Result<(), Option<BayeuxError>>>,
    /// Boxed, because few replies have any of it and all are moved.
    rare: Option<Box<Rare>>,
    notes: http::Extensions,
}

/// What most replies do not have.
#[derive(Clone, Debug, Default)]
pub(super) struct Rare {
    pub(super) handshake: Option<Handshaken>,
    pub(super) advice: Option<Advice>,
    pub(super) ext: Option<RawJson>,
    pub(super) fields: Vec<(ByteString, RawJson)>,
    /// Which connect of its session this answers.
    connect: Option<u64>,
}

/// What only the reply to a successful handshake has.
#[derive(Clone, Debug)]
pub(crate) struct Handshaken {
    pub(crate) client_id: ClientId,
    pub(crate) connection_types: Vec<Transport>,
    /// How many messages ride on the reply (HS-10).
    pub(crate) messages: usize,
}

impl Reply {
    /// A reply of which nothing is known yet but the request.
    pub(crate) fn to(echo: Echo) -> Self {
        Self {
            echo,
            outcome: None,
            rare: None,
            notes: http::Extensions::new(),
        }
    }

    /// What most replies do not have, if this one has any of it.
    pub(super) fn rare(&self) -> Option<&Rare> {
        self.rare.as_deref()
    }

    fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// Whether the request succeeded; `None` while that is open.
    #[must_use]
    pub fn successful(&self) -> Option<bool> {
        self.outcome.as_ref().map(Result::is_ok)
    }

    /// Why the request failed.
    #[must_use]
    pub fn error(&self) -> Option<&BayeuxError> {
        self.outcome.as_ref()?.as_ref().err()?.as_ref()
    }

    /// The id of the request.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.echo.id.as_deref()
    }

    /// The channel of the request, as it was sent.
    #[must_use]
    pub fn channel(&self) -> Option<&str> {
        self.echo.channel.as_deref()
    }

    /// The advice that the client is going to get.
    #[must_use]
    pub fn advice(&self) -> Option<&Advice> {
        self.rare()?.advice.as_ref()
    }

    /// Replaces the advice.
    pub fn set_advice(&mut self, advice: Option<Advice>) {
        if advice.is_some() || self.rare.is_some() {
            self.rare_mut().advice = advice;
        }
    }

    /// The `ext` object.
    #[must_use]
    pub fn ext(&self) -> Option<&RawJson> {
        self.rare()?.ext.as_ref()
    }

    /// Replaces the `ext` object.
    pub fn set_ext(&mut self, ext: Option<RawJson>) {
        if ext.is_some() || self.rare.is_some() {
            self.rare_mut().ext = ext;
        }
    }

    /// Sets a field of the `ext` object, or removes it; an object without fields goes, too.
    pub fn set_ext_field(&mut self, name: &str, value: Option<&RawJson>) {
        self.set_ext(ext::with_field(self.ext(), name, value));
    }

    /// Sets or replaces a field that the server does not know.
    pub fn set_field(&mut self, name: impl Into<ByteString>, value: RawJson) {
        set_field(&mut self.rare_mut().fields, name.into(), value);
    }

    /// What hooks have noted for those that see the reply later; the client gets none of it.
    #[must_use]
    pub const fn notes(&self) -> &http::Extensions {
        &self.notes
    }

    /// Keeps a note for those that see the reply later, such as an extension that has seen the request
    /// and is going to see the reply.
    pub const fn notes_mut(&mut self) -> &mut http::Extensions {
        &mut self.notes
    }

    /// The number of the connect that this answers, among those of its session.
    pub(crate) fn connect(&self) -> Option<u64> {
        self.rare()?.connect
    }

    pub(crate) fn set_connect(&mut self, number: u64) {
        self.rare_mut().connect = Some(number);
    }

    /// Whether this answers a handshake that was accepted.
    pub(crate) fn is_handshaken(&self) -> bool {
        self.rare().is_some_and(|it| it.handshake.is_some())
    }

    /// The request succeeded.
    pub(crate) fn succeed(&mut self) {
        self.outcome = Some(Ok(()));
    }

    /// The request was refused.
    pub(crate) fn fail(&mut self, error: BayeuxError) {
        self.outcome = Some(Err(Some(error)));
    }

    /// The request was refused, and the advice says it all (MULTI-4).
    pub(crate) fn fail_without_error(&mut self) {
        self.outcome = Some(Err(None));
    }

    /// Adds what is due, beneath what a hook has already said (AUTH-5).
    pub(crate) fn add_advice(&mut self, due: Option<Advice>) {
        let Some(due) = due else { return };
        let present = self.advice().copied().unwrap_or_default();
        self.set_advice(Some(Advice {
            reconnect: present.reconnect.or(due.reconnect),
            interval: present.interval.or(due.interval),
            timeout: present.timeout.or(due.timeout),
            max_interval: present.max_interval.or(due.max_interval),
            multiple_clients: present.multiple_clients || due.multiple_clients,
        }));
    }

    /// The request was a handshake, and there is a session now.
    pub(crate) fn handshaken(&mut self, handshaken: Handshaken) {
        self.rare_mut().handshake = Some(handshaken);
        self.succeed();
    }

    /// What the reply to a handshake has.
    pub(crate) fn handshake_mut(&mut self) -> Option<&mut Handshaken> {
        self.rare.as_mut()?.handshake.as_mut()
    }
}
