//! How many clients are let in: altogether, from one network address, and in a second.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::config::Limits;
use crate::protocol::BayeuxError;

/// Counts sessions and handshakes.
#[derive(Debug, Default)]
pub(crate) struct Admission(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    sessions: usize,
    handshakes: Rate,
    addresses: HashMap<Network, Address>,
    /// How many addresses there were after the last look at all of them.
    kept: usize,
}

/// What one client can have as many addresses of as it likes: an IPv4 address, or the first half of
/// an IPv6 address.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Network {
    V4([u8; 4]),
    V6([u8; 8]),
}

#[derive(Debug, Default)]
struct Address {
    sessions: usize,
    handshakes: Rate,
}

/// A place among the remote sessions; it is given back when the handshake comes to nothing.
#[derive(Debug)]
#[must_use = "dropping it gives the place back"]
pub(crate) struct Seat<'a>(Option<(&'a Admission, Taken)>);

/// The place of a session that was let in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken(Option<Network>);

/// So few addresses are not worth a look at all of them.
const FEW: usize = 1024;

const SECOND: Duration = Duration::from_secs(1);

impl Admission {
    /// A place for one more session.
    ///
    /// # Errors
    /// The limit that is reached.
    pub(super) fn take_seat(
        &self,
        limits: &Limits,
        peer: Option<SocketAddr>,
        now: Instant,
    ) -> Result<Seat<'_>, BayeuxError> {
        let network = peer.and_then(Network::of);
        let mut counts = self.0.lock();
        counts.tidy(now);
        counts.count(limits, network, now)?;
        Ok(Seat(Some((self, Taken(network)))))
    }

    /// A session has ended.
    pub(super) fn give_back(&self, Taken(network): Taken) {
        let mut counts = self.0.lock();
        counts.sessions = counts.sessions.saturating_sub(1);
        if let Some(address) = network.and_then(|it| counts.addresses.get_mut(&it)) {
            address.sessions = address.sessions.saturating_sub(1);
        }
    }
}

impl Counts {
    fn count(
        &mut self,
        limits: &Limits,
        network: Option<Network>,
        now: Instant,
    ) -> Result<(), BayeuxError> {
        let address = network.map(|it| self.addresses.entry(it).or_default());
        // Of what is refused nothing is counted.
        if let (Some(address), Some(limit)) =
            (&address, limits.max_handshakes_per_second_per_address)
            && !address.handshakes.has_room(limit, now)
        {
            return Err(BayeuxError::HandshakesExceeded { limit });
        }
        if let Some(limit) = limits.max_handshakes_per_second
            && !self.handshakes.has_room(limit, now)
        {
            return Err(BayeuxError::HandshakesExceeded { limit });
        }
        if let (Some(address), Some(limit)) = (&address, limits.max_sessions_per_address)
            && address.sessions >= limit
        {
            return Err(BayeuxError::AddressSessionsExceeded { limit });
        }
        if limits
            .max_sessions
            .is_some_and(|limit| self.sessions >= limit)
        {
            return Err(BayeuxError::SessionsExceeded);
        }
        self.sessions += 1;
        if let Some(limit) = limits.max_handshakes_per_second {
            self.handshakes.count(limit, now);
        }
        if let Some(address) = address {
            address.sessions += 1;
            if let Some(limit) = limits.max_handshakes_per_second_per_address {
                address.handshakes.count(limit, now);
            }
        }
        Ok(())
    }

    /// Forgets addresses that nothing has to be known of. Looking at all when they have doubled costs
    /// each handshake a constant.
    fn tidy(&mut self, now: Instant) {
        if self.addresses.len() < FEW.max(self.kept * 2) {
            return;
        }
        self.addresses
            .retain(|_, address| address.sessions > 0 || !address.handshakes.is_spent(now));
        self.kept = self.addresses.len();
    }
}

