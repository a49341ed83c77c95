//! What a `#[service]` struct and a `#[handlers]` impl say, once nothing is wrong with them.

use proc_macro2::Span;
use syn::{Attribute, Ident, ItemImpl, ItemStruct, LitStr, Type};

use crate::channel::Channel;

/// A struct under `#[service]`.
pub(crate) struct Service {
    /// The struct as the user wrote it, without `#[session]` and `#[inject]`.
    pub(crate) item: ItemStruct,
    /// The name of the service, legal and not empty.
    pub(crate) name: LitStr,
    /// The place in the order of start, if one is given.
    pub(crate) order: Option<i32>,
    /// The fields in source order.
    pub(crate) fields: Vec<Field>,
}

/// A field of a service.
pub(crate) struct Field {
    /// The name, or none in a tuple struct.
    pub(crate) name: Option<Ident>,
    /// The type as written.
    pub(crate) ty: Type,
    /// The `#[cfg]` attributes, which the code that fills the field shares.
    pub(crate) cfgs: Vec<Attribute>,
    /// Where the value comes from.
    pub(crate) source: FieldSource,
}

/// Where the value of a field comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum FieldSource {
    /// `#[session]`: the service's own session.
    Session,
    /// `#[inject]`: what the builder was given with `provide`.
    Inject,
    /// No attribute: `Default`.
    Default,
}

/// An impl under `#[handlers]`.
pub(crate) struct Handlers {
    /// The impl as the user wrote it, without the attributes of the methods.
    pub(crate) item: ItemImpl,
    /// The annotated methods in source order.
    pub(crate) methods: Vec<Handler>,
}

/// A method that the server calls.
pub(crate) struct Handler {
    /// The name of the method.
    pub(crate) name: Ident,
    /// The `#[cfg]` attributes, which the row of the method shares.
    pub(crate) cfgs: Vec<Attribute>,
    /// The channels of its attribute, each once; none if it is not called for any.
    pub(crate) channels: Vec<Channel>,
    /// The part of the return type that a complaint about it points at: its ends, or the name without one.
    pub(crate) output: (Span, Span),
    /// What it is called for.
    pub(crate) kind: HandlerKind,
}

/// What a method is called for.
pub(crate) enum HandlerKind {
    /// `#[configure]`.
    Configure(Configure),
    /// `#[listener]`.
    Listener(OwnPublishes, Invocation),
    /// `#[post_construct]`.
    PostConstruct(Timing),
    /// `#[pre_destroy]`.
    PreDestroy(Timing),
    /// `#[remote_call]`.
    RemoteCall(Invocation),
    /// `#[subscription]`.
    Subscription(Invocation),
}

/// A method that configures new channels.
pub(crate) struct Configure {
    /// What happens if the channel is there already.
    pub(crate) if_exists: IfExists,
    /// Whether it is called on the service.
    pub(crate) receiver: Receiver,
    /// The place of its argument's type.
    pub(crate) argument: Span,
}

/// Whether a method is called on the service.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Receiver {
    /// `&self`.
    Shared,
    /// An associated function.
    None,
}

/// `if_exists` of `#[configure]`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum IfExists {
    /// The server does not start.
    #[default]
    Error,
    /// The method is not called.
    Skip,
    /// The method is called on the channel that is there.
    Run,
}

/// How a method is called for a message.
pub(crate) struct Invocation {
    /// `fn` or `async fn`.
    pub(crate) timing: Timing,
    /// The arguments after `&self`, in source order.
    pub(crate) arguments: Vec<Argument>,
}

/// `own` of `#[listener]`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum OwnPublishes {
    /// Messages of the service's own session are passed over.
    #[default]
    Ignore,
    /// They are seen like any other.
    Receive,
}

/// When a method is done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Timing {
    /// `fn`: when it returns.
    Now,
    /// `async fn`: when its future is ready.
    Later,
}

/// An argument of a method that is called for a message.
///
/// Generated code does not repeat its type, which the compiler infers: a type that does not exist is one error.
pub(crate) struct Argument {
    /// The place of its type, which is where the compiler complains.
    pub(crate) span: Span,
    /// What it is made of.
    pub(crate) source: ArgumentSource,
}

/// What such an argument is made of.
pub(crate) enum ArgumentSource {
    /// `&Message`.
    Message,
    /// `&mut Message`.
    MessageMut,
    /// `name: &str`, where the channels have a template parameter of that name.
    Text(String),
    /// `name: T`, the same, parsed.
    Parsed(String),
    /// `Caller`.
    Caller,
    /// `&T`, lent by the call.
    Lent,
    /// Any other type, made by its `FromCall`.
    Extracted,
}
