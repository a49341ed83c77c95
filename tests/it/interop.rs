//! The official JavaScript client and a browser, against a running `demo`.
//!
//! These need Node.js with the packages of `tests/interop`, and the second one Chromium. What is not
//! there is skipped and said so; with `CI=true` it is a failure.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::OnceLock;

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
fn two_users_share_the_page_of_the_demo() {
    let missing = missing_packages().or_else(|| missing_program(&chromium(), "Chromium"));
    if let Some(missing) = missing {
        return skip("the page of the demo", &missing);
    }
    let _turn = TURN.lock();
    let demo = Demo::start();
    demo.judge("page.mjs", &["--url", &format!("{}/", demo.origin)]);
    demo.stop();
}

fn official(transport: &str) {
    if let Some(missing) = missing_packages() {
        return skip(&format!("the official client over {transport}"), &missing);
    }
    let _turn = TURN.lock();
    let demo = Demo::start();
    let url = format!("{}/cometd", demo.origin);
    demo.judge("official.mjs", &["--url", &url, "--transport", transport]);
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

fn missing_packages() -> Option<String> {
    missing_program("node", "Node.js").or_else(|| {
        let installed = scripts().join("node_modules").is_dir();
        (!installed).then(|| "the packages of tests/interop (`npm install` there)".to_owned())
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
