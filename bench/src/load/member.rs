//! One session's part in a run: what it receives and what it publishes.

use std::cell::RefCell;
use std::fmt::Write;
use std::ops::Range;
use std::rc::Rc;

use tokio::sync::Notify;

use super::input::Scratch;
use super::ledger::Ledger;
use super::order::Order;
use super::token::{self, Token};

/// What the sessions of a run share.
pub(crate) struct Run {
    pub(crate) ledger: RefCell<Ledger>,
    pub(crate) scratch: Rc<Scratch>,
}

impl Run {
    pub(crate) fn new(ledger: Ledger) -> Self {
        Self {
            ledger: RefCell::new(ledger),
            scratch: Rc::default(),
        }
    }
}

/// What a session is to do in a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Role {
    pub(crate) subscriptions: Vec<String>,
    /// The streams that it receives.
    pub(crate) receives: Range<usize>,
    pub(crate) publishes: Option<Publishes>,
}

/// A stream: what one session publishes to one channel.
#[derive(Clone, Debug)]
pub(crate) struct Publishes {
    pub(crate) stream: usize,
    pub(crate) channel: String,
    /// The bytes of its data.
    pub(crate) payload: usize,
}

/// A session that takes part.
pub(crate) struct Member {
    run: Rc<Run>,
    order: Order,
    publisher: Option<Publisher>,
}

/// Writes the messages of a stream.
struct Publisher {
    stream: usize,
    turn: Rc<Notify>,
    /// The text before the id of a message, and behind its token.
    before: String,
    behind: String,
}

impl Member {
    pub(crate) fn new(run: &Rc<Run>, role: Role, client_id: &str) -> Self {
        let publisher = role.publishes.map(|it| {
            let turn = run.ledger.borrow().turn(it.stream);
            Publisher::new(&it, client_id, turn)
        });
        Self {
            run: Rc::clone(run),
            order: Order::new(role.receives.start, role.receives.len()),
            publisher,
        }
    }

    pub(crate) const fn publishes(&self) -> bool {
        self.publisher.is_some()
    }

    /// Is woken when messages may be due; never for a session that publishes nothing.
    pub(crate) fn turn(&self) -> Rc<Notify> {
        let publisher = self.publisher.as_ref();
        publisher.map(|it| Rc::clone(&it.turn)).unwrap_or_default()
    }

    /// Writes the messages that are due.
    pub(crate) fn publish(&self, mut write: impl FnMut(&str)) {
        let Some(publisher) = &self.publisher else {
            return;
        };
        let due = self.run.ledger.borrow_mut().take_due(publisher.stream);
        let mut text = String::new();
        for number in due {
            text.clear();
            publisher.message(&mut text, number);
            write(&text);
        }
    }

    /// Nanoseconds of the run.
    pub(crate) fn now(&self) -> u64 {
        self.run.ledger.borrow().now()
    }

    /// Takes what has arrived in one envelope; whether a connect is answered with it.
    pub(crate) fn receive(&mut self, envelope: &[u8], now: u64) -> bool {
        let mut ledger = self.run.ledger.borrow_mut();
        for token in token::find(envelope) {
            match token {
                Ok(token) => ledger.deliver(&mut self.order, token, now),
                Err(token::Malformed) => ledger.receive_foreign(),
            }
        }
        // Messages have no such field, only replies.
        let contains = |text: &str| memchr::memmem::find(envelope, text.as_bytes()).is_some();
        if !contains(r#""successful":"#) {
            return false;
        }
        if contains(r#""successful":false"#) {
            ledger.refuse();
        }
        contains(r#""/meta/connect""#)
    }
}

impl Publisher {
    fn new(publishes: &Publishes, client_id: &str, turn: Rc<Notify>) -> Self {
        let channel = &publishes.channel;
        let before = format!(r#"{{"channel":"{channel}","clientId":"{client_id}","id":""#);
        let mut behind = String::from(r#"","text":""#);
        // `{"at":"` and `"}` are data, too.
        let rest = TOKEN_FIELD.len() - r#"","data":"#.len() + token::LENGTH + behind.len() + 2;
        behind.extend(std::iter::repeat_n(
            'x',
            publishes.payload.saturating_sub(rest),
        ));
        behind.push_str(r#""}}"#);
        Self {
            stream: publishes.stream,
            turn,
            before,
            behind,
        }
    }

    fn message(&self, out: &mut String, number: u32) {
        out.push_str(&self.before);
        // Writing to a string does not fail.
        let _ = write!(out, "{number}");
        out.push_str(TOKEN_FIELD);
        let stream = self.stream;
        Token { stream, number }.write(out);
        out.push_str(&self.behind);
    }
}

/// What lies between the id of a message and its token.
const TOKEN_FIELD: &str = r#"","data":{"at":""#;

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::ledger::{Faults, Pace};
    use super::*;

    fn member(receives: Range<usize>) -> (Rc<Run>, Member) {
        let mut ledger = Ledger::new(Pace::Closed { window: 2 }, [1]);
        ledger.begin();
        let run = Rc::new(Run::new(ledger));
        let role = Role {
            subscriptions: Vec::new(),
            receives,
            publishes: Some(Publishes {
                stream: 0,
                channel: "/bench/0".to_owned(),
                payload: 64,
            }),
        };
        let member = Member::new(&run, role, "me");
        (run, member)
    }

    #[test]
    fn a_message_has_a_payload_of_the_size_that_was_asked_for() {
        let (_, member) = member(0..1);
        let mut messages = Vec::new();
        member.publish(|text| messages.push(serde_json::from_str::<Value>(text).unwrap()));
        assert_eq!(messages.len(), 2);
        for message in messages {
            assert_eq!(message["data"].to_string().len(), 64);
            assert_eq!(
                (&message["channel"], &message["clientId"]),
                (&"/bench/0".into(), &"me".into())
            );
        }
    }

    #[test]
    fn what_is_published_is_recognised_when_it_arrives() {
        let (run, mut member) = member(0..1);
        let mut envelope = String::new();
        member.publish(|text| envelope.push_str(text));
        assert_eq!(run.ledger.borrow().outstanding(), 2);
        assert!(!member.receive(envelope.as_bytes(), 0));
        assert_eq!(run.ledger.borrow().outstanding(), 0);
        assert_eq!(run.ledger.borrow().tally().faults, Faults::default());
    }

    #[test]
    fn replies_are_told_from_messages() {
        let (run, mut member) = member(0..0);
        assert!(!member.receive(br#"[{"channel":"/bench/0","successful":true}]"#, 0));
        assert!(member.receive(br#"[{"channel":"/meta/connect","successful":true}]"#, 0));
        assert_eq!(run.ledger.borrow().tally().faults.refused, 0);
        member.receive(br#"[{"channel":"/bench/0","successful":false}]"#, 0);
        assert_eq!(run.ledger.borrow().tally().faults.refused, 1);
    }
}
