//! Every shape of struct, with every kind of field.

use std::sync::Arc;

use cometd::prelude::*;

trait Archive: Send + Sync {
    fn lines(&self) -> usize;
}

#[service("unit", order = -1)]
#[derive(Debug, Default)]
struct Unit;

#[handlers]
impl Unit {
    #[listener("/unit")]
    fn heard(&self) {}
}

#[service("tuple.service-1")]
struct Tuple(#[session] LocalSession, #[inject] Arc<dyn Archive>, u8);

#[handlers]
impl Tuple {
    #[listener("/tuple")]
    fn heard(&self) -> bool {
        let Self(_session, archive, count) = self;
        archive.lines() > usize::from(*count)
    }
}

#[service("named", order = 2)]
struct Named {
    #[session]
    session: LocalSession,
    #[inject]
    archive: Arc<dyn Archive>,
    count: u8,
}

#[handlers]
impl Named {
    #[listener("/named")]
    fn heard(&self) -> bool {
        let Self {
            session: _session,
            archive,
            count,
        } = self;
        archive.lines() > usize::from(*count)
    }
}
