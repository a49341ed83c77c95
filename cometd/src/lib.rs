//! Annotation-style Bayeux services: a CometD server for Rust.
//!
//! Write a struct, annotate its methods, and every CometD client that exists can talk to it over
//! WebSocket and long polling. A complete echo server:
//!
//! ```no_run
//! use cometd::prelude::*;
//!
//! #[service("echo")]
//! #[derive(Default)]
//! struct Echo;
//!
//! #[handlers]
//! impl Echo {
//!     #[configure("/service/echo")]
//!     fn configure_echo(channel: &mut ChannelConfig) {
//!         channel.authorizer(Grant::SUBSCRIBE_PUBLISH);
//!     }
//!
//!     #[listener("/service/echo")]
//!     async fn echo(
//!         &self,
//!         session: &ServerSession,
//!         local: &LocalSession,
//!         message: &Message,
//!     ) -> Result<(), HandlerError> {
//!         session.deliver(local, message.channel(), message.data()).await?;
//!         Ok(())
//!     }
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let server = BayeuxServer::builder().discover().build().await?;
//!     let app = axum::Router::new().nest_service("/cometd", server.clone().into_service());
//!     cometd::serve(app, "127.0.0.1:8080").with_graceful_shutdown(server).await?;
//!     Ok(())
//! }
//! ```
//!
//! # Attributes at a glance
//!
//! | attribute | on | meaning |
//! | --- | --- | --- |
//! | [`#[service("name")]`](macro@service) | a struct | a service, found by [`discover`](Builder::discover) |
//! | [`#[session]`](macro@session) | a field | the service's own [`LocalSession`] |
//! | [`#[inject]`](macro@inject) | a field | what was given to [`provide`](Builder::provide) |
//! | [`#[handlers]`](macro@handlers) | an `impl` | collects the annotated methods |
//! | [`#[configure("/a/**")]`](macro@configure) | a method | sets a channel up before anyone sees it |
//! | [`#[listener("/a/{b}")]`](macro@listener) | a method | sees messages before subscribers do |
//! | [`#[subscription("/a/{b}")]`](macro@subscription) | a method | receives messages as a subscriber does |
//! | [`#[remote_call("a/{b}")]`](macro@remote_call) | a method | answers clients |
//! | [`#[post_construct]`](macro@post_construct) | a method | runs before any message comes |
//! | [`#[pre_destroy]`](macro@pre_destroy) | a method | runs when the server is shut down |
//!
//! Handlers are `fn` or `async fn`, take any of the [arguments](FromCall) in any order, and return
//! [what they like](IntoOutcome).
//!
//! # Transports
//!
//! [`BayeuxServer::into_service`] is a tower service that mounts in any axum router, over HTTP/1.1 and
//! HTTP/2: WebSocket, long polling and callback polling. Anything that tower has can sit in front.
//!
//! # Features
//!
//! | feature | default | adds |
//! | --- | --- | --- |
//! | `macros` | yes | the attributes |
//! | `serve` | yes | [`serve`](fn@serve), which runs an axum router until a signal stops it |
//! | `testing` | no | `testing`: mock sessions, and a server in memory with its clients |
//!
//! # Where to read next
//!
//! [`BayeuxServer`] and its [`Builder`], [`ServerSession`] and [`LocalSession`], [`config`] for the
//! options, [`SecurityPolicy`] and [`Authorizer`] for who may do what, [`Extension`] for hooks that
//! every message passes, [`extensions`] for those that CometD's clients know.

mod boxed;
mod channel;
pub mod extensions;
pub mod prelude;
mod protocol;
#[cfg(feature = "serve")]
mod serve;
mod server;
mod service;
mod session;
#[cfg(feature = "testing")]
pub mod testing;
mod transport;

#[doc(hidden)]
#[path = "__private.rs"]
pub mod __private;

/// The code of the README compiles.
#[cfg(all(doctest, feature = "macros", feature = "serve"))]
#[doc = include_str!("../../README.md")]
struct Readme;

pub use self::channel::{Grant, Operation};
pub use self::protocol::{
    Advice, BayeuxError, Breadth, ChannelError, ChannelId, ChannelKind, ChannelPattern,
    ChannelTemplate, ClientId, FrozenMessage, IntoData, Message, MessageError, MetaChannel,
    Parameters, ParseError, RawJson, Reconnect, Reply, Transport,
};
#[cfg(feature = "serve")]
pub use self::serve::{Serve, serve};
pub use self::server::{
    Attachment, Authorizer, BayeuxServer, BuildError, Builder, CallError, ChannelConfig, Context,
    DataFilter, Decision, DefaultSecurityPolicy, Deferred, Dump, Exchange, Explanation, Extension,
    Finding, Flow, HandlerError, Intent, LocalError, LocalSession, Location, MessageListener,
    NoMarkup, Origin, Outcome, Principal, Problem, Provisions, QueueListener, Removal, Rule,
    SecurityPolicy, SendError, ServerChannel, ServerConfig, ServerListener, ServerSession,
    Statistics, Stopped, Subscriber, Vote, config,
};
pub use self::service::{
    Answer, AsResult, Attribute, Call, Caller, Completion, Data, Definition, Failure, FromCall,
    FromParameter, Handlers, IntoAcceptance, IntoCompletion, IntoFailure, IntoOutcome, Lend,
    Registration, Rejection, Service, ServiceContext, State,
};
pub use self::session::{Phase, QueueOverflow};
pub use self::transport::{BayeuxService, Body, Secure};
#[cfg(feature = "macros")]
pub use cometd_macros::{
    configure, handlers, inject, listener, post_construct, pre_destroy, remote_call, service,
    session, subscription,
};
