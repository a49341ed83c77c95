//! Tells those who watch what the observer has seen, and once a second how much there is to see.

use std::sync::atomic::Ordering;
use std::time::Duration;

use cometd::{BayeuxServer, IntoData, Origin, Statistics};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::monitor::{Event, Watchers};

pub(crate) const STATS: &str = "/monitor/stats";
pub(crate) const EVENTS: &str = "/monitor/events";
const PERIOD: Duration = Duration::from_secs(1);

/// Publishes what happens, as long as somebody wants to know.
#[derive(Debug)]
pub(crate) struct Reporter {
    events: mpsc::Receiver<Event>,
    watchers: Watchers,
}

impl Reporter {
    pub(crate) const fn new(events: mpsc::Receiver<Event>, watchers: Watchers) -> Self {
        Self { events, watchers }
    }

    /// Reports until the server is gone or the future is dropped.
    pub(crate) async fn run(mut self, server: BayeuxServer) {
        let mut meter = Meter::new(&server);
        let mut ticks = interval_at(meter.start + PERIOD, PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // Nothing is lost when the other branch wins: both can be dropped while they wait.
            tokio::select! {
                now = ticks.tick() => {
                    let stats = meter.read(server.statistics(), now);
                    if self.watchers.load(Ordering::Relaxed) > 0 {
                        publish(&server, STATS, stats).await;
                    }
                }
                event = self.events.recv() => match event {
                    Some(event) => publish(&server, EVENTS, event).await,
                    None => return,
                },
            }
        }
    }
}

/// Authorizers, which keep clients from doing this, are not asked when the server publishes.
async fn publish(server: &BayeuxServer, channel: &str, data: impl IntoData) {
    if let Err(error) = server.publish(Origin::default(), channel, data).await {
        tracing::warn!(%error, channel, "a report is lost");
    }
}

/// How much there is, and how fast it grows.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    sessions: usize,
    channels: usize,
    messages_per_second: f64,
    deliveries_per_second: f64,
    /// In seconds.
    uptime: f64,
}

/// Makes rates from counters.
#[derive(Debug)]
struct Meter {
    start: Instant,
    /// Sessions of the services, which nobody wants to see counted.
    local: usize,
    before: Statistics,
    read: Instant,
}

impl Meter {
    fn new(server: &BayeuxServer) -> Self {
        let sessions = server.sessions();
        let start = Instant::now();
        Self {
            start,
            local: sessions.iter().filter(|it| it.is_local()).count(),
            before: server.statistics(),
            read: start,
        }
    }

    fn read(&mut self, statistics: Statistics, now: Instant) -> Stats {
        // A tick that comes late stands for more than a second.
        let seconds = (now - self.read).max(PERIOD).as_secs_f64();
        let rate = |count: u64, before: u64| count.saturating_sub(before) as f64 / seconds;
        let stats = Stats {
            sessions: statistics.sessions.saturating_sub(self.local),
            channels: statistics.channels,
            messages_per_second: rate(statistics.published, self.before.published),
            deliveries_per_second: rate(statistics.delivered, self.before.delivered),
            uptime: (now - self.start).as_secs_f64(),
        };
        (self.before, self.read) = (statistics, now);
        stats
    }
}
