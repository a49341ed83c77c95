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
#[cfg(test)]
mod tests;
mod validate;

use proc_macro::TokenStream;

use crate::attr::{FieldRole, MethodRole};

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
/// - One method or more has [`macro@configure`] or [`macro@listener`].
/// - Annotated methods are not `unsafe`, `extern` or `const`, and have neither generics nor `impl Trait` arguments.
/// - A channel is configured by one method.
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
///             |_, channel| IntoConfigured::into_configured(Self::open(channel))),
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
///   `Option<ServerSession>`, `BayeuxServer`, `Data<T>`, `State<T>`, and other types that implement `FromCall`.
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
