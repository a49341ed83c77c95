//! The clients of the field and a browser, against a running `demo`.
//!
//! These need Node.js with the packages of `tests/interop`, some of them Chromium, and one Java with the
//! libraries of `tests/interop/java`. What is not there is skipped and said so; with `CI=true` it is a
//! failure.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::thread;

use parking_lot::Mutex;
use serde_json::Value;

/// One at a time: each wants the machine for itself when it looks at the clock.
static TURN: Mutex<()> = Mutex::new(());

#[test]
fn the_official_client_works_over_long_polling() {
    official("long-polling");
}

#[test]
fn the_official_client_works_over_websocket() {
    official("websocket");
}

#[test]
fn older_official_clients_work_over_long_polling() {
    older_officials("long-polling");
}

#[test]
fn older_official_clients_work_over_websocket() {
    older_officials("websocket");
}

#[test]
fn official_clients_log_in_and_lose_rights() {
    // 9.5 of the specification of security
    let runs = ["cometd", "cometd-3"].map(|client| {
        ["long-polling", "websocket"].map(|transport| Run {
            script: "authentication.mjs",
            client,
            transport,
        })
    });
    judged_by(
        "authentication",
        "logins of official clients",
        &runs.concat(),
    );
}

#[test]
fn the_clients_of_faye_work_over_both_transports() {
    let runs = ["faye", "faye-1.2"].map(|client| both("faye.mjs", client));
    judged("the clients of Faye", &runs.concat());
}

#[test]
fn the_official_java_client_works_over_both_transports() {
    // T-CLI-2
    if let Some(missing) = missing_java() {
        return skip("the official Java client", &missing);
    }
    let _turn = TURN.lock();
    let demo = Demo::start();
    let url = demo.endpoint();
    thread::scope(|scope| {
        for transport in ["long-polling", "websocket"] {
            scope.spawn(|| {
                let mut java = Command::new("java");
                java.args(["-cp", "target/lib/*", "Official.java", "--url", &url])
                    .args(["--transport", transport])
                    .current_dir(scripts().join("java"));
                content(&mut java);
            });
        }
    });
    demo.stop();
}

#[test]
fn the_extensions_of_the_official_client_work_over_both_transports() {
    let runs = ["cometd", "cometd-8"].map(|client| both("extensions.mjs", client));
    judged("the extensions of the official client", &runs.concat());
}

#[test]
fn the_official_client_hears_everything_once_and_in_order_through_a_faulty_proxy() {
    // extensions 2.12, 2.13
    judged(
        "the official client behind a faulty proxy",
        &both("fire.mjs", "cometd"),
    );
}

#[test]
fn the_official_client_works_in_a_browser() {
    if let Some(missing) = missing_browser() {
        return skip("the official client in a browser", &missing);
    }
    let _turn = TURN.lock();
    let demo = Demo::start();
    demo.judge("browser.mjs", &["--url", &demo.endpoint()]);
    demo.stop();
}

#[test]
fn pages_of_other_origins_do_what_they_may_in_a_browser() {
    // LP-10, WS-5: T-LP-15
    if let Some(missing) = missing_browser() {
        return skip("pages of other origins", &missing);
    }
    let _turn = TURN.lock();
    let friend = free_port().to_string();
    let allowed = format!("allowedOrigins=http://127.0.0.1:{friend}");
    let demo = Demo::start_with("demo", &["--option", &allowed]);
    let arguments = ["--url", &demo.endpoint(), "--friend", &friend];
    demo.judge("strangers.mjs", &arguments);
    demo.stop();
}

#[test]
fn two_users_share_the_page_of_the_demo() {
    if let Some(missing) = missing_browser() {
        return skip("the page of the demo", &missing);
    }
    let _turn = TURN.lock();
    let demo = Demo::start();
    demo.judge("page.mjs", &["--url", &format!("{}/", demo.origin)]);
    demo.stop();
}

fn official(transport: &'static str) {
    let run = Run {
        script: "official.mjs",
        client: "cometd",
        transport,
    };
    judged(&format!("the official client over {transport}"), &[run]);
}

fn older_officials(transport: &'static str) {
    let clients = ["cometd-3", "cometd-4", "cometd-5", "cometd-7", "cometd-8"];
    let runs = clients.map(|client| Run {
        script: "official.mjs",
        client,
        transport,
    });
    judged(&format!("older official clients over {transport}"), &runs);
}

/// A script with one client over one transport.
#[derive(Clone, Copy)]
struct Run {
    script: &'static str,
    /// Its name in `package.json`.
    client: &'static str,
    transport: &'static str,
}

/// A script with one client over both transports that need no page.
fn both(script: &'static str, client: &'static str) -> [Run; 2] {
    ["long-polling", "websocket"].map(|transport| Run {
        script,
        client,
        transport,
    })
}

fn judged(what: &str, runs: &[Run]) {
    judged_by("demo", what, runs);
}

