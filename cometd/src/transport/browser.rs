//! Which browsers have connects held (section 17 of the specification).

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::protocol::ClientId;

/// The sessions of each browser that have a connect held, by the browser's cookie.
#[derive(Debug, Default)]
pub(super) struct Browsers {
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// The latest place of each session, by browser.
    sessions: HashMap<Box<str>, HashMap<ClientId, u64>>,
    /// Tells places of one session apart.
    count: u64,
}

/// A place among the held connects of a browser; dropping it frees the place (MULTI-6).
#[derive(Debug)]
pub(super) struct Place<'a> {
    browsers: &'a Browsers,
    browser: Box<str>,
    session: ClientId,
    count: u64,
}

impl Browsers {
    /// Takes a place for a session, unless the browser has as many sessions with one as it may.
    ///
    /// A session that replaces its own held connect needs no second one (MULTI-8).
    pub(super) fn enter(
        &self,
        browser: &str,
        session: ClientId,
        limit: Option<usize>,
    ) -> Option<Place<'_>> {
        let limit = limit.unwrap_or(usize::MAX);
        let mut held = self.held.lock();
        let sessions = held.sessions.get(browser);
        let others = sessions.map_or(0, |it| it.len() - usize::from(it.contains_key(&session)));
        if others >= limit {
            return None;
        }
        held.count += 1;
        let count = held.count;
        held.sessions
            .entry(browser.into())
            .or_default()
            .insert(session, count);
        let browser = browser.into();
        Some(Place {
            browsers: self,
            browser,
            session,
            count,
        })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut held = self.browsers.held.lock();
        let Some(sessions) = held.sessions.get_mut(&self.browser) else {
            return;
        };
        // A later connect of the session may have taken the place over.
        if sessions.get(&self.session) == Some(&self.count) {
            sessions.remove(&self.session);
        }
        if sessions.is_empty() {
            held.sessions.remove(&self.browser);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(bits: u128) -> ClientId {
        ClientId::from_random(bits)
    }

    #[test]
    fn a_browser_has_as_many_places_as_allowed() {
        // MULTI-2, MULTI-6
        let browsers = Browsers::default();
        let first = browsers.enter("a", id(1), Some(1)).unwrap();
        assert!(browsers.enter("a", id(2), Some(1)).is_none());
        assert!(browsers.enter("b", id(3), Some(1)).is_some());
        assert!(browsers.enter("a", id(2), None).is_some());
        assert!(browsers.enter("c", id(4), Some(0)).is_none());
        drop(first);
        assert!(browsers.enter("a", id(2), Some(1)).is_some());
        assert!(browsers.held.lock().sessions.is_empty());
    }

    #[test]
    fn a_session_takes_over_its_own_place() {
        // MULTI-8
        let browsers = Browsers::default();
        let first = browsers.enter("a", id(1), Some(1)).unwrap();
        let second = browsers.enter("a", id(1), Some(1)).unwrap();
        drop(first);
        assert!(browsers.enter("a", id(2), Some(1)).is_none());
        drop(second);
        assert!(browsers.enter("a", id(2), Some(1)).is_some());
    }
}
