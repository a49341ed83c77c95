//! Attribute macros of `cometd`. Use them through that crate: `use cometd::prelude::*;`.
//!
//! | attribute | sits on | says |
//! | --- | --- | --- |
//! | [`macro@service`] | a struct | this is a service of that name, made like this |
//! | [`macro@session`] | a field of it | the service's own session |
//! | [`macro@inject`] | a field of it | what the builder was given with `provide` |
//! | [`macro@handlers`] | its `impl` | the methods in here are called by the server |
//! | [`macro@configure`] | a method in there | to set up channels that are new |
//! | [`macro@listener`] | a method in there | while it processes messages on channels |
//! | [`macro@subscription`] | a method in there | when messages arrive at the service's own session |
//! | [`macro@remote_call`] | a method in there | to answer clients |
//! | [`macro@post_construct`] | a method in there | when the service has been made |
//! | [`macro@pre_destroy`] | a method in there | before it ends |
//!
//! # Channels
//!
//! Channels are string literals, and are checked when the program is compiled:
//!
//! - a channel starts with `/`, and holds letters, digits, spaces and
//!   `` ! # $ ( ) * + - . / @ _ ~ ``; its segments are not empty;
//! - a last segment `*` stands for one segment, `**` for one or more;
//! - a segment `{name}` is a template parameter: it stands for one segment, whose text the method receives
//!   in the argument of that name. A channel with template parameters does not end in a wildcard.
//!
//! # How it works
//!
//! Each attribute is read by the grammar in `attr`, checked by `validate`, which reports all mistakes at once,
//! and turned into tokens by `expand`, which cannot fail. After a mistake the item is still there, without the
//! attributes and with empty tables, so that the rest of the program compiles and one mistake is one error.

mod attr;
mod channel;
mod entry;
mod errors;
mod expand;
mod model;
mod paths;
mod role;
#[cfg(test)]
mod tests;
mod validate;

use proc_macro::TokenStream;

use crate::role::{FieldRole, MethodRole};

/// Makes a struct a service, which a server finds with `discover` or is given with `service`.
///
/// ```text
/// #[service("name", order = 1, crate = "path")]
/// ```
///
/// - `"name"`: not empty, of letters, digits, `_`, `.` and `-`. Two services of one server differ in it.
/// - `order`: an `i32`, 0 by default. Services start from the lowest to the highest, and by name among equals.
/// - `crate`: the path of the `cometd` crate, `"::cometd"` by default, for those who re-export it.
///
/// # Must
///
/// - The type is a struct without generics.
/// - It has an `impl` under [`macro@handlers`].
/// - A field without an attribute implements [`Default`].
///
/// # May
///
/// - One attribute on each field: [`macro@session`] or [`macro@inject`].
///
/// # Example
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use cometd::prelude::*;
///
/// #[service("visits")]
/// struct Visits {
///     count: AtomicU64,
/// }
///
/// #[handlers]
/// impl Visits {
///     #[listener("/meta/handshake")]
///     fn visit(&self) {
///         self.count.fetch_add(1, Ordering::Relaxed);
///     }
/// }
/// ```
///
/// # Expansion
///
/// ```text
/// impl Service for Visits {
///     const DEFINITION: Definition = Definition::new("visits", /* file, line, column of the name */);
///     fn construct(context: &mut ServiceContext) -> Option<Self> {
///         let _ = context;
///         Some(Self { count: Default::default() })
///     }
/// }
/// inventory::submit! { Registration::of::<Visits>() }
/// ```
#[proc_macro_attribute]
pub fn service(arguments: TokenStream, item: TokenStream) -> TokenStream {
    entry::service(arguments.into(), &item.into()).into()
}

