//! Whether a session receives what it should, in order.

use super::token::Token;

/// What one session has received of the streams that it is to receive.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    /// The first of the streams; they follow each other.
    first: usize,
    /// The next number of each stream.
    next: Vec<u32>,
    /// What was passed over.
    missing: Vec<Token>,
}

/// What a message is to the session that receives it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Arrival {
    /// Nothing newer of its stream came before.
    InOrder,
    /// Something newer did.
    Late,
    /// It came before.
    Again,
    /// It was for others.
    Foreign,
}

impl Order {
    /// Nothing yet of this many streams from the first on.
    pub(crate) fn new(first: usize, streams: usize) -> Self {
        Self {
            first,
            next: vec![0; streams],
            missing: Vec::new(),
        }
    }

    pub(crate) fn receive(&mut self, token: Token) -> Arrival {
        let place = token.stream.checked_sub(self.first);
        let Some(next) = place.and_then(|place| self.next.get_mut(place)) else {
            return Arrival::Foreign;
        };
        if token.number >= *next {
            let passed = (*next..token.number).take(MOST_MISSING);
            self.missing
                .extend(passed.map(|number| Token { number, ..token }));
            *next = token.number + 1;
            return Arrival::InOrder;
        }
        match self.missing.iter().position(|it| *it == token) {
            Some(place) => {
                self.missing.swap_remove(place);
                Arrival::Late
            }
            None => Arrival::Again,
        }
    }
}

/// A run in which more are missing at once is refused anyway.
const MOST_MISSING: usize = 1000;

#[cfg(test)]
mod tests {
    use super::Arrival::{Again, Foreign, InOrder, Late};
    use super::*;

    fn arrivals(tokens: &[(usize, u32)]) -> Vec<Arrival> {
        let mut order = Order::new(5, 2);
        let tokens = tokens
            .iter()
            .map(|&(stream, number)| Token { stream, number });
        tokens.map(|token| order.receive(token)).collect()
    }

    #[test]
    fn every_stream_is_counted_for_itself() {
        let found = arrivals(&[(5, 0), (6, 0), (5, 1), (6, 1), (6, 2)]);
        assert_eq!(found, [InOrder; 5]);
    }

    #[test]
    fn a_message_that_was_overtaken_is_late_once() {
        let found = arrivals(&[(5, 0), (5, 3), (5, 1), (5, 2), (5, 1), (5, 4)]);
        assert_eq!(found, [InOrder, InOrder, Late, Late, Again, InOrder]);
    }

    #[test]
    fn a_message_that_comes_twice_is_told() {
        assert_eq!(arrivals(&[(5, 0), (5, 0)]), [InOrder, Again]);
    }

    #[test]
    fn a_message_of_another_channel_is_told() {
        assert_eq!(arrivals(&[(4, 0), (7, 0)]), [Foreign, Foreign]);
    }
}
