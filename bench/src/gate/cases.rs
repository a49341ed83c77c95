//! What is counted. Each case does something a number of times; preparations are done once, whatever
//! the number.

use std::future::Future;
use std::pin::Pin;

use serde_json::{Value, json};
use tokio::runtime::{self, Runtime};

use super::idle::idle;
use super::memory::{App, Outcome, Poller, Socket, poll, publish, subscribe};
use crate::scenario::Transport;

/// A case.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// What one operation is.
    pub(crate) what: &'static str,
    /// Operations of one run; another run has twice as many.
    pub(crate) operations: u32,
    pub(crate) counted: Counted,
    run: fn(u32) -> Running,
}

/// What of it is counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Counted {
    /// Instructions and allocations.
    Work,
    /// What is allocated and alive at the end.
    Memory,
}

impl Counted {
    /// What amounts are called in the file.
    pub(super) const fn unit(self) -> &'static str {
        match self {
            Self::Work => "instructions",
            Self::Memory => "bytes",
        }
    }
}

type Running = Pin<Box<dyn Future<Output = Outcome<()>>>>;

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "message",
        what: "one of 100 messages of 64 bytes in an envelope, to a service channel without listeners",
        operations: 2000,
        counted: Counted::Work,
        run: |operations| Box::pin(messages(operations, small())),
    },
    Case {
        name: "message-with-a-kibibyte",
        what: "the same with nested data of 1 KiB",
        operations: 2000,
        counted: Counted::Work,
        run: |operations| Box::pin(messages(operations, large())),
    },
    Case {
        name: "route",
        what: "a publish by the server to a channel of five segments that nobody is subscribed to",
        operations: 2000,
        counted: Counted::Work,
        run: |operations| Box::pin(route(operations, 0, 0)),
    },
    Case {
        name: "route-among-many",
        what: "the same with 10,000 other channels and 5,000 sessions",
        operations: 100_000,
        counted: Counted::Work,
        run: |operations| Box::pin(route(operations, 10_000, 5000)),
    },
    Case {
        name: "enqueue-to-hundred",
        what: "putting a message into the queue of one of 100 subscribed sessions",
        operations: 10_000,
        counted: Counted::Work,
        run: |operations| Box::pin(enqueue(operations, 100)),
    },
    Case {
        name: "enqueue-to-ten-thousand",
        what: "the same with 10,000 subscribed sessions",
        operations: 1_000_000,
        counted: Counted::Work,
        run: |operations| Box::pin(enqueue(operations, 10_000)),
    },
    Case {
        name: "websocket-publish",
        what: "a publish over a socket, its reply, and the delivery over another socket",
        operations: 500,
        counted: Counted::Work,
        run: |operations| {
            Box::pin(async move { websocket(App::new().await?, operations, 1).await })
        },
    },
    Case {
        name: "websocket-publish-with-extensions",
        what: "the same with acknowledge and timesync installed, and not negotiated",
        operations: 500,
        counted: Counted::Work,
        run: |operations| {
            Box::pin(async move { websocket(App::extended().await?, operations, 1).await })
        },
    },
    Case {
        name: "websocket-publish-to-hundred",
        what: "the same without extensions, with deliveries over 100 other sockets",
        operations: 400,
        counted: Counted::Work,
        run: |operations| {
            Box::pin(async move { websocket(App::new().await?, operations, 100).await })
        },
    },
    Case {
        name: "websocket-publish-to-hundred-in-burst",
        what: "the same, 50 messages and what they lead to at once",
        operations: 1000,
        counted: Counted::Work,
        run: |operations| Box::pin(burst(operations, 100)),
    },
    Case {
        name: "websocket-echo",
        what: "a message to a service that sends it back over the same socket, and the reply",
        operations: 500,
        counted: Counted::Work,
        run: |operations| Box::pin(echo(operations, 1)),
    },
    Case {
        name: "websocket-echo-in-burst",
        what: "the same, 50 at once",
        operations: 2000,
        counted: Counted::Work,
        run: |operations| Box::pin(echo(operations, BURST)),
    },
    Case {
        name: "long-polling-publish",
        what: "a publish in a request, and a connect of the subscriber that is answered with it",
        operations: 500,
        counted: Counted::Work,
        run: |operations| Box::pin(polling(operations)),
    },
    Case {
        name: "websocket-idle",
        what: "a session over a socket, with a subscription and a held connect: what is alive of it",
        operations: 100,
        counted: Counted::Memory,
        run: |operations| Box::pin(idle(operations, Transport::WebSocket)),
    },
    Case {
        name: "long-polling-idle",
        what: "the same over long polling",
        operations: 100,
        counted: Counted::Memory,
        run: |operations| Box::pin(idle(operations, Transport::LongPolling)),
    },
];

impl Case {
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        CASES.iter().find(|it| it.name == name)
    }

    /// Does what is counted this many times. What is still there lasts as long as the runtime.
    pub(crate) fn run(&self, operations: u32) -> Outcome<Runtime> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on((self.run)(operations))?;
        Ok(runtime)
    }
}