/// Collects the annotated methods of a service.
///
/// ```text
/// #[handlers(crate = "path")]
/// ```
///
/// - `crate`: the path of the `cometd` crate, `"::cometd"` by default, for those who re-export it.
///
/// # Must
///
/// - The `impl` is inherent, without generics, and the only one of the type with this attribute.
/// - One method or more has one of the attributes [`macro@configure`], [`macro@listener`],
///   [`macro@subscription`], [`macro@remote_call`], [`macro@post_construct`] and [`macro@pre_destroy`].
/// - Annotated methods are not `unsafe`, `extern` or `const`, and have neither generics nor `impl Trait` arguments.
/// - A channel is configured by one method, and a remote call answered by one.
///
/// # May
///
/// - Any other method, which stays as it is.
/// - `#[cfg]` on annotated methods.
///
/// # Example
///
/// ```
/// use cometd::prelude::*;
///
/// #[service("lobby")]
/// struct Lobby;
///
/// #[handlers]
/// impl Lobby {
///     #[configure("/lobby")]
///     fn open(channel: &mut ChannelConfig) {
///         channel.authorizer(Grant::ALL);
///     }
///
///     #[listener("/lobby")]
///     fn heard(&self, message: &Message) -> bool {
///         Self::is_wanted(message)
///     }
///
///     fn is_wanted(message: &Message) -> bool {
///         message.has_data()
///     }
/// }
/// ```
///
/// # Expansion
///
/// One row for each method, in source order:
///
/// ```text
/// impl Handlers for Lobby {
///     const METHODS: &'static [Method<Self>] = &[
///         Method::configure("open", &["/lobby"], IfExists::Error, /* place of `open` */,
///             |_, channel| IntoCompletion::into_completion(Self::open(channel))),
///         Method::listener("heard", &["/lobby"], OwnPublishes::Ignore, /* place of `heard` */,
///             |service, call| now(move || {
///                 let argument_0 = call.message();
///                 Ok(IntoOutcome::into_outcome(Self::heard(service, argument_0)))
///             })),
///     ];
/// }
/// ```
#[proc_macro_attribute]
pub fn handlers(arguments: TokenStream, item: TokenStream) -> TokenStream {
    entry::handlers(arguments.into(), &item.into()).into()
}

/// Calls a method to set up channels, before anyone else can see them.
///
/// ```text
/// #[configure("/channel", "/other/**", if_exists = "error")]
/// ```
///
/// - One channel or more, wildcards allowed, [template parameters](crate#channels) not.
/// - `if_exists`: what happens if there is such a channel already. `"error"`, the default: the server does not
///   start. `"skip"`: the method is not called. `"run"`: it is called on the channel that is there.
///
/// # Must
///
/// - The method is a `fn`, not an `async fn`: it runs while nobody can see the channel yet, so it cannot wait.
/// - Its arguments are `&self`, which may be left out, and `&mut ChannelConfig`.
/// - It returns `()` or `Result<(), E>`.
///
/// # Example
///
/// ```
/// use cometd::prelude::*;
///
/// #[service("news")]
/// struct News;
///
/// #[handlers]
/// impl News {
///     #[configure("/news/**", if_exists = "run")]
///     fn read_only(channel: &mut ChannelConfig) {
///         channel.authorizer(Grant::SUBSCRIBE);
///     }
/// }
/// ```
#[proc_macro_attribute]
pub fn configure(_: TokenStream, item: TokenStream) -> TokenStream {
    entry::misplaced_on_method(MethodRole::Configure, &item.into()).into()
}

/// Calls a method while the server processes a message, before anyone receives it.
///
/// ```text
/// #[listener("/channel", "/other/{name}", own = false)]
/// ```
///
/// - One [channel](crate#channels) or more, of any kind, each once.
/// - `own`: whether the method also sees what the service's own session publishes, `false` by default.
///
/// # Must
///
/// - The method is a `fn` or `async fn` with `&self`.
/// - Every template parameter of every channel has an argument of its name: `name: &str`, or `name: T` with
///   `T: FromStr`.
/// - It returns `()`, `bool`, `Flow`, or a `Result` of one of them. `false` and `Flow::Stop` end the processing of
///   the message: it is not published. So does an error, of which the sender learns only that there was one.
///
/// # May
///
/// - Any of these arguments, in any order: `&Message` or `&mut Message`, `&ServerSession`, `&LocalSession`,
///   `&Context`, `ServerSession`, `BayeuxServer`, `Data<T>`, `State<T>`, `Attribute<T>`, other types that
///   implement `FromCall`, and an `Option` of any of these.
///
/// # Example
///
/// ```
/// use cometd::prelude::*;
///
/// #[service("chat")]
/// struct Chat;
///
/// #[handlers]
/// impl Chat {
///     #[listener("/chat/{room}")]
///     async fn line(&self, room: u32, session: &ServerSession, message: &Message) -> bool {
///         println!("{session:?} says {message:?} in room {room}");
///         room > 0
///     }
/// }
/// ```
#[proc_macro_attribute]
pub fn listener(_: TokenStream, item: TokenStream) -> TokenStream {
    entry::misplaced_on_method(MethodRole::Listener, &item.into()).into()
}