/// Runs scripts against one example, at the same time: they spend most of it waiting.
fn judged_by(example: &'static str, what: &str, runs: &[Run]) {
    if let Some(missing) = missing_packages() {
        return skip(what, &missing);
    }
    let _turn = TURN.lock();
    let demo = Demo::start_with(example, &[]);
    let url = demo.endpoint();
    thread::scope(|scope| {
        for run in runs {
            scope.spawn(|| {
                let options = ["--client", run.client, "--transport", run.transport];
                demo.judge(run.script, &[&["--url", &url], &options[..]].concat());
            });
        }
    });
    demo.stop();
}

/// An example, by default the demo, as a process; it ends with the test, whatever becomes of that.
struct Demo {
    process: Child,
    /// Kept open, so that the process can write.
    _output: BufReader<ChildStdout>,
    origin: String,
}

impl Demo {
    fn start() -> Self {
        Self::start_with("demo", &[])
    }

    fn start_with(example: &'static str, arguments: &[&str]) -> Self {
        let mut process = Command::new(binary(example))
            .args([
                "--listen",
                "127.0.0.1:0",
                "--option",
                "timeout=2000",
                "--option",
                "maxInterval=3000",
            ])
            .args(arguments)
            .env("RUST_LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let url = line
            .trim()
            .strip_prefix("listening on ")
            .expect("the address on the first line");
        let origin = url
            .strip_suffix("/cometd")
            .expect("the path of the endpoint")
            .to_owned();
        Self {
            process,
            _output: output,
            origin,
        }
    }

    fn endpoint(&self) -> String {
        format!("{}/cometd", self.origin)
    }

    /// Runs a script, and shows its findings if it is not content.
    fn judge(&self, script: &str, arguments: &[&str]) {
        let mut node = Command::new("node");
        node.arg(script).args(arguments).current_dir(scripts());
        content(&mut node);
    }

    /// PRODUCT 3: on SIGTERM an example drains and exits 0.
    fn stop(mut self) {
        let terminated = Command::new("kill")
            .args(["-TERM", &self.process.id().to_string()])
            .status();
        assert!(terminated.unwrap().success());
        let status = self.process.wait().unwrap();
        assert_eq!(status.code(), Some(0), "exit status after SIGTERM");
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // After `stop` there is nothing left to end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Builds an example, as its user would.
fn binary(example: &'static str) -> PathBuf {
    static BINARIES: Mutex<BTreeMap<&str, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut binaries = BINARIES.lock();
    binaries
        .entry(example)
        .or_insert_with(|| build(example))
        .clone()
}

fn build(example: &str) -> PathBuf {
    let build = Command::new(env!("CARGO"))
        .args(["build", "--package", example])
        .args(["--message-format", "json-render-diagnostics"])
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(build.status.success(), "{example} does not build");
    String::from_utf8(build.stdout)
        .unwrap()
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|artifact| artifact["target"]["name"] == example)
        .find_map(|artifact| artifact["executable"].as_str().map(PathBuf::from))
        .unwrap_or_else(|| panic!("no executable called {example}"))
}

/// A port that a script can listen on a moment later.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Runs a judge, and shows its findings if it is not content.
fn content(judge: &mut Command) {
    let Output {
        status,
        stdout,
        stderr,
    } = judge.output().unwrap();
    let (stdout, stderr) = (
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr),
    );
    assert!(status.success(), "{judge:?}\n{stdout}\n{stderr}");
    assert!(
        stdout.contains(" passed, 0 failed"),
        "{judge:?} has checked nothing\n{stdout}"
    );
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("interop")
}

fn chromium() -> String {
    std::env::var("CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned())
}

fn missing_browser() -> Option<String> {
    missing_packages().or_else(|| missing_program(&chromium(), "Chromium"))
}

fn missing_packages() -> Option<String> {
    missing_program("node", "Node.js").or_else(|| {
        let manifest = fs::read(scripts().join("package.json")).unwrap();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        let packages = manifest["dependencies"].as_object().unwrap();
        let modules = scripts().join("node_modules");
        let missing = packages.keys().find(|name| !modules.join(name).is_dir())?;
        Some(format!("{missing} of tests/interop (`npm install` there)"))
    })
}

fn missing_java() -> Option<String> {
    missing_program("java", "Java").or_else(|| {
        let libraries = scripts().join("java/target/lib");
        let is_there = libraries.is_dir();
        (!is_there).then(|| "tests/interop/java/target/lib (`mvn package` there)".to_owned())
    })
}

fn missing_program(program: &str, name: &str) -> Option<String> {
    let found = Command::new(program)
        .arg("--version")
        .output()
        .is_ok_and(|it| it.status.success());
    (!found).then(|| name.to_owned())
}

/// Says what is not tested, past the capture of test output.
fn skip(what: &str, missing: &str) {
    let text = format!("SKIPPED {what}: {missing} not found\n");
    assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{text}");
    std::io::stderr().write_all(text.as_bytes()).unwrap();
}
