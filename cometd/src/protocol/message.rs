//! A message on its way through the server.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::OnceLock;

use bytestring::ByteString;
use serde::Deserialize;
use smol_str::SmolStr;

use super::advice::RequestAdvice;
use super::channel::{ChannelId, MetaChannel};
use super::codec;
use super::error::{ChannelError, MessageError};
use super::ext;
use super::json::{IntoData, RawJson};

/// A Bayeux message: what a client sent, or what is about to be delivered.
///
/// `data`, `ext` and fields that the server does not know are kept as the text in which they came.
/// A clone shares what is long of it.
#[derive(Clone)]
pub struct Message {
    pub(crate) channel: ChannelId,
    pub(crate) id: Option<SmolStr>,
    pub(crate) data: Option<RawJson>,
    pub(crate) lazy: bool,
    /// Boxed, because few messages have any of it and all are moved.
    rare: Option<Box<Rare>>,
}

/// What most messages do not have.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Rare {
    pub(super) ext: Option<RawJson>,
    pub(super) subscription: Option<RawJson>,
    pub(super) advice: RequestAdvice,
    /// `successful`, for the few messages of the server that are shaped like replies.
    pub(super) successful: Option<bool>,
    /// All other fields, such as `timestamp`, in the order in which they came.
    pub(super) fields: Vec<(ByteString, RawJson)>,
}

impl Message {
    /// A message with this data.
    ///
    /// # Errors
    /// `channel` is no channel, or a wildcard; or the data does not serialise.
    pub fn new<C>(channel: C, data: impl IntoData) -> Result<Self, MessageError>
    where
        C: TryInto<ChannelId>,
        ChannelError: From<C::Error>,
    {
        let channel = channel.try_into().map_err(ChannelError::from)?;
        Ok(Self::of(channel, data)?)
    }

    /// A message with this data.
    pub(crate) fn of(channel: ChannelId, data: impl IntoData) -> Result<Self, serde_json::Error> {
        let mut message = Self::empty(channel);
        message.set_data(data)?;
        Ok(message)
    }

    /// The message that a client publishes with, for tests of handlers.
    ///
    /// # Panics
    /// `channel` is no channel name, or the data does not serialise.
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "documented: the argument is a literal of a test"
    )]
    pub fn publish(channel: &str, data: impl IntoData) -> Self {
        Self::new(channel, data).expect("a test sends legal data to a legal channel")
    }

    /// The message that a client subscribes with, for tests of handlers.
    #[must_use]
    pub fn subscribe(channel: &str) -> Self {
        Self::about(MetaChannel::Subscribe, channel)
    }

    /// The message that a client unsubscribes with, for tests of handlers.
    #[must_use]
    pub fn unsubscribe(channel: &str) -> Self {
        Self::about(MetaChannel::Unsubscribe, channel)
    }

    fn about(meta: MetaChannel, channel: &str) -> Self {
        let mut message = Self::empty(ChannelId::meta(meta));
        message.set_subscription(RawJson::of(channel).ok());
        message
    }

    /// A message with nothing but a channel.
    pub(crate) const fn empty(channel: ChannelId) -> Self {
        Self {
            channel,
            id: None,
            data: None,
            lazy: false,
            rare: None,
        }
    }

    /// What most messages do not have, if this one has any of it.
    pub(super) fn rare(&self) -> Option<&Rare> {
        self.rare.as_deref()
    }

    pub(super) fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// The channel that the message was sent to.
    #[must_use]
    pub const fn channel(&self) -> &ChannelId {
        &self.channel
    }

    /// The id by which a client matches a reply to its request.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Gives the message an id; broadcasts lose it, deliveries to one session keep it (SVC-3).
    pub fn set_id(&mut self, id: impl AsRef<str>) {
        self.id = Some(id.as_ref().into());
    }

    /// The payload, `null` if there is none.
    #[must_use]
    pub fn data(&self) -> &RawJson {
        self.data.as_ref().unwrap_or(&NULL)
    }

    /// Whether there is a `data` field at all, `null` or not (MSG-7).
    #[must_use]
    pub const fn has_data(&self) -> bool {
        self.data.is_some()
    }

    /// Reads the payload into a type, borrowing from the message where the type does.
    ///
    /// # Errors
    /// The payload does not have the shape of `T`.
    pub fn data_as<'a, T: Deserialize<'a>>(&'a self) -> Result<T, serde_json::Error> {
        self.data().to()
    }

    /// Replaces the payload: later listeners and all subscribers see the new one.
    ///
    /// # Errors
    /// The value does not serialise; the message is as it was.
    pub fn set_data(&mut self, data: impl IntoData) -> Result<(), serde_json::Error> {
        let mark = match data.is_binary() {
            true => Some(RawJson::parse("{}")?),
            false => None,
        };
        self.data = Some(data.into_data()?);
        if mark.is_some() || self.ext().is_some() {
            self.set_ext_field("binary", mark.as_ref());
        }
        Ok(())
    }

    /// The `ext` object, for extensions.
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

    /// A field of the `ext` object.
    #[must_use]
    pub fn ext_field(&self, name: &str) -> Option<RawJson> {
        ext::field(self.ext(), name)
    }

    /// Sets a field of the `ext` object, or removes it; an object without fields goes, too.
    pub fn set_ext_field(&mut self, name: &str, value: Option<&RawJson>) {
        self.set_ext(ext::with_field(self.ext(), name, value));
    }

    /// What a subscribe or unsubscribe message names: a string or an array of strings.
    #[must_use]
    pub fn subscription(&self) -> Option<&RawJson> {
        self.rare()?.subscription.as_ref()
    }

    pub(crate) fn set_subscription(&mut self, subscription: Option<RawJson>) {
        if subscription.is_some() || self.rare.is_some() {
            self.rare_mut().subscription = subscription;
        }
    }

    /// What the client asks for with its connect.
    pub(crate) fn advice(&self) -> RequestAdvice {
        self.rare().map(|it| it.advice).unwrap_or_default()
    }

    pub(crate) fn advice_mut(&mut self) -> &mut RequestAdvice {
        &mut self.rare_mut().advice
    }

    /// `successful`, which only messages have that are shaped like replies.
    pub(crate) fn successful(&self) -> Option<bool> {
        self.rare()?.successful
    }

    pub(crate) fn set_successful(&mut self, successful: bool) {
        self.rare_mut().successful = Some(successful);
    }

    /// A field that the server does not know, such as `timestamp`.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&RawJson> {
        let mut fields = self.rare()?.fields.iter();
        fields.find(|(it, _)| it == name).map(|(_, value)| value)
    }

    /// Sets or replaces such a field.
    pub fn set_field(&mut self, name: impl Into<ByteString>, value: RawJson) {
        set_field(&mut self.rare_mut().fields, name.into(), value);
    }

    /// Whether the message may wait for company before it is delivered (section 13).
    #[must_use]
    pub const fn is_lazy(&self) -> bool {
        self.lazy
    }

    /// Marks the message as one that may wait.
    pub const fn set_lazy(&mut self, lazy: bool) {
        self.lazy = lazy;
    }

    /// Serialises the message once, for all sessions that it goes to (JSON-7).
    pub(crate) fn freeze(self) -> FrozenMessage {
        codec::freeze(self)
    }
}