fn small() -> Value {
    json!({"text": "x".repeat(53)})
}

fn large() -> Value {
    let line = json!({"product": "pencil", "count": 12, "price": 1.25, "tags": ["wood", "grey"]});
    json!({"order": 4711, "lines": vec![line; 15]})
}

async fn messages(operations: u32, data: Value) -> Outcome<()> {
    let app = App::new().await?;
    let session = app.poller().await?;
    let message = publish(&session.client_id, "/service/nobody", &data);
    let envelope = Value::Array(vec![message; BATCH]).to_string();
    for _ in 0..operations as usize / BATCH {
        app.post(&session, envelope.clone()).await?;
    }
    Ok(())
}

/// Messages of an envelope.
const BATCH: usize = 100;

async fn route(operations: u32, channels: usize, sessions: usize) -> Outcome<()> {
    let app = App::new().await?;
    for nth in 0..channels {
        let channel = format!("/other/{}/{nth}", nth % 100);
        app.server
            .create_channel_if_absent(channel.as_str(), |_| ())?;
    }
    for _ in 0..sessions {
        app.poller().await?;
    }
    for _ in 0..operations {
        let publishing = app.server.publish(None, "/a/channel/of/five/segments", 1);
        publishing.await?;
    }
    Ok(())
}

async fn enqueue(operations: u32, subscribers: usize) -> Outcome<()> {
    let app = App::new().await?;
    for _ in 0..subscribers {
        subscriber(&app).await?;
    }
    for _ in 0..operations as usize / subscribers {
        app.server.publish(None, CHANNEL, small()).await?;
    }
    Ok(())
}

const CHANNEL: &str = "/gate/channel";

/// Messages that are sent at once.
const BURST: usize = 50;

async fn subscriber(app: &App) -> Outcome<Poller> {
    let session = app.poller().await?;
    app.post(&session, subscribe(&session.client_id, CHANNEL))
        .await?;
    Ok(session)
}

async fn websocket(mut app: App, operations: u32, subscribers: usize) -> Outcome<()> {
    let mut sockets = subscribers_over_sockets(&mut app, subscribers).await?;
    let mut publisher = app.socket().await?;
    let message = publish(&publisher.client_id, CHANNEL, &small());
    let envelope = Value::Array(vec![message]).to_string();
    for _ in 0..operations {
        publisher.send(&envelope).await?;
        publisher.messages(1).await?;
        for socket in &mut sockets {
            socket.messages(1).await?;
        }
    }
    Ok(())
}

async fn burst(operations: u32, subscribers: usize) -> Outcome<()> {
    let mut app = App::new().await?;
    let mut sockets = subscribers_over_sockets(&mut app, subscribers).await?;
    let mut publisher = app.socket().await?;
    let message = publish(&publisher.client_id, CHANNEL, &small());
    let envelope = Value::Array(vec![message]).to_string();
    let envelopes = [envelope.as_str(); BURST];
    for _ in 0..operations as usize / BURST {
        publisher.send_all(&envelopes).await?;
        publisher.messages(BURST).await?;
        for socket in &mut sockets {
            socket.messages(BURST).await?;
        }
    }
    Ok(())
}

async fn subscribers_over_sockets(app: &mut App, count: usize) -> Outcome<Vec<Socket>> {
    let mut sockets = Vec::new();
    for _ in 0..count {
        let mut socket = app.socket().await?;
        socket.subscribe(CHANNEL).await?;
        sockets.push(socket);
    }
    Ok(sockets)
}

async fn echo(operations: u32, burst: usize) -> Outcome<()> {
    let mut app = App::echoing().await?;
    let mut socket = app.socket().await?;
    let message = publish(&socket.client_id, "/service/echo", &small());
    let envelope = Value::Array(vec![message]).to_string();
    let envelopes = vec![envelope.as_str(); burst];
    for _ in 0..operations as usize / burst {
        socket.send_all(&envelopes).await?;
        // The message, and the reply.
        socket.messages(2 * burst).await?;
    }
    Ok(())
}

async fn polling(operations: u32) -> Outcome<()> {
    let app = App::new().await?;
    let (publisher, session) = (app.poller().await?, subscriber(&app).await?);
    let message = publish(&publisher.client_id, CHANNEL, &small());
    let (envelope, poll) = (
        Value::Array(vec![message]).to_string(),
        poll(&session.client_id),
    );
    for _ in 0..operations {
        app.post(&publisher, envelope.clone()).await?;
        app.post(&session, poll.clone()).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_does_what_it_says() {
        for case in CASES {
            // The large numbers are for valgrind.
            if case.name.contains("thousand") || case.name.contains("many") {
                continue;
            }
            let done = case.run(200);
            assert!(done.is_ok(), "{}: {done:?}", case.name);
        }
    }

    #[test]
    fn the_data_has_the_size_that_is_said() {
        assert_eq!(small().to_string().len(), 64);
        let kibibyte = large().to_string().len();
        assert!((1000..1060).contains(&kibibyte), "{kibibyte}");
    }
}
