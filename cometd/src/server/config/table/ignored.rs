//! Options that only mean something to a Java server. They are read, so that a configuration carries over, and lead to
//! a warning.

use super::super::{
    option::{OptionDescription, Reach},
    slot::Slot,
};

pub(super) const OPTIONS: &[OptionDescription] = &[
    // CFG-2
    row(
        "transports",
        "names Java classes; the transports are built in, and allowedTransports chooses among them",
    ),
    // CFG-5
    row("jsonContext", "names a Java class; JSON is built in"),
    // CFG-7
    row(
        "sweepThreads",
        "sizes a Java thread pool; the sweeper is one task of the runtime",
    ),
    // CFG-8
    row(
        "schedulerThreads",
        "sizes a Java thread pool; timers belong to the runtime",
    ),
    // CFG-9
    row(
        "executorMaxThreads",
        "sizes a Java thread pool; the number of threads is chosen where the runtime is made",
    ),
    row(
        "services",
        "names Java classes; services are given to the builder",
    ),
    // CFG-35
    OptionDescription::new(
        "cometdURLMapping",
        Reach::WebSocket,
        Slot::Ignored,
        "maps paths of a servlet container; every transport is reached where the service is mounted",
    ),
];

const fn row(name: &'static str, reason: &'static str) -> OptionDescription {
    OptionDescription::new(name, Reach::Server, Slot::Ignored, reason)
}