/// Sets or replaces one of the fields that the server does not know.
pub(super) fn set_field(fields: &mut Vec<(ByteString, RawJson)>, name: ByteString, value: RawJson) {
    match fields.iter_mut().find(|(it, _)| *it == name) {
        Some((_, present)) => *present = value,
        None => fields.push((name, value)),
    }
}

impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        let rare = match (self.rare(), other.rare()) {
            (Some(one), Some(other)) => one == other,
            (Some(one), None) | (None, Some(one)) => *one == Rare::default(),
            (None, None) => true,
        };
        rare && self.channel == other.channel
            && self.id == other.id
            && self.data == other.data
            && self.lazy == other.lazy
    }
}

/// The message as JSON, without the id of its sender.
impl fmt::Display for Message {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        codec::write_message(&mut text, self);
        formatter.write_str(&text)
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// A message that has been serialised: its text serves every session that it is delivered to.
#[derive(Debug)]
pub struct FrozenMessage {
    /// The text of an envelope with this one message, as a WebSocket frame carries it.
    envelope: String,
    lazy: bool,
    parts: Parts,
    /// The message, once somebody has asked for it.
    message: OnceLock<Box<Message>>,
}

/// Where the parts of a message are in the text of an envelope.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) channel: Range<usize>,
    pub(super) data: Range<usize>,
}

impl FrozenMessage {
    /// A message that has nothing but a channel and data, as its text.
    pub(super) const fn plain(envelope: String, lazy: bool, parts: Parts) -> Self {
        Self {
            envelope,
            lazy,
            parts,
            message: OnceLock::new(),
        }
    }

    /// A message and its text.
    pub(super) fn with_message(envelope: String, message: Message) -> Self {
        Self {
            envelope,
            lazy: message.lazy,
            parts: Parts::default(),
            message: Box::new(message).into(),
        }
    }

    /// The JSON text of the message.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.envelope
            .get(1..self.envelope.len().saturating_sub(1))
            .unwrap_or_default()
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> &Message {
        // Most messages are written to their subscribers, and nobody looks at them again.
        self.message.get_or_init(|| Box::new(self.thaw()))
    }

    fn thaw(&self) -> Message {
        let text = ByteString::from(&*self.envelope);
        let part = |at: &Range<usize>| text.get(at.clone()).unwrap_or_default();
        let channel = part(&self.parts.channel).into();
        let data = text.slice_ref(part(&self.parts.data));
        let mut message = Message::empty(ChannelId::checked(channel));
        message.data = Some(RawJson::checked(data));
        message.lazy = self.lazy;
        message
    }

    /// Whether the message may wait for company, as [`Message::is_lazy`].
    #[must_use]
    pub const fn is_lazy(&self) -> bool {
        self.lazy
    }

    /// The text of an envelope that holds this message alone.
    pub(crate) fn envelope(&self) -> &str {
        &self.envelope
    }

    /// How many bytes a queue is charged for the message.
    pub(crate) const fn size(&self) -> usize {
        self.envelope.len()
    }
}

/// What a message without data has as its data.
static NULL: RawJson = RawJson::NULL;

impl Deref for FrozenMessage {
    type Target = Message;

    fn deref(&self) -> &Message {
        self.message()
    }
}
