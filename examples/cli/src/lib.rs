//! What the examples share: a command line, a log, and a server that stops when it is asked to.
//!
//! An example describes its server and hands it over:
//!
//! ```no_run
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::process::ExitCode {
//! # use cometd::BayeuxServer;
//! example_cli::Example::new("Answers", BayeuxServer::builder().discover())
//!     .run()
//!     .await
//! # }
//! ```

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io::{self, Write};
use std::pin::Pin;
use std::process::ExitCode;

use axum::Router;
use axum::routing::get;
use clap::error::ErrorKind;
use cometd::{BayeuxServer, Builder, ServerConfig};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

mod arguments;
#[cfg(test)]
mod tests;

use self::arguments::{Arguments, command};

/// A server that can be started from a command line.
#[must_use = "nothing happens until it runs"]
pub struct Example {
    about: &'static str,
    builder: Builder,
    app: Router,
    companion: Option<Companion>,
}

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;
type Companion = Box<dyn FnOnce(BayeuxServer) -> Task + Send>;

impl Example {
    /// An example that does what the sentence `about` says. What is configured on the command line
    /// is laid over what the builder has.
    pub fn new(about: &'static str, builder: Builder) -> Self {
        let hint = format!("{about}. Point a CometD client at /cometd on this host.\n");
        Self {
            about,
            builder,
            app: Router::new().route("/", get(|| async { hint })),
            companion: None,
        }
    }

    /// Serves these routes beside `/cometd`, instead of a line of text at `/`.
    pub fn app(mut self, app: Router) -> Self {
        self.app = app;
        self
    }

    /// Runs a task for as long as the server is served: it is dropped at its next `await` then.
    pub fn beside<F, R>(mut self, task: F) -> Self
    where
        F: FnOnce(BayeuxServer) -> R + Send + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        self.companion = Some(Box::new(move |server| Box::pin(task(server))));
        self
    }

    /// Reads the command line of the process, and serves until SIGTERM or Ctrl-C.
    ///
    /// The process ends with 0 after `--help` and after a shutdown, with 2 if the command line, a file
    /// that it names or the environment cannot be understood, and with 1 if the server cannot start.
    pub async fn run(self) -> ExitCode {
        let (arguments, filter) = match read(self.about) {
            Ok(read) => read,
            Err(error) => error.exit(),
        };
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(io::stderr)
            .init();
        match self.serve(arguments).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                complain(&*error);
                ExitCode::FAILURE
            }
        }
    }

    async fn serve(self, Arguments { listen, config }: Arguments) -> Result<(), Box<dyn Error>> {
        let server = self.builder.config(config).build().await?;
        let app = self
            .app
            .nest_service("/cometd", server.clone().into_service());
        let serving = cometd::serve(app, listen.as_str())
            .on_bound(|address| announce(&format!("listening on http://{address}/cometd")))
            .with_graceful_shutdown(server.clone())
            .into_future();
        let companion = async {
            if let Some(companion) = self.companion {
                companion(server).await;
            }
            // A task that has done its work does not end the server.
            std::future::pending().await
        };
        tokio::select! {
            served = serving => served,
            served = companion => served,
        }
        .map_err(|error| format!("cannot serve on {listen}: {error}").into())
    }
}

/// The command line, with the environment that it is laid over, and the filter of the log.
fn read(about: &'static str) -> Result<(Arguments, EnvFilter), clap::Error> {
    let mut command = command(about);
    let matches = command.try_get_matches_from_mut(std::env::args_os())?;
    let mut wrong = |source: &str, error: &dyn fmt::Display| {
        command.error(ErrorKind::ValueValidation, format!("{source}: {error}"))
    };
    let environment = ServerConfig::from_env().map_err(|it| wrong("the environment", &it))?;
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .from_env()
        .map_err(|it| wrong("RUST_LOG", &it))?;
    Ok((Arguments::new(&matches, &environment), filter))
}

/// Tells whoever started the process, for whom standard output is kept free of anything else.
fn announce(line: &str) {
    if let Err(error) = writeln!(io::stdout(), "{line}") {
        tracing::warn!(%error, line, "nobody reads standard output");
    }
}

/// Says why the process is going to end, whatever the filter of the log lets through.
fn complain(error: &dyn Error) {
    if let Err(unheard) = writeln!(io::stderr(), "error: {error}") {
        tracing::error!(%error, %unheard, "nobody reads standard error");
    }
}

impl fmt::Debug for Example {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Example")
            .field("about", &self.about)
            .finish_non_exhaustive()
    }
}
