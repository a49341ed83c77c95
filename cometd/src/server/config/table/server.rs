//! Options of the whole server, limits included.

use super::super::{
    option::{OptionDescription, Reach},
    slot::{Bounds, Slot, Zero},
};

pub(super) const OPTIONS: &[OptionDescription] = &[
    // CFG-1
    row(
        "allowedTransports",
        Slot::Transports(|it| &mut it.server.allowed_transports),
        "The transports that clients may use, in the order in which they are advertised.",
    ),
    row(
        "allowedOrigins",
        Slot::Origins(|it| &mut it.server.allowed_origins),
        "The origins beside its own whose pages may use the server; * and null let pages in without cookies.",
    ),
    row(
        "denyByDefault",
        Slot::Flag(|it| &mut it.server.deny_by_default),
        "Whether nobody may use a channel that no authorizer guards.",
    ),
    // CFG-3
    row(
        "validateMessageFields",
        Slot::Flag(|it| &mut it.server.validate_message_fields),
        "Whether ids, channels and subscriptions of incoming messages are checked for illegal characters.",
    ),
    // CFG-4
    row(
        "broadcastToPublisher",
        Slot::Flag(|it| &mut it.server.broadcast_to_publisher),
        "Whether a session that is subscribed to a channel receives what it publishes there itself.",
    ),
    // CFG-6
    row(
        "sweepPeriod",
        Slot::Period(|it| &mut it.server.sweep_period),
        "The pause between two searches for expired sessions and unused channels.",
    ),
    row(
        "maxBatchLength",
        Slot::Limit(Zero::Refused, |it| &mut it.server.limits.max_batch_length),
        "The number of messages in one request or WebSocket message; an envelope with more is refused.",
    ),
    // The greatest depth that the JSON parser of typed payloads goes to.
    row(
        "maxJsonDepth",
        Slot::Bounded(Bounds(3, 127), |it| &mut it.server.limits.max_json_depth),
        "The number of JSON arrays and objects inside each other; an envelope with more is refused.",
    ),
    row(
        "maxChannelLength",
        Slot::Limit(Zero::Refused, |it| &mut it.server.limits.max_channel_length),
        "The bytes of a channel name; a message that names a longer one is refused.",
    ),
    row(
        "maxChannelSegments",
        Slot::Limit(Zero::Refused, |it| {
            &mut it.server.limits.max_channel_segments
        }),
        "The segments of a channel name; a message that names a deeper one is refused.",
    ),
    row(
        "maxSubscriptionsPerSession",
        Slot::Limit(Zero::Refused, |it| {
            &mut it.server.limits.max_subscriptions_per_session
        }),
        "The number of channels that one session may be subscribed to; further subscriptions are refused.",
    ),
    row(
        "maxSessions",
        Slot::Limit(Zero::Refused, |it| &mut it.server.limits.max_sessions),
        "The number of remote sessions; further handshakes are refused.",
    ),
    row(
        "maxSessionsPerAddress",
        Slot::Limit(Zero::Refused, |it| {
            &mut it.server.limits.max_sessions_per_address
        }),
        "The number of sessions of one network address, this machine's excepted; further handshakes are refused.",
    ),
    row(
        "maxHandshakesPerSecond",
        Slot::Limit(Zero::Refused, |it| {
            &mut it.server.limits.max_handshakes_per_second
        }),
        "The number of remote handshakes in a second; further ones are refused.",
    ),
    row(
        "maxHandshakesPerSecondPerAddress",
        Slot::Limit(Zero::Refused, |it| {
            &mut it.server.limits.max_handshakes_per_second_per_address
        }),
        "The number of handshakes of one network address in a second, this machine's excepted.",
    ),
    row(
        "maxQueueBytes",
        Slot::Limit(Zero::Refused, |it| &mut it.server.limits.max_queue_bytes),
        "The bytes of messages that wait for one session; queueOverflow says what happens to more.",
    ),
    row(
        "queueOverflow",
        Slot::QueueOverflow(|it| &mut it.server.limits.queue_overflow),
        "What happens at maxQueueBytes: the session ends, or its oldest or newest messages are dropped.",
    ),
];

const fn row(name: &'static str, slot: Slot, documentation: &'static str) -> OptionDescription {
    OptionDescription::new(name, Reach::Server, slot, documentation)
}
