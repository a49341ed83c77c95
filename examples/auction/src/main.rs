//! An auction: bids that everybody sees, a clock that ends it, and a word to those who are outbid.
//!
//! Run it with `cargo run -p auction`. The remote call `auction/{item}/open` with `{"start": 10, "seconds": 60}`
//! opens a lot; clients watch and bid on `/auction/{item}`, and are told on `/service/outbid`.

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use cometd::Failure;
use cometd::prelude::*;
use example_cli::Example;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::json;

#[cfg(test)]
mod tests;

#[derive(Deserialize)]
struct Terms {
    start: u64,
    seconds: u16,
}

#[derive(Clone, Deserialize, Serialize)]
struct Bid {
    bidder: String,
    amount: u64,
}

struct Lot {
    price: u64,
    best: Option<(Bid, ServerSession)>,
}

const MOST_LOTS: usize = 1000;

#[service("auction")]
struct Auction {
    #[session]
    session: LocalSession,
    lots: Arc<Mutex<HashMap<String, Lot>>>,
}

#[handlers]
impl Auction {
    // Nobody but the service makes such a channel: there is one for each lot that was opened.
    #[configure("/auction/*")]
    fn configure(channel: &mut ChannelConfig) {
        let rights = Grant::SUBSCRIBE_PUBLISH;
        channel.authorizer(rights).filter(NoMarkup);
    }

    #[remote_call("auction/{item}/open")]
    fn open(
        &self,
        item: String,
        Data(terms): Data<Terms>,
        server: BayeuxServer,
    ) -> Result<(), Failure> {
        let mut lots = self.lots.lock();
        if lots.contains_key(&item) || lots.len() >= MOST_LOTS {
            return Err(Failure::new("not now"));
        }
        let name = format!("/auction/{item}");
        let stays = |channel: &mut ChannelConfig| _ = channel.persistent(true);
        let (channel, _) = server
            .create_channel_if_absent(name.as_str(), stays)
            .map_err(|_| Failure::new("no name"))?;
        let (price, best) = (terms.start, None);
        lots.insert(item.clone(), Lot { price, best });
        let (session, lots) = (self.session.clone(), Arc::clone(&self.lots));
        server.spawn(async move {
            tokio::time::sleep(Duration::from_secs(terms.seconds.into())).await;
            let lot = lots.lock().remove(&item);
            let winner = lot.and_then(|lot| lot.best).map(|(bid, _)| bid);
            let _ = channel.publish(&session, json!({ "sold": winner })).await;
            channel.remove();
        });
        Ok(())
    }

    #[remote_call("auction/{item}")]
    fn price(&self, item: &str) -> Option<u64> {
        self.lots.lock().get(item).map(|lot| lot.price)
    }

    /// A bid that is not the best is not published; its bidder is told that it was deleted.
    #[listener("/auction/{item}")]
    async fn bid(&self, item: &str, session: &ServerSession, Data(bid): Data<Bid>) -> bool {
        let notice = json!({"item": item, "amount": bid.amount});
        let outbid = match self.lots.lock().get_mut(item) {
            Some(lot) if bid.amount > lot.price => {
                lot.price = bid.amount;
                lot.best.replace((bid, session.clone()))
            }
            _ => return false,
        };
        if let Some((_, loser)) = outbid {
            // Who has gone need not know.
            let _ = loser
                .deliver(&self.session, "/service/outbid", notice)
                .await;
        }
        true
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let server = BayeuxServer::builder().discover();
    Example::new("Holds auctions", server).run().await
}
