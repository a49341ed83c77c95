//! The time of the server, for clients whose clocks are wrong.

use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

use crate::protocol::{ChannelKind, RawJson, Reply};
use crate::server::timers::now;
use crate::server::{Deferred, Exchange, Extension, Flow, ServerSession};

/// Lets clients reckon how far their clocks are from the server's, and how long messages travel.
///
/// # The wire
///
/// Times are milliseconds, of the clock since 1970. A client says in each meta message what its clock
/// shows, and which lag and offset it reckons with:
///
/// ```text
/// > {"channel":"/meta/connect", .. ,"ext":{"timesync":{"tc":1700000000000,"l":23,"o":4882}}}
/// < {"channel":"/meta/connect", .. ,"ext":{"timesync":{"tc":1700000000000,"ts":1700000004900,"p":2000,"a":5}}}
/// ```
///
/// `tc` is repeated, `ts` is when the message arrived by the clock of the server, `p` how long the server
/// held it, and `a` how far off the client is: `tc + o + l - ts`. From these the client makes its next
/// `l = (now - tc - p) / 2` and `o = ts - tc - l`.
///
/// A client that is right within [`accuracy_target`](Self::accuracy_target) is not answered, unless `l`
/// is 0: it has no samples yet. One that says neither `l` nor `o` is answered without `a`.
#[derive(Clone, Copy, Debug)]
pub struct TimeSync {
    accuracy_target: Duration,
}

impl Default for TimeSync {
    /// An accuracy target of 25 ms.
    fn default() -> Self {
        Self {
            accuracy_target: Duration::from_millis(25),
        }
    }
}

impl TimeSync {
    /// How far off a client may be without being told.
    #[must_use]
    pub const fn accuracy_target(mut self, target: Duration) -> Self {
        self.accuracy_target = target;
        self
    }

    /// How long messages of this client travel, as it said last; also the session's attribute `lag`.
    #[must_use]
    pub fn lag(session: &ServerSession) -> Option<Duration> {
        session.attribute(LAG).map(|lag| *lag)
    }
}

impl Extension for TimeSync {
    fn is_meta_only(&self) -> bool {
        true
    }

    fn incoming<'a>(
        &'a self,
        session: Option<&'a ServerSession>,
        exchange: &'a mut Exchange,
    ) -> Deferred<'a, Flow> {
        let message = &exchange.message;
        if message.ext().is_none() || !matches!(message.channel().kind(), ChannelKind::Meta(_)) {
            return Flow::Continue.into();
        }
        let sample = exchange.message.ext_field(TIMESYNC);
        if let Some(sample) = sample.and_then(|it| it.to::<Sample>().ok()) {
            if let (Some(session), Some(lag)) = (session, sample.lag()) {
                session.set_attribute(LAG, lag);
            }
            let arrival = Arrival {
                sample,
                clock: SystemTime::now(),
                at: now(),
            };
            exchange.reply.notes_mut().insert(arrival);
        }
        Flow::Continue.into()
    }

    fn reply<'a>(
        &'a self,
        _: Option<&'a ServerSession>,
        reply: &'a mut Reply,
    ) -> Deferred<'a, Flow> {
        let arrival = reply.notes_mut().remove::<Arrival>();
        let answer = arrival.and_then(|it| it.answer(now(), self.accuracy_target));
        if let Some(answer) = answer {
            reply.set_ext_field(TIMESYNC, RawJson::of(&answer).ok().as_ref());
        }
        Flow::Continue.into()
    }
}

/// What a client says.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Sample {
    tc: f64,
    l: Option<f64>,
    #[serde(default)]
    o: f64,
}

impl Sample {
    fn lag(&self) -> Option<Duration> {
        Duration::try_from_secs_f64(self.l? / 1000.0).ok()
    }
}

/// A sample, and when it came.
#[derive(Clone, Copy, Debug)]
struct Arrival {
    sample: Sample,
    /// By the clock on the wall, which the client is told.
    clock: SystemTime,
    /// By a clock that does not jump, to measure how long the message is held.
    at: Instant,
}

/// What the server says.
#[derive(Debug, PartialEq, Serialize)]
struct Answer {
    tc: i64,
    ts: i64,
    p: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    a: Option<i64>,
}

impl Arrival {
    /// `None` if the client needs no correction.
    fn answer(&self, now: Instant, accuracy_target: Duration) -> Option<Answer> {
        let Sample { tc, l, o } = self.sample;
        let ts = self
            .clock
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
            .as_millis() as f64;
        let a = l.map(|l| tc + o + l - ts);
        let is_right = a.is_some_and(|a| a.abs() < accuracy_target.as_secs_f64() * 1000.0);
        if is_right && l != Some(0.0) {
            return None;
        }
        let held = now.saturating_duration_since(self.at).as_millis();
        Some(Answer {
            tc: tc as i64,
            ts: ts as i64,
            p: u64::try_from(held).unwrap_or(u64::MAX),
            a: a.map(|a| a as i64),
        })
    }
}

/// The field of `ext`.
const TIMESYNC: &str = "timesync";
/// The attribute of sessions.
const LAG: &str = "lag";

#[cfg(test)]
mod tests {
    use super::*;

    /// Arrived 1000 s after 1970, held for 2 s.
    #[track_caller]
    fn check(sample: &str, expected: Option<&str>) {
        let arrival = Arrival {
            sample: serde_json::from_str(sample).unwrap(),
            clock: SystemTime::UNIX_EPOCH + Duration::from_secs(1000),
            at: now(),
        };
        let answer = arrival.answer(
            arrival.at + Duration::from_secs(2),
            Duration::from_millis(25),
        );
        let answer = answer.map(|it| serde_json::to_string(&it).unwrap());
        assert_eq!(answer.as_deref(), expected, "{sample}");
    }

    #[test]
    fn a_client_is_told_how_far_off_it_is_unless_it_is_right() {
        // extensions 3.3
        check(
            r#"{"tc":999000}"#,
            Some(r#"{"tc":999000,"ts":1000000,"p":2000}"#),
        );
        check(
            r#"{"tc":999000,"l":0,"o":0}"#,
            Some(r#"{"tc":999000,"ts":1000000,"p":2000,"a":-1000}"#),
        );
        check(
            r#"{"tc":1000000,"l":0,"o":0}"#,
            Some(r#"{"tc":1000000,"ts":1000000,"p":2000,"a":0}"#),
        );
        check(r#"{"tc":999000,"l":10,"o":1014}"#, None);
        check(
            r#"{"tc":999000,"l":10,"o":1015}"#,
            Some(r#"{"tc":999000,"ts":1000000,"p":2000,"a":25}"#),
        );
        check(r#"{"tc":999000,"l":10,"o":966}"#, None);
        check(
            r#"{"tc":999000.5,"l":10,"o":-1e9}"#,
            Some(r#"{"tc":999000,"ts":1000000,"p":2000,"a":-1000000989}"#),
        );
    }
}
