//! Options of the WebSocket transport.

use super::super::{
    alphabet::Alphabet,
    option::{OptionDescription, Reach},
    slot::{Bounds, Slot, Zero},
};

pub(super) const OPTIONS: &[OptionDescription] = &[
    // CFG-36
    row(
        "protocol",
        Slot::Text(Alphabet::ListElement, |it| &mut it.websocket.protocol),
        "The WebSocket subprotocol that clients must offer; none accepts every offer.",
    ),
    // CFG-37
    row(
        "messagesPerFrame",
        Slot::Limit(Zero::NoLimit, |it| &mut it.websocket.messages_per_frame),
        "The messages that are delivered in one WebSocket message.",
    ),
    // CFG-38
    row(
        "bufferSize",
        Slot::Bounded(Bounds(128, 16 * 1024 * 1024), |it| {
            &mut it.websocket.buffer_size
        }),
        "The bytes that the buffer of a connection for compressed and fragmented messages starts with.",
    ),
    // CFG-39
    row(
        "idleTimeout",
        Slot::OptionalDuration(|it| &mut it.websocket.idle_timeout),
        "How long a connection may be silent before it is closed; should exceed timeout and interval together.",
    ),
    row(
        "handshakeTimeout",
        Slot::OptionalDuration(|it| &mut it.websocket.handshake_timeout),
        "How long a connection may have no session before it is closed.",
    ),
    // CFG-40
    row(
        "requireHandshakePerConnection",
        Slot::Flag(|it| &mut it.websocket.require_handshake_per_connection),
        "Whether a session can be used only on the connection that it made its handshake on.",
    ),
    // CFG-41
    row(
        "enableExtension.<name>",
        Slot::DisabledName(|it| &mut it.websocket.disabled_extensions),
        "Whether the WebSocket extension of this name, such as permessage-deflate, is negotiated.",
    ),
];

const fn row(name: &'static str, slot: Slot, documentation: &'static str) -> OptionDescription {
    OptionDescription::new(name, Reach::WebSocket, slot, documentation)
}
