//! How long a session waits and is waited for.

use std::time::Duration;

use crate::protocol::{Advice, Reconnect, Transport};

/// The times of a transport, from the configuration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pacing {
    /// How long a connect is held.
    pub(crate) timeout: Duration,
    /// How long a client is advised to pause between connects.
    pub(crate) interval: Duration,
    /// How long a silent session is kept beyond that.
    pub(crate) max_interval: Duration,
    /// How long a connect may be processed or held without another message; `None` is forever.
    pub(crate) max_processing: Option<Duration>,
    /// How long lazy messages wait; `None` is not at all.
    pub(crate) max_lazy: Option<Duration>,
    /// How many queued messages call for those who see the queue.
    pub(crate) max_queue: Option<usize>,
    /// Whether advice says `maxInterval` (`handshakeReconnect`).
    pub(crate) advise_max_interval: bool,
}

/// What one session makes of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) transport: Pacing,
    /// Set by the application (SES-19).
    timeout: Option<Duration>,
    interval: Option<Duration>,
    max_interval: Option<Duration>,
    /// Set by the client's last connect (ADV-5).
    asked_interval: Option<Duration>,
    /// Through which transport advice was last given, unless something changed since (ADV-3).
    advised: Option<Transport>,
    /// Whether the last advice was to slow down.
    slowed: bool,
}

impl Pace {
    pub(crate) const fn new(transport: Pacing) -> Self {
        Self {
            transport,
            timeout: None,
            interval: None,
            max_interval: None,
            asked_interval: None,
            advised: None,
            slowed: false,
        }
    }

    /// `T` of a connect that asks for `asked` (CN-1).
    pub(crate) fn hold(&self, asked: Option<Duration>) -> Duration {
        asked.unwrap_or_else(|| self.next_timeout())
    }

    fn next_timeout(&self) -> Duration {
        self.timeout.unwrap_or(self.transport.timeout)
    }

    /// `I` (ADV-2).
    fn interval(&self) -> Duration {
        self.asked_interval
            .or(self.interval)
            .unwrap_or(self.transport.interval)
    }

    /// `M` (SES-7).
    pub(crate) fn max_interval(&self) -> Duration {
        self.max_interval.unwrap_or(self.transport.max_interval)
    }

    /// How long after a reply the session is kept (SES-6).
    pub(crate) fn grace(&self) -> Duration {
        self.interval() + self.max_interval()
    }

    /// The client said how long it will be away, or said nothing (SES-15, ADV-5).
    pub(crate) const fn ask_interval(&mut self, interval: Option<Duration>) {
        self.asked_interval = interval;
    }

    pub(crate) fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout = bounded(timeout);
        self.advised = None;
    }

    pub(crate) fn set_interval(&mut self, interval: Option<Duration>) {
        self.interval = bounded(interval);
        self.advised = None;
    }

    pub(crate) fn set_max_interval(&mut self, interval: Option<Duration>) {
        self.max_interval = bounded(interval).filter(|it| !it.is_zero());
    }

    /// The client is told to slow down, because its browser has other sessions (MULTI-3).
    pub(crate) const fn slow_down(&mut self) {
        self.slowed = true;
    }

    /// The client may go on as normal: if it was slowed down, the next reply says so (MULTI-7).
    pub(crate) const fn recover(&mut self) {
        if self.slowed {
            self.slowed = false;
            self.advised = None;
        }
    }

    /// The advice of a reply over this transport, if it is due (ADV-3).
    pub(crate) fn advise(&mut self, over: Transport, wanted: bool) -> Option<Advice> {
        if !wanted && self.advised == Some(over) {
            return None;
        }
        self.advised = Some(over);
        Some(Advice {
            interval: Some(self.interval()),
            timeout: Some(self.next_timeout()),
            max_interval: self
                .transport
                .advise_max_interval
                .then(|| self.max_interval()),
            ..Advice::reconnect(Reconnect::Retry)
        })
    }
}

/// "For ever" is ten years: times are added to the clock, which has an end.
fn bounded(time: Option<Duration>) -> Option<Duration> {
    const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);
    time.map(|time| time.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace() -> Pace {
        Pace::new(Pacing {
            timeout: Duration::from_secs(20),
            interval: Duration::ZERO,
            max_interval: Duration::from_secs(10),
            max_processing: None,
            max_lazy: None,
            max_queue: None,
            advise_max_interval: false,
        })
    }

    #[test]
    fn the_hold_is_the_clients_then_the_sessions_then_the_transports() {
        // CN-1, CN-2
        let mut pace = pace();
        assert_eq!(pace.hold(None), Duration::from_secs(20));
        pace.set_timeout(Some(Duration::from_secs(5)));
        assert_eq!(pace.hold(None), Duration::from_secs(5));
        assert_eq!(
            pace.hold(Some(Duration::from_secs(60))),
            Duration::from_secs(60)
        );
    }

    #[test]
    fn advice_is_given_once_per_transport_and_after_changes() {
        // ADV-3
        let mut pace = pace();
        assert!(pace.advise(Transport::LongPolling, false).is_some());
        assert!(pace.advise(Transport::LongPolling, false).is_none());
        assert!(pace.advise(Transport::LongPolling, true).is_some());
        assert!(pace.advise(Transport::WebSocket, false).is_some());
        pace.set_interval(Some(Duration::from_millis(500)));
        let advice = pace.advise(Transport::WebSocket, false).unwrap();
        assert_eq!(advice.interval, Some(Duration::from_millis(500)));
        assert_eq!(advice.max_interval, None);
    }

    #[test]
    fn the_grace_counts_what_the_client_said_about_its_absence() {
        // SES-6, SES-7, SES-15
        let mut pace = pace();
        pace.ask_interval(Some(Duration::from_secs(60)));
        assert_eq!(pace.grace(), Duration::from_secs(70));
        pace.ask_interval(None);
        pace.set_max_interval(Some(Duration::from_secs(9)));
        assert_eq!(pace.grace(), Duration::from_secs(9));
        pace.set_max_interval(Some(Duration::ZERO));
        assert_eq!(pace.grace(), Duration::from_secs(10));
    }
}
