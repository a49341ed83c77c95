//! The servers that this program contains, each a process of its own when it is measured.

mod limit;
mod ours;

use std::future::Future;
use std::io;
use std::net::SocketAddr;

pub(crate) use self::limit::limit;
pub(crate) use self::ours::{Echo, ours};

/// Is told the address once a server accepts connections.
pub(crate) type Bound = Box<dyn FnOnce(SocketAddr) + Send>;

/// Tells whoever started the process.
pub(crate) fn announce() -> Bound {
    Box::new(|address| crate::say(&format!("listening on http://{address}/cometd")))
}

/// Runs a server on as many threads as the process has processors: on one, without any hand-over
/// between threads.
pub(crate) fn run(server: impl Future<Output = io::Result<()>>) -> io::Result<()> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut builder = if threads == 1 {
        tokio::runtime::Builder::new_current_thread()
    } else {
        tokio::runtime::Builder::new_multi_thread()
    };
    builder.enable_all().build()?.block_on(server)
}
