//! Who runs on which processor.

use std::ffi::OsString;
use std::process::{Command, Stdio};

/// One core for the server and another for the generator, if the machine has them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Cores {
    Apart,
    /// Both for the server, and one of them for the generator, too.
    Both,
    /// There is no `taskset`, or only one core.
    Shared,
}

const SERVER: &str = "0";
const GENERATOR: &str = "1";
const BOTH: &str = "0,1";

impl Cores {
    /// Puts this process on the generator's core.
    pub(crate) fn pin() -> Self {
        let process = std::process::id().to_string();
        let status = Command::new("taskset")
            .args(["-a", "-c", "-p", GENERATOR, &process])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        match status {
            Ok(status) if status.success() => Self::Apart,
            Ok(_) | Err(_) => Self::Shared,
        }
    }

    /// A command that runs a program with its arguments on the server's core.
    pub(crate) fn server(self, arguments: &[OsString]) -> Command {
        let taskset: &[&str] = match self {
            Self::Apart => &["taskset", "-c", SERVER],
            Self::Both => &["taskset", "-c", BOTH],
            Self::Shared => &[],
        };
        let mut words = taskset
            .iter()
            .map(|it| OsString::from(*it))
            .chain(arguments.iter().cloned());
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words);
        command
    }
}