/// Answers remote calls of clients.
///
/// ```text
/// #[remote_call("target", "other/{name}")]
/// ```
///
/// - One target or more: the channel of the call without `/service/`, as clients name it. A leading `/` may
///   be left out, [template parameters](crate#channels) are allowed, wildcards are not.
///
/// # Must
///
/// - The method is a `fn` or `async fn` with `&self`.
/// - Every template parameter of every target has an argument of its name, as in [`macro@listener`].
/// - It is the only one of the server for its targets.
/// - It returns the result, which implements `serde::Serialize`, or a `Result` of it whose error implements
///   `IntoFailure` and so says what the caller sees. A `HandlerError` says nothing, and is logged.
///
/// # May
///
/// - Any of the arguments of a [`macro@listener`].
/// - `Caller`, by which the answer is given, at once or later and from any task. Then the method returns `()`
///   or a `Result<(), E>`, whose error is the answer if there is none yet.
///
/// A payload that does not fit, a panic and a `Caller` that is dropped without an answer are failures, too. The
/// request itself is acknowledged whatever becomes of the call. What the service's own session calls is not
/// heard, nor what code of the server publishes without a session.
///
/// # Example
///
/// ```
/// use cometd::prelude::*;
/// use cometd::{Failure, IntoFailure};
///
/// #[service("rooms")]
/// struct Rooms;
///
/// enum HistoryError {
///     NoSuchRoom,
/// }
///
/// impl IntoFailure for HistoryError {
///     fn into_failure(self) -> Failure {
///         match self {
///             Self::NoSuchRoom => Failure::new("no such room"),
///         }
///     }
/// }
///
/// #[handlers]
/// impl Rooms {
///     #[remote_call("rooms/{room}/history")]
///     async fn history(&self, room: u32, Data(length): Data<usize>) -> Result<Vec<String>, HistoryError> {
///         if room == 0 {
///             return Err(HistoryError::NoSuchRoom);
///         }
///         Ok(vec!["hello".to_owned(); length])
///     }
///
///     #[remote_call("rooms/closing")]
///     fn closing(&self, caller: Caller, server: BayeuxServer) {
///         server.clone().spawn(async move {
///             let _ = caller.result(server.sessions().len()).await;
///         });
///     }
/// }
/// ```
///
/// # Expansion
///
/// ```text
/// Method::remote_call("history", &["rooms/{room}/history"], /* place of `history` */,
///     |service, call| later(async move {
///         let argument_0 = call.parse_parameter("room")?;
///         let argument_1 = FromCall::from_call(&call)?;
///         Ok(IntoAnswer::into_answer(
///             Returned::new(Self::history(service, argument_0, argument_1).await).returned_kind()
///         ))
///     })),
/// ```
#[proc_macro_attribute]
pub fn remote_call(_: TokenStream, item: TokenStream) -> TokenStream {
    entry::misplaced_on_method(MethodRole::RemoteCall, &item.into()).into()
}

/// Calls a method for what arrives at the service's own session, as at any other subscriber.
///
/// ```text
/// #[subscription("/channel", "/other/{name}")]
/// ```
///
/// - One [channel](crate#channels) or more, but no meta channel. On a service channel the method sees what is
///   delivered to the service's session.
///
/// The session subscribes when the service starts, and is asked by policy and authorizers as any client: if
/// they refuse, the server does not start. A message that comes by several channels of the method calls it
/// once.
///
/// # Must
///
/// - The method is a `fn` or `async fn` with `&self`.
/// - Every template parameter of every channel has an argument of its name, as in [`macro@listener`].
/// - It returns `()` or a `Result<(), E>`, whose error is logged and concerns nobody else.
///
/// # May
///
/// - The arguments of a [`macro@listener`], but for `&mut Message`, which is shared with others, and for the
///   sender, who is not known any more.
///
/// # Example
///
/// ```
/// use cometd::prelude::*;
///
/// #[service("audit")]
/// struct Audit;
///
/// #[handlers]
/// impl Audit {
///     #[subscription("/orders/{shop}")]
///     async fn ordered(&self, shop: &str, Data(items): Data<Vec<String>>) {
///         println!("{} items in {shop}", items.len());
///     }
/// }
/// ```
///
/// # Expansion
///
/// ```text
/// Method::subscription("ordered", &["/orders/{shop}"], /* place of `ordered` */,
///     |service, call| later(async move {
///         let argument_0 = call.parameter("shop")?;
///         let argument_1 = FromCall::from_call(&call)?;
///         Ok(IntoCompletion::into_completion(Self::ordered(service, &argument_0, argument_1).await))
///     })),
/// ```
#[proc_macro_attribute]
pub fn subscription(_: TokenStream, item: TokenStream) -> TokenStream {
    entry::misplaced_on_method(MethodRole::Subscription, &item.into()).into()
}

