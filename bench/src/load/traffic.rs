//! Sessions that publish and receive, from their handshakes to the last delivery.

use std::convert::Infallible;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, sleep};

use super::Watched;
use super::ledger::{Faults, Ledger, Pace, Tally};
use super::member::{Member, Role, Run};
use super::pacer::Pacer;
use super::session::{Failure, Session, Target, Transport};
use crate::process::Usage;

/// What sessions are to do.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) roles: Vec<Role>,
    /// How many sessions receive each message of each stream.
    pub(crate) receivers: Vec<u32>,
    pub(crate) ack: bool,
}

/// How a plan is carried out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    pub(crate) pace: Pace,
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
}

/// What a run has shown.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) tally: Tally,
    pub(crate) measured: Duration,
    /// What the server and the generator used of their processors.
    pub(crate) server: Usage,
    pub(crate) generator: Usage,
}

impl Outcome {
    /// Deliveries in a second.
    pub(crate) fn rate(&self) -> f64 {
        self.tally.delivered as f64 / self.measured.as_secs_f64()
    }

    /// Deliveries in a second of the server's processor time, if that is known.
    pub(crate) fn rate_of_core(&self) -> Option<f64> {
        let cpu = self.server.cpu.as_secs_f64();
        (cpu > 0.0).then(|| self.tally.delivered as f64 / cpu)
    }

    /// How much of its core the server used, from 0 to 1.
    pub(crate) fn server_share(&self) -> f64 {
        self.server.cpu.as_secs_f64() / self.measured.as_secs_f64()
    }

    /// How much of its core the generator used.
    pub(crate) fn generator_share(&self) -> f64 {
        self.generator.cpu.as_secs_f64() / self.measured.as_secs_f64()
    }

    /// Whether a lighter generator might have shown more.
    pub(crate) fn is_bounded(&self) -> bool {
        let lag = Duration::from_nanos(self.tally.lag.value_at_quantile(0.99));
        self.generator_share() > BUSY || lag > LATE
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quantile = |it| Duration::from_nanos(self.tally.latency.value_at_quantile(it));
        write!(
            formatter,
            "{:.0}/s, {:.0} per second of the server's core; latency {:.2?} median, {:.2?} p99; \
             server {:.0} % of its core, generator {:.0} %",
            self.rate(),
            self.rate_of_core().unwrap_or_default(),
            quantile(0.5),
            quantile(0.99),
            100.0 * self.server_share(),
            100.0 * self.generator_share(),
        )?;
        if self.is_bounded() {
            formatter.write_str("; bounded by the generator")?;
        }
        Ok(())
    }
}

/// A generator that is busier than this has no time left for certain.
const BUSY: f64 = 0.9;

/// Messages that are published later than this after they were due are not what was asked for.
const LATE: Duration = Duration::from_millis(5);

/// Carries a plan out.
pub(crate) async fn run<T: Transport>(
    watched: &Watched,
    plan: &Plan,
    timing: Timing,
) -> Result<Outcome, Failure> {
    let ledger = Ledger::new(timing.pace, plan.receivers.iter().copied());
    let run = Rc::new(Run::new(ledger));
    let local = LocalSet::new();
    let outcome = local.run_until(async {
        let mut members = join::<T>(&watched.target, plan, &run).await?;
        tokio::select! {
            outcome = conduct(watched, timing, &run) => outcome,
            failure = first_failure(&mut members) => Err(failure),
        }
    });
    outcome.await
}

/// Opens sessions, a few at a time, and lets them live.
async fn join<T: Transport>(
    target: &Target,
    plan: &Plan,
    run: &Rc<Run>,
) -> Result<JoinSet<Result<Infallible, Failure>>, Failure> {
    let open = plan.roles.iter().enumerate().map(|(nth, role)| async move {
        let target = target.of_session(nth);
        let mut session = Session::<T>::open(&target, &run.scratch, plan.ack).await?;
        session.subscribe(&role.subscriptions).await?;
        let member = Member::new(run, role.clone(), &session.client_id);
        Ok::<_, Failure>((session, member))
    });
    let mut opened = stream::iter(open).buffer_unordered(AT_ONCE);
    let mut members = JoinSet::new();
    while let Some((session, member)) = opened.try_next().await? {
        // At once: a session that does not connect expires.
        let connects = session.connects();
        members.spawn_local(session.transport.live(member, connects));
    }
    Ok(members)
}

/// Sessions that are opened at the same time.
pub(super) const AT_ONCE: usize = 64;

