//! Many sessions and channels: the full numbers in an optimised build, a twentieth otherwise.
//!
//! Not run by the harness of the standard library: figures are to be seen, and what is measured wants the
//! machine for itself. A word on the command line chooses what has it in its name.

#![expect(
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and this one shows its figures"
)]

use std::fs;
use std::io::{BufRead, BufReader, Lines, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use cometd::BayeuxServer;
use cometd_tests::{App, Client, Socket, advance, delivery, ms, ok, serve, settle, setup};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

/// The full numbers need an optimised build.
const fn sized(full: usize) -> usize {
    if cfg!(debug_assertions) {
        full / 20
    } else {
        full
    }
}

/// Sessions over sockets, in memory, and channels.
const SOCKETS: usize = sized(18_000);
const SESSIONS: usize = sized(100_000);

/// Tells the second process where the server is.
const SERVER: &str = "SCALE_SERVER";

/// How many sockets open at the same time.
const OPENING: usize = 128;

/// Longest real time that anything may take.
const PATIENCE: Duration = Duration::from_secs(120);

type Measure = (&'static str, fn());

const MEASURES: [Measure; 2] = [
    ("idle sessions over sockets are reached", sockets),
    (
        "others cost a publication nothing, and expire in a second",
        others,
    ),
];

fn main() {
    if let Ok(address) = std::env::var(SERVER) {
        return real_time().block_on(clients(address.parse().unwrap()));
    }
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|it| !it.starts_with('-'))
        .collect();
    for (name, measure) in MEASURES {
        if words.is_empty() || words.iter().any(|word| name.contains(&**word)) {
            println!("{name}:");
            measure();
        }
    }
}

fn real_time() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Processor time of this thread.
fn cpu() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap()
}

/// Resident memory of this process in bytes, if the system tells.
fn resident() -> Option<usize> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: usize = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}

fn print_resident(empty: Option<usize>, sessions: usize) {
    if let (Some(empty), Some(full)) = (empty, resident()) {
        let each = full.saturating_sub(empty) / sessions;
        println!("  resident: {each} bytes for each");
    }
}

/// As many sockets as wanted, or as this process may open.
fn allowed(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    // What fails here is noticed as too few sockets.
    let _ = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            ..limit
        },
    );
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    wanted.min(usize::try_from(limit).unwrap().saturating_sub(100))
}

/// The clients, in a process of their own: both ends of a socket count as descriptors.
struct Clients {
    process: Child,
    said: Lines<BufReader<ChildStdout>>,
}

