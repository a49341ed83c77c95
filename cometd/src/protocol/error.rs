//! What can be wrong with what a peer sent.

use bytestring::ByteString;

/// The bytes are no Bayeux envelope: nothing of them is processed.
///
/// Over HTTP the answer is status 400 (413 for [`TooLarge`](Self::TooLarge)); a WebSocket is
/// closed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// Not JSON, or an array that holds something else than objects (JSON-2, JSON-3).
    #[error("malformed JSON")]
    Malformed(#[from] serde_json::Error),
    /// Not text in the character set that was announced.
    #[error("the body is not valid {charset}")]
    Encoding {
        /// Name of the character set.
        charset: String,
    },
    /// `[]` or `null`: an envelope without a message (ERR-4).
    #[error("an envelope holds at least one message")]
    Empty,
    /// More bytes than `maxMessageSize`.
    #[error("the body is longer than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// More messages in one envelope than `maxBatchLength`.
    #[error("more than {limit} messages in one envelope")]
    BatchTooLong {
        /// The limit, in messages.
        limit: usize,
    },
    /// Arrays and objects nested deeper than `maxJsonDepth`.
    #[error("nested deeper than {limit} levels")]
    TooDeep {
        /// The limit, in levels.
        limit: usize,
    },
    /// A string with half of a surrogate pair, which is no text.
    #[error("half of a surrogate pair in a string")]
    LoneSurrogate,
    /// A handshake in company of other messages (HS-5).
    #[error("a handshake is the only message of its envelope")]
    HandshakeNotAlone,
}

/// A text that is no channel name.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelError {
    /// Shorter than `/` and one character, or longer than the limit.
    #[error("a channel has 2 to {limit} characters")]
    Length {
        /// The longest name, in bytes.
        limit: usize,
    },
    /// The first character is not `/`.
    #[error("a channel starts with `/`")]
    NotAbsolute,
    /// A character outside of the set of CH-1.
    #[error("`{character}` cannot be in a channel")]
    IllegalCharacter {
        /// The first such character.
        character: char,
    },
    /// Two slashes with nothing but spaces between them.
    #[error("a segment of a channel is not blank")]
    BlankSegment,
    /// `*` or `**` somewhere else than at the end.
    #[error("a wildcard is the last segment")]
    WildcardNotLast,
    /// A wildcard where one channel is meant.
    #[error("a wildcard names more than one channel")]
    Wildcard,
    /// More segments than the limit.
    #[error("a channel has at most {limit} segments")]
    TooManySegments {
        /// The limit, in segments.
        limit: usize,
    },
    /// A template that ends in a wildcard, or a variable that is written twice.
    #[error("a template has distinct variables and no wildcard")]
    Template,
}

/// A message that cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// The channel is none, or a wildcard.
    #[error("not a channel that can be sent to")]
    Channel(#[from] ChannelError),
    /// The data does not serialise.
    #[error("the data does not serialise")]
    Data(#[from] serde_json::Error),
}

/// A message was understood and refused; the text is the `error` field of the reply (MSG-5).
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BayeuxError {
    /// No `channel`, or an unsubscription from a channel that does not exist.
    #[error("400::channel_missing")]
    ChannelMissing,
    /// A field that has to be of another type.
    #[error("400:{field}:field_invalid")]
    FieldInvalid {
        /// Name of the field.
        field: &'static str,
    },
    /// `data` does not have the shape that the handler asks for.
    #[error("400:{detail}:data_invalid")]
    DataInvalid {
        /// What is wrong, without names of Rust types.
        detail: String,
    },
    /// The session has no principal, and the handler is for those that have one.
    #[error("401::authentication_missing")]
    AuthenticationMissing,
    /// No such session, or not the one that the connection belongs to.
    #[error("402::session_unknown")]
    SessionUnknown,
    /// The security policy refused the handshake.
    #[error("403::handshake_denied")]
    HandshakeDenied,
    /// No `subscription`.
    #[error("403::subscription_missing")]
    SubscriptionMissing,
    /// A `subscription` that names no channels.
    #[error("403::subscription_invalid")]
    SubscriptionInvalid,
    /// More subscriptions than `maxSubscriptionsPerSession`.
    #[error("403:{limit}:subscriptions_exceeded")]
    SubscriptionsExceeded {
        /// The limit, in channels.
        limit: usize,
    },
    /// The session ended while it subscribed, or the channel takes no subscribers.
    #[error("403::subscribe_failed")]
    SubscribeFailed,
    /// A meta channel.
    #[error("403::unsubscribe_failed")]
    UnsubscribeFailed,
    /// A publish to a channel that may not be created.
    #[error("403:{reason}:channel_create_denied")]
    ChannelCreateDenied {
        /// Who refused, or why.
        reason: ByteString,
    },
    /// A subscription to a channel that may not be created.
    #[error("403:{reason}:create_denied")]
    CreateDenied {
        /// Who refused, or why.
        reason: ByteString,
    },
    /// A publish that was refused.
    #[error("403:{reason}:publish_denied")]
    PublishDenied {
        /// Who refused, or why.
        reason: ByteString,
    },
    /// A subscription that was refused.
    #[error("403:{reason}:subscribe_denied")]
    SubscribeDenied {
        /// Who refused, or why.
        reason: ByteString,
    },
    /// An extension or a listener vetoed the message.
    #[error("404::message_deleted")]
    MessageDeleted,
    /// A channel name that is none.
    #[error("405::channel_invalid")]
    ChannelInvalid,
    /// An `id` that is not letters and digits.
    #[error("405::message_id_invalid")]
    MessageIdInvalid,
    /// The server has `maxSessions` sessions.
    #[error("503::sessions_exceeded")]
    SessionsExceeded,
    /// The network address of the client has `maxSessionsPerAddress` sessions.
    #[error("429:{limit}:sessions_per_address_exceeded")]
    AddressSessionsExceeded {
        /// The limit, in sessions.
        limit: usize,
    },
    /// More handshakes than `maxHandshakesPerSecond` or `maxHandshakesPerSecondPerAddress`.
    #[error("429:{limit}:handshakes_per_second_exceeded")]
    HandshakesExceeded {
        /// The limit, in handshakes per second.
        limit: usize,
    },
    /// A handler failed; the log has the reason, the peer has not.
    #[error("500::handler_failed")]
    HandlerFailed,
}
