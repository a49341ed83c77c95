//! The clients of the field and a browser, against a running `demo`.
//!
//! These need Node.js with the packages of `tests/interop`, and some of them Chromium. What is not
//! there is skipped and said so; with `CI=true` it is a failure.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::OnceLock;
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
fn the_clients_of_faye_work_over_both_transports() {
    let runs = ["faye", "faye-1.2"].map(|client| {
        ["long-polling", "websocket"].map(|transport| Run {
            script: "faye.mjs",
            client,
            transport,
        })
    });
    judged("the clients of Faye", &runs.concat());
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

/// Runs scripts against one server, at the same time: they spend most of it waiting.
fn judged(what: &str, runs: &[Run]) {
    if let Some(missing) = missing_packages() {
        return skip(what, &missing);
    }
    let _turn = TURN.lock();
    let demo = Demo::start();
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

/// A `demo` process; it ends with the test, whatever becomes of that.
struct Demo {
    process: Child,
    /// Kept open, so that the process can write.
    _output: BufReader<ChildStdout>,
    origin: String,
}

impl Demo {
    fn start() -> Self {
        let mut process = Command::new(demo_binary())
            .args([
                "--listen",
                "127.0.0.1:0",
                "--option",
                "timeout=2000",
                "--option",
                "maxInterval=3000",
            ])
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
        let run = Command::new("node")
            .arg(script)
            .args(arguments)
            .current_dir(scripts())
            .output();
        let Output {
            status,
            stdout,
            stderr,
        } = run.unwrap();
        let (stdout, stderr) = (
            String::from_utf8_lossy(&stdout),
            String::from_utf8_lossy(&stderr),
        );
        assert!(
            status.success(),
            "{script} {arguments:?}\n{stdout}\n{stderr}"
        );
        assert!(
            stdout.contains(" passed, 0 failed"),
            "{script} has checked nothing\n{stdout}"
        );
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

/// Builds the demo, as its user would.
fn demo_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let build = Command::new(env!("CARGO"))
            .args([
                "build",
                "--package",
                "demo",
                "--message-format",
                "json-render-diagnostics",
            ])
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        assert!(build.status.success(), "the demo does not build");
        String::from_utf8(build.stdout)
            .unwrap()
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|artifact| artifact["target"]["name"] == "demo")
            .find_map(|artifact| artifact["executable"].as_str().map(PathBuf::from))
            .expect("an executable called demo")
    })
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
