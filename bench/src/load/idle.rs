//! Sessions that are there and do nothing.

use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::sleep;

use super::Watched;
use super::ledger::{Ledger, Pace};
use super::member::{Member, Role, Run};
use super::session::{Failure, Session, Transport};
use super::traffic::{AT_ONCE, first_failure};

/// The memory of a server that holds a number of sessions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Footprint {
    pub(crate) sessions: usize,
    /// Bytes.
    pub(crate) resident: u64,
}

/// Opens sessions, each with a subscription and a connect that is held, and looks at the memory of the
/// server before, at some numbers of them, and when all are there.
pub(crate) async fn run<T: Transport>(
    watched: &Watched,
    sessions: usize,
) -> Result<Vec<Footprint>, Failure> {
    let run = Rc::new(Run::new(Ledger::new(Pace::Closed { window: 1 }, [])));
    let local = LocalSet::new();
    let footprints = local.run_until(async {
        let mut members = JoinSet::new();
        let mut footprints = vec![footprint(watched, 0)?];
        let steps = STEPS.into_iter().filter(|it| *it < sessions);
        for until in steps.chain([sessions]) {
            let missing = members.len()..until;
            let joining = join::<T>(watched, &run, missing, &mut members);
            joining.await?;
            tokio::select! {
                () = sleep(SETTLE) => {}
                failure = first_failure(&mut members) => return Err(failure),
            }
            footprints.push(footprint(watched, until)?);
        }
        Ok(footprints)
    });
    footprints.await
}

/// Where the memory is looked at, on the way to all sessions.
const STEPS: [usize; 4] = [1000, 2500, 5000, 10_000];

/// Time for a server to answer what it has been sent, and to tidy up.
const SETTLE: Duration = Duration::from_secs(1);

async fn join<T: Transport>(
    watched: &Watched,
    run: &Rc<Run>,
    sessions: std::ops::Range<usize>,
    members: &mut JoinSet<Result<Infallible, Failure>>,
) -> Result<(), Failure> {
    let open = sessions.map(|nth| async move {
        let target = watched.target.of_session(nth);
        let mut session = Session::<T>::open(&target, &run.scratch, false).await?;
        session
            .subscribe(&[format!("/idle/{}", nth % CHANNELS)])
            .await?;
        Ok::<_, Failure>(session)
    });
    let mut opened = stream::iter(open).buffer_unordered(AT_ONCE);
    while let Some(session) = opened.try_next().await? {
        let member = Member::new(run, Role::default(), &session.client_id);
        let connects = session.connects();
        members.spawn_local(session.transport.live(member, connects));
    }
    Ok(())
}

/// Channels that the sessions share.
const CHANNELS: usize = 100;

fn footprint(watched: &Watched, sessions: usize) -> Result<Footprint, Failure> {
    let (server, _) = watched.usage()?;
    Ok(Footprint {
        sessions,
        resident: server.resident,
    })
}