impl Clients {
    fn start(address: SocketAddr) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .env(SERVER, address.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, said }
    }

    fn expect(&mut self, word: &str) {
        let said = self.said.next().expect("the clients have failed").unwrap();
        assert_eq!(said, word);
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The second process: opens sockets, and says what comes.
async fn clients(address: SocketAddr) {
    let sessions = allowed(SOCKETS);
    let mut opening = JoinSet::new();
    let mut open = Vec::with_capacity(sessions);
    for n in 0..sessions {
        if n >= OPENING {
            open.push(opening.join_next().await.unwrap().unwrap());
        }
        opening.spawn(client(address));
    }
    open.append(&mut opening.join_all().await);
    say("held");
    for n in 1..=2 {
        for socket in &mut open {
            let message = tokio::time::timeout(PATIENCE, socket.frame())
                .await
                .unwrap();
            cometd_tests::check(&message, [delivery("/all", n)]);
        }
        say(&format!("all have {n}"));
    }
    // The server goes on with all of them until this process is ended.
    std::future::pending().await
}

/// A session that has subscribed and holds a connect.
async fn client(address: SocketAddr) -> Socket<TcpStream> {
    let mut socket = Socket::connect(address).await;
    socket.handshake().await;
    let subscribe = socket.subscribe_message("/all");
    let connect = socket.connect_message(json!({"timeout": 0}));
    socket.send(json!([subscribe])).await;
    assert_eq!(socket.frame().await[0]["successful"], true);
    socket.send(json!([connect])).await;
    assert_eq!(socket.frame().await[0]["successful"], true);
    let connect = socket.connect_message(Value::Null);
    socket.send(json!([connect])).await;
    socket
}

/// The first process reads line by line.
fn say(word: &str) {
    println!("{word}");
    std::io::stdout().flush().unwrap();
}

fn sockets() {
    let sessions = allowed(SOCKETS);
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let builder = BayeuxServer::builder()
        .timeout(PATIENCE)
        .max_interval(PATIENCE);
    let served = runtime.block_on(serve(builder));
    let empty = resident();
    let mut clients = Clients::start(served.address);
    clients.expect("held");
    assert_eq!(served.server.statistics().sessions, sessions);
    println!("  {sessions} sessions, each with a connect held");
    print_resident(empty, sessions);
    let watch = tokio::time::Instant::now();
    for n in 1..=2 {
        runtime
            .block_on(served.server.publish(None, "/all", n))
            .unwrap();
        clients.expect(&format!("all have {n}"));
    }
    println!("  all reached twice in {:?}", watch.elapsed());
    let statistics = served.server.statistics();
    assert_eq!(statistics.delivered, 2 * sessions as u64);
    assert_eq!(statistics.sessions, sessions, "all are alive");
    drop(clients);
    runtime.block_on(served.server.shutdown(ms(10_000)));
}

/// A server in memory with so many sessions, each subscribed to a channel of its own.
async fn crowded(sessions: usize) -> App {
    let app = setup().option("sweepPeriod", 3_600_000).start().await;
    for n in 0..sessions {
        let client = app.client();
        client.handshake().await;
        let channel = format!("/others/{n}");
        let subscribed = ok("/meta/subscribe").with("subscription", &*channel);
        client.subscribe(channel).await.expect([subscribed]);
    }
    app
}

/// Processor time of a publication that its publisher receives.
async fn publish(client: &Client) -> Duration {
    const PUBLICATIONS: u32 = 2000;
    let before = cpu();
    for n in 0..PUBLICATIONS {
        client
            .publish("/own", n)
            .await
            .expect([delivery("/own", n), ok("/own")]);
    }
    (cpu() - before) / PUBLICATIONS
}

fn others() {
    let mut builder = Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let (before, empty) = (cpu(), resident());
        let (few, many) = (crowded(10).await, crowded(SESSIONS).await);
        let took = cpu() - before;
        println!("  {SESSIONS} sessions, each with a channel: {took:?} of CPU");
        print_resident(empty, SESSIONS);
        publish_beside(&few, &many).await;

        assert!(
            many.server().statistics().sessions >= SESSIONS,
            "all are alive"
        );
        settle().await;
        let before = cpu();
        advance(ms(3000)).await;
        let took = cpu() - before;
        println!("  all expired in {took:?} of CPU");
        let left = many.server().statistics();
        assert_eq!((left.sessions, few.server().statistics().sessions), (0, 0));
        assert!(took < Duration::from_secs(1), "SES-12: {took:?}");
    });
}

/// Nothing on the way of a message grows with the number of sessions or channels.
async fn publish_beside(few: &App, many: &App) {
    const ROUNDS: usize = 10;
    let (alone, crowded) = (few.client().up().await, many.client().up().await);
    alone.subscribe("/own").await;
    crowded.subscribe("/own").await;
    let mut least = [Duration::MAX; 2];
    for _ in 0..ROUNDS {
        // By turns: the machine has its moods.
        least[0] = least[0].min(publish(&alone).await);
        least[1] = least[1].min(publish(&crowded).await);
    }
    let [alone, crowded] = least;
    println!("  CPU of a publication beside 10 others: {alone:?}, beside {SESSIONS}: {crowded:?}");
    assert!(crowded < alone * 2, "{crowded:?} instead of {alone:?}");
}
