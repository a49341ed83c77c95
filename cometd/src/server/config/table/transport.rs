//! Options that every transport has.

use super::super::{
    option::{OptionDescription, Reach},
    slot::{Slot, Zero},
};

pub(super) const OPTIONS: &[OptionDescription] = &[
    // CFG-10
    row(
        "timeout",
        Slot::Duration(|it| &mut it.common.timeout),
        "How long /meta/connect is held when there is nothing to deliver.",
    ),
    // CFG-11
    row(
        "interval",
        Slot::Duration(|it| &mut it.common.interval),
        "The pause that clients are advised to make between two connects.",
    ),
    // CFG-12
    row(
        "maxInterval",
        Slot::Duration(|it| &mut it.common.max_interval),
        "How long a session lives without a connect, beyond the advised interval.",
    ),
    // CFG-13
    row(
        "maxProcessing",
        Slot::OptionalDuration(|it| &mut it.common.max_processing),
        "How long a session lives without any message while a connect is held or processed.",
    ),
    // CFG-14
    row(
        "maxLazyTimeout",
        Slot::OptionalDuration(|it| &mut it.common.max_lazy_timeout),
        "How long lazy messages wait for other messages to travel with; none delivers them at once.",
    ),
    // CFG-15
    row(
        "metaConnectDeliverOnly",
        Slot::Flag(|it| &mut it.common.meta_connect_deliver_only),
        "Whether messages are delivered with replies to connects only; always true for callback polling.",
    ),
    // CFG-16
    row(
        "maxQueue",
        Slot::Limit(Zero::NoLimit, |it| &mut it.common.max_queue),
        "The waiting messages of a session at which queue listeners are asked; without listeners it has no effect.",
    ),
    // CFG-17
    row(
        "maxMessageSize",
        Slot::Size(|it| &mut it.common.max_message_size),
        "The bytes of a request body or WebSocket message; longer ones are refused, which closes a WebSocket.",
    ),
    // CFG-18
    row(
        "handshakeReconnect",
        Slot::Flag(|it| &mut it.common.handshake_reconnect),
        "Whether advice tells maxInterval, so that clients handshake again when they were away for longer.",
    ),
    // CFG-19
    row(
        "allowMessageDeliveryDuringHandshake",
        Slot::Flag(|it| &mut it.common.allow_message_delivery_during_handshake),
        "Whether messages queued during a handshake are delivered with its reply.",
    ),
];

const fn row(name: &'static str, slot: Slot, documentation: &'static str) -> OptionDescription {
    OptionDescription::new(name, Reach::Transports, slot, documentation)
}
