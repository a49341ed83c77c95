//! Measures this server against others and against the limit.
//!
//! ```text
//! cargo run --release -p bench -- compare --quick
//! cargo run --release -p bench -- run websocket/fan-out/1000x10/64
//! cargo run --release -p bench -- gate
//! ```
//!
//! `docs/benchmarks.md` is what `compare` writes; `docs/performance.md` says what to make of it.

use std::io::{self, Write};
use std::process::ExitCode;

mod command;
mod compare;
mod frame;
mod gate;
mod load;
mod machine;
mod pinning;
mod process;
mod run;
mod scenario;
mod serve;
mod server;

fn main() -> ExitCode {
    match command::execute() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody reads standard error: the exit code has to do.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Tells whoever started the process.
fn say(line: &str) {
    // Nobody listens: there is nobody to tell that, either.
    let _ = writeln!(io::stdout(), "{line}");
}
