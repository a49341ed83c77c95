//! The servers that are compared, and how each is started.

use std::fmt;
use std::io::{self, BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};
use std::str::FromStr;

mod peers;

use crate::load::Watched;
use crate::pinning::Cores;
use crate::scenario::{Echo, Scenario, Transport};

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Server {
    Ours,
    /// A fan-out without a protocol.
    Limit,
    /// CometD on Jetty.
    Java,
    Faye,
    /// CometD's server for Node.js.
    Node,
}

/// Why a server is not measured.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Absent(String);

/// A server that accepts connections. It ends with this value.
pub(crate) struct Running {
    process: Child,
    /// Kept open, so that the process can write.
    _output: BufReader<ChildStdout>,
    pub(crate) watched: Watched,
}

impl Server {
    pub(crate) const ALL: [Self; 5] = [Self::Ours, Self::Limit, Self::Java, Self::Faye, Self::Node];

    /// As the command line names it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Limit => "limit",
            Self::Java => "java",
            Self::Faye => "faye",
            Self::Node => "node",
        }
    }

    pub(crate) const fn echo(self) -> Echo {
        match self {
            Self::Faye => Echo::OwnChannel,
            Self::Ours | Self::Limit | Self::Java | Self::Node => Echo::Service,
        }
    }

    /// Whether it has what a scenario needs.
    pub(crate) fn offers(self, scenario: &Scenario) -> bool {
        match self {
            Self::Ours | Self::Java => true,
            // It keeps nothing that could be measured with sessions that are idle.
            Self::Limit => scenario.transport == Transport::WebSocket && !scenario.ack,
            Self::Faye => !scenario.ack,
            Self::Node => scenario.transport == Transport::LongPolling,
        }
    }

    /// Prepares what has to be there before it starts, and says which version that is.
    pub(crate) fn prepare(self) -> Result<String, Absent> {
        match self {
            Self::Ours | Self::Limit => Ok(env!("CARGO_PKG_VERSION").to_owned()),
            Self::Java => peers::java(),
            Self::Faye => peers::npm("faye"),
            Self::Node => peers::npm("cometd-nodejs-server"),
        }
    }

    /// Starts it on the server's core.
    pub(crate) fn start(self, cores: Cores) -> io::Result<Running> {
        let arguments = match self {
            Self::Ours | Self::Limit => {
                let own = std::env::current_exe()?;
                vec![own.into(), "serve".into(), self.name().into()]
            }
            Self::Java => peers::java_command(),
            Self::Faye | Self::Node => peers::node_command(self.name()),
        };
        let mut process = cores
            .server(&arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().map(BufReader::new);
        let mut output = output.ok_or(io::ErrorKind::BrokenPipe)?;
        let mut line = String::new();
        output.read_line(&mut line)?;
        let target = line
            .trim_end()
            .strip_prefix("listening on ")
            .ok_or_else(|| format!("expected an address, found {line:?}"))
            .and_then(FromStr::from_str);
        let watched = target.map(|target| Watched {
            target,
            process: Some(process.id()),
        });
        match watched {
            Ok(watched) => Ok(Running {
                process,
                _output: output,
                watched,
            }),
            Err(error) => {
                process.kill()?;
                process.wait()?;
                Err(io::Error::other(format!("{self}: {error}")))
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl fmt::Display for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for Server {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|it| it.name() == name);
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("expected one of {names}, found {name}")
        })
    }
}
