//! What ours costs when there is more of everything else.

use super::Comparison;
use super::page::{Page, with_width};
use super::plot::short;
use super::results::{Cell, Pacing};
use crate::server::Server;

/// Writes what the targets about growth and about the second core were judged by.
pub(super) fn write(comparison: &Comparison, page: &mut Page) {
    let growing = comparison.growing.iter().map(|it| (*it, Pacing::Closed));
    let doubled = comparison.doubled.iter();
    let doubled = doubled.flat_map(|it| [(*it, Pacing::Closed), (*it, Pacing::Doubled)]);
    let rows: Vec<_> = growing.chain(doubled).collect();
    if rows.is_empty() {
        return;
    }
    page.line("## Growth of ours\n");
    page.line(
        "Deliveries per second of the server's processor time. On two cores the server has two threads, of which \
         one shares its core with the generator: that says what the threads cost each other, not how fast they are.\n",
    );
    page.head(&["scenario", "cores", "deliveries"].map(str::to_owned));
    for (scenario, pacing) in rows {
        let cell = Cell {
            server: Server::Ours,
            scenario,
            pacing,
        };
        let cores = match pacing {
            Pacing::Closed | Pacing::Open => "1",
            Pacing::Doubled => "2",
        };
        if let Some(it) = comparison.results.summary(cell) {
            let rate = with_width(&it.rate_of_core, short);
            page.row(&[scenario.to_string(), cores.to_owned(), rate]);
        }
    }
    page.line("");
}