/// Calls a method when the service has been made, before any other of its methods but those that
/// [configure channels](macro@configure).
///
/// ```text
/// #[post_construct]
/// ```
///
/// # Must
///
/// - The method is a `fn` or `async fn` with `&self` and no other argument, and the only one of the service.
/// - It returns `()` or `Result<(), E>`. If it fails, the server does not start.
///
/// # Example
///
/// ```
/// use std::sync::OnceLock;
///
/// use cometd::prelude::*;
///
/// #[service("news")]
/// struct News {
///     #[session]
///     session: LocalSession,
///     headline: OnceLock<String>,
/// }
///
/// #[handlers]
/// impl News {
///     #[post_construct]
///     async fn load(&self) -> Result<(), HandlerError> {
///         let headline = std::env::var("HEADLINE").unwrap_or_default();
///         let _ = self.headline.set(headline);
///         Ok(())
///     }
///
///     #[pre_destroy]
///     async fn say_good_bye(&self) -> Result<(), HandlerError> {
///         self.session.publish("/news", "that was all").await?;
///         Ok(())
///     }
/// }
/// ```
///
/// # Expansion
///
/// ```text
/// Method::post_construct("load", /* place of `load` */,
///     |service| later(async move {
///         Ok(IntoCompletion::into_completion(Self::load(service).await))
///     })),
/// ```
#[proc_macro_attribute]
pub fn post_construct(_: TokenStream, item: TokenStream) -> TokenStream {
    entry::misplaced_on_method(MethodRole::PostConstruct, &item.into()).into()
}

/// Calls a method when the server is [shut down](../cometd/struct.BayeuxServer.html#method.shutdown), or cannot
/// start because of another service.
///
/// ```text
/// #[pre_destroy]
/// ```
///
/// Services end in the reverse order of their start. When this is called, everything is still there: the session of
/// the service and all connections, so that it can say good-bye, and its handlers, which go on to be called until no
/// message of a client is under way. So a listener that vetoes does so to the last, and what this method closes must
/// be able to refuse. A service whose [`macro@post_construct`] failed is not told of its end.
///
/// # Must
///
/// - The method is a `fn` or `async fn` with `&self` and no other argument, and the only one of the service.
/// - It returns `()` or `Result<(), E>`, whose error is logged.
///
/// # Example
///
/// See [`macro@post_construct`].
///
/// # Expansion
///
/// As that of [`macro@post_construct`].
#[proc_macro_attribute]
pub fn pre_destroy(_: TokenStream, item: TokenStream) -> TokenStream {
    entry::misplaced_on_method(MethodRole::PreDestroy, &item.into()).into()
}

/// Gives a field of a [`macro@service`] what the builder was given with `provide` for the type of the field.
///
/// ```text
/// #[inject]
/// ```
///
/// The type is `Clone`, and usually an `Arc`. If there is no value of it, the server does not start, and the
/// error names the place of the field. All such fields are reported together.
///
/// # Example
///
/// ```
/// use std::sync::Arc;
///
/// use cometd::prelude::*;
///
/// trait Archive: Send + Sync {
///     fn store(&self, line: &Message);
/// }
///
/// #[service("archive")]
/// struct Archivist {
///     #[inject]
///     archive: Arc<dyn Archive>,
/// }
///
/// #[handlers]
/// impl Archivist {
///     #[listener("/chat/**")]
///     fn line(&self, message: &Message) {
///         self.archive.store(message);
///     }
/// }
/// ```
#[proc_macro_attribute]
pub fn inject(_: TokenStream, item: TokenStream) -> TokenStream {
    entry::misplaced_on_field(FieldRole::Inject, &item.into()).into()
}

/// Gives a field of a [`macro@service`] the service's own session, a `LocalSession`.
///
/// ```text
/// #[session]
/// ```
///
/// Every service has one session. It is there for as long as the server runs, and what the service publishes or
/// delivers comes from it.
///
/// # Example
///
/// ```
/// use cometd::prelude::*;
///
/// #[service("echo")]
/// struct Echo {
///     #[session]
///     session: LocalSession,
/// }
///
/// #[handlers]
/// impl Echo {
///     #[listener("/service/echo")]
///     async fn echo(&self, session: &ServerSession, message: &Message) -> Result<(), HandlerError> {
///         session.deliver(&self.session, message.channel(), message.data()).await?;
///         Ok(())
///     }
/// }
/// ```
#[proc_macro_attribute]
pub fn session(_: TokenStream, item: TokenStream) -> TokenStream {
    entry::misplaced_on_field(FieldRole::Session, &item.into()).into()
}