pub(super) async fn first_failure(members: &mut JoinSet<Result<Infallible, Failure>>) -> Failure {
    match members.join_next().await {
        Some(Ok(Err(failure))) => failure,
        // A panic is passed on; there are no other ends.
        Some(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Some(Ok(Ok(_)) | Err(_)) | None => std::future::pending().await,
    }
}

/// Starts the publishers, measures, and waits for the last delivery.
async fn conduct(watched: &Watched, timing: Timing, run: &Run) -> Result<Outcome, Failure> {
    // The connects that have just been sent arrive first.
    sleep(SETTLE).await;
    run.ledger.borrow_mut().begin();
    let measuring = async {
        sleep(timing.warm_up).await;
        let before = watched.usage()?;
        run.ledger.borrow_mut().measure(timing.measured);
        sleep(timing.measured).await;
        let usage = watched.usage_since(before)?;
        run.ledger.borrow_mut().end();
        Ok::<_, Failure>(usage)
    };
    let (server, generator) = match timing.pace {
        Pace::Closed { .. } => measuring.await?,
        Pace::Open { .. } => {
            let pacer = Pacer::start();
            tokio::select! {
                usage = measuring => usage?,
                never = keep_pace(&pacer, run) => match never {},
            }
        }
    };
    drain(run).await;
    let tally = run.ledger.borrow().tally();
    if tally.faults != Faults::default() {
        return Err(Failure::Faulty(tally.faults));
    }
    Ok(Outcome {
        tally,
        measured: timing.measured,
        server,
        generator,
    })
}

async fn keep_pace(pacer: &Pacer, run: &Run) -> Infallible {
    loop {
        pacer.tick().await;
        run.ledger.borrow().wake();
    }
}

/// Waits until everything is delivered, or nothing has been for a while.
async fn drain(run: &Run) {
    let outstanding = || run.ledger.borrow().outstanding();
    let mut before = outstanding();
    let mut progress = Instant::now();
    while before > 0 && progress.elapsed() < PATIENCE {
        sleep(SETTLE).await;
        if outstanding() != before {
            before = outstanding();
            progress = Instant::now();
        }
    }
    // What comes twice, comes now.
    sleep(SETTLE).await;
}

/// Time for what is under way on this machine.
const SETTLE: Duration = Duration::from_millis(50);

/// Without a delivery for so long, the rest is lost.
const PATIENCE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::io;

    use super::super::polling::Polling;
    use super::super::websocket::WebSocket;
    use super::*;
    use crate::scenario::{Echo, Scenario, Work};
    use crate::serve;

    const TIMING: Timing = Timing {
        pace: Pace::Closed { window: 2 },
        warm_up: Duration::ZERO,
        measured: Duration::from_millis(50),
    };

    /// A server in this process; it ends with the set.
    async fn started<F>(serve: impl FnOnce(serve::Bound) -> F) -> (JoinSet<io::Result<()>>, Watched)
    where
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        let (sender, bound) = tokio::sync::oneshot::channel();
        let mut server = JoinSet::new();
        server.spawn(serve(Box::new(|address| sender.send(address).unwrap())));
        let target = Target {
            address: bound.await.unwrap(),
            path: "/cometd".to_owned(),
            from: None,
        };
        let process = None;
        (server, Watched { target, process })
    }

    fn plan(name: &str) -> Plan {
        let scenario: Scenario = name.parse().unwrap();
        match scenario.work {
            Work::Traffic(traffic) => traffic.plan(Echo::Service, scenario.ack),
            other => panic!("no traffic: {other}"),
        }
    }

    #[tokio::test]
    async fn ours_delivers_everything_over_both_transports_and_acknowledged() {
        let (_server, watched) = started(|bound| serve::ours("127.0.0.1:0", bound)).await;
        for work in [
            "fan-out/10x2/64",
            "publishers/10/64",
            "echo/5/64",
            "fan-out/10x2/64/ack",
        ] {
            let plan = plan(&format!("websocket/{work}"));
            for outcome in [
                run::<WebSocket>(&watched, &plan, TIMING).await,
                run::<Polling>(&watched, &plan, TIMING).await,
            ] {
                let outcome = outcome.unwrap_or_else(|failure| panic!("{work}: {failure}"));
                assert!(outcome.tally.delivered > 0, "{work}");
            }
        }
    }

    #[tokio::test]
    async fn the_limit_delivers_everything() {
        let (_server, watched) = started(|bound| serve::limit("127.0.0.1:0", bound)).await;
        let plan = plan("websocket/fan-out/10x2/64");
        let pace = Pace::Open { rate: 1000.0 };
        for timing in [TIMING, Timing { pace, ..TIMING }] {
            let outcome = run::<WebSocket>(&watched, &plan, timing).await.unwrap();
            assert!(outcome.tally.delivered > 0);
        }
    }
}