impl Network {
    /// Whom a session is counted for. Not this machine: whoever connects from there is a proxy in front
    /// of the server, or somebody who needs no network to harm it.
    fn of(peer: SocketAddr) -> Option<Self> {
        match peer.ip().to_canonical() {
            ip if ip.is_loopback() => None,
            IpAddr::V4(ip) => Some(Self::V4(ip.octets())),
            IpAddr::V6(ip) => ip.octets().first_chunk().copied().map(Self::V6),
        }
    }
}

impl Seat<'_> {
    /// The session has it now, until it is given back.
    pub(crate) fn keep(mut self) -> Option<Taken> {
        self.0.take().map(|(_, taken)| taken)
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        if let Some((admission, taken)) = self.0.take() {
            admission.give_back(taken);
        }
    }
}

/// So many in a second, in the mean and at once.
#[derive(Debug, Default)]
struct Rate {
    /// When as many will have been due as have come, at the pace of the limit.
    due: Option<Instant>,
}

impl Rate {
    /// Whether one more is within the limit.
    fn has_room(&self, limit: usize, now: Instant) -> bool {
        let pace = pace(limit);
        let ahead = self
            .due
            .map_or(Duration::ZERO, |due| due.saturating_duration_since(now));
        ahead + pace <= SECOND
    }

    fn count(&mut self, limit: usize, now: Instant) {
        let due = self.due.map_or(now, |due| due.max(now));
        self.due = Some(due + pace(limit));
    }

    /// Whether it would make no difference if nothing were known.
    fn is_spent(&self, now: Instant) -> bool {
        self.due.is_none_or(|due| due <= now)
    }
}

/// The time from one to the next.
fn pace(limit: usize) -> Duration {
    SECOND / u32::try_from(limit).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(text: &str) -> Option<SocketAddr> {
        Some(SocketAddr::new(text.parse().unwrap(), 1))
    }

    #[expect(clippy::disallowed_methods, reason = "any instant will do")]
    fn start() -> Instant {
        Instant::now()
    }

    #[test]
    fn an_address_has_so_many_sessions() {
        let limits = Limits {
            max_sessions_per_address: Some(2),
            ..Limits::default()
        };
        let (admission, now) = (Admission::default(), start());
        let take = |text| admission.take_seat(&limits, peer(text), now);
        let (one, two) = (
            take("192.0.2.1").unwrap(),
            take("::ffff:192.0.2.1").unwrap(),
        );
        let refused = take("192.0.2.1").unwrap_err();
        assert_eq!(refused, BayeuxError::AddressSessionsExceeded { limit: 2 });
        let _other = take("192.0.2.2").unwrap();
        drop(one);
        let three = take("192.0.2.1").unwrap().keep().unwrap();
        assert!(take("192.0.2.1").is_err());
        admission.give_back(three);
        let _four = take("192.0.2.1").unwrap();
        drop(two);
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address_and_this_machine_as_none() {
        let network = |text| peer(text).and_then(Network::of);
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:1:2:3"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
        for own in ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(network(own), None, "{own}");
        }
    }

    #[test]
    fn a_rate_lets_so_many_through_at_once_and_then_one_by_one() {
        for limit in [1, 4, 1000] {
            let (mut rate, now) = (Rate::default(), start());
            for _ in 0..limit {
                assert!(rate.has_room(limit, now));
                rate.count(limit, now);
            }
            assert!(!rate.has_room(limit, now));
            let next = now + pace(limit);
            assert!(!rate.has_room(limit, next - Duration::from_nanos(1)));
            assert!(rate.has_room(limit, next));
            assert!(rate.is_spent(now + SECOND));
        }
    }

    #[test]
    fn addresses_are_forgotten_when_nothing_is_known_of_them() {
        let (admission, now) = (Admission::default(), start());
        let limits = Limits::default();
        for n in 0..10 * FEW as u32 {
            let later = now + SECOND * (n / 100);
            let peer = SocketAddr::new(IpAddr::V4((0x0a00_0000 + n).into()), 1);
            drop(admission.take_seat(&limits, Some(peer), later).unwrap());
        }
        assert!(admission.0.lock().addresses.len() <= 2 * FEW);
    }
}
