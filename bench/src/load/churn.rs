//! Sessions that come and go.

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::time::{Instant, sleep};

use super::Watched;
use super::input::Scratch;
use super::ledger::Tally;
use super::session::{Failure, Session, Transport};
use super::traffic::Outcome;

/// Lets this many sessions at a time make a handshake, subscribe, disconnect and close, over and over:
/// what is counted as delivered are whole lives.
pub(crate) async fn run<T: Transport>(
    watched: &Watched,
    at_once: usize,
    warm_up: Duration,
    measured: Duration,
) -> Result<Outcome, Failure> {
    let scratch = Rc::default();
    let tally = RefCell::new(Tally::default());
    let lives = (0..at_once).map(|nth| live::<T>(watched, nth, &scratch, &tally));
    let measuring = async {
        sleep(warm_up).await;
        let before = watched.usage()?;
        tally.replace(Tally::default());
        sleep(measured).await;
        let (server, generator) = watched.usage_since(before)?;
        Ok(Outcome {
            tally: tally.take(),
            measured,
            server,
            generator,
        })
    };
    tokio::select! {
        outcome = measuring => outcome,
        failed = try_join_all(lives) => Err(failed.err().unwrap_or(Failure::Ended)),
    }
}

/// One life after the other.
async fn live<T: Transport>(
    watched: &Watched,
    nth: usize,
    scratch: &Rc<Scratch>,
    tally: &RefCell<Tally>,
) -> Result<Infallible, Failure> {
    let channels = [format!("/churn/{nth}")];
    loop {
        let born = Instant::now();
        let mut session = Session::<T>::open(&watched.target, scratch, false).await?;
        session.subscribe(&channels).await?;
        session.disconnect().await?;
        session.transport.close().await?;
        tally.borrow_mut().count(born.elapsed());
    }
}
