//! What a step does, for those who read that it failed.

use crate::scenario::Step;

/// A step in a few words.
pub(super) fn what(step: &Step) -> String {
    match step {
        Step::Note(_) => "note".to_owned(),
        Step::Handshake(names) => format!("handshake of {}", names.join(", ")),
        Step::Up(names) => format!("up of {}", names.join(", ")),
        Step::Subscribe(names) => format!(
            "subscribe of {}",
            names.keys().cloned().collect::<Vec<_>>().join(", ")
        ),
        Step::Send(it) => format!("send from {}", it.from),
        Step::Hold(it) => format!("hold from {}", it.from),
        Step::Start(it) => format!("start from {}", it.from),
        Step::Answer(it) => format!("answer to {}", it.to),
        Step::Held(names) => format!("held of {}", names.join(", ")),
        Step::Cut(name) => format!("cut of {name}"),
        Step::Advance(time) => format!("advance {time}"),
        Step::Open(it) => format!("open by {}", it.by),
        Step::Receive(it) => format!("receive by {}", it.by),
        Step::Silent(it) => format!("silent for {}", it.by),
        Step::Close(name) => format!("close by {name}"),
    }
}
