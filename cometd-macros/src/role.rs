//! Which attributes are ours, and how they are taken off the items that they sit on.

use syn::Attribute;

use crate::channel::Grammar;

/// What an attribute of a method makes of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum MethodRole {
    Configure,
    Listener,
    PostConstruct,
    PreDestroy,
    RemoteCall,
    Subscription,
}

impl MethodRole {
    fn of(attribute: &Attribute) -> Option<Self> {
        match last_name(attribute)?.as_str() {
            "configure" => Some(Self::Configure),
            "listener" => Some(Self::Listener),
            "post_construct" => Some(Self::PostConstruct),
            "pre_destroy" => Some(Self::PreDestroy),
            "remote_call" => Some(Self::RemoteCall),
            "subscription" => Some(Self::Subscription),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Configure => "configure",
            Self::Listener => "listener",
            Self::PostConstruct => "post_construct",
            Self::PreDestroy => "pre_destroy",
            Self::RemoteCall => "remote_call",
            Self::Subscription => "subscription",
        }
    }

    /// Whether the method is called at the start or the end of its service.
    pub(crate) fn is_lifecycle(self) -> bool {
        matches!(self, Self::PostConstruct | Self::PreDestroy)
    }

    /// How its literals are read.
    pub(crate) fn grammar(self) -> Grammar {
        if self == Self::RemoteCall {
            Grammar::Target
        } else {
            Grammar::Channel
        }
    }
}

/// What an attribute of a field makes of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum FieldRole {
    Inject,
    Session,
}

impl FieldRole {
    fn of(attribute: &Attribute) -> Option<Self> {
        match last_name(attribute)?.as_str() {
            "inject" => Some(Self::Inject),
            "session" => Some(Self::Session),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Inject => "inject",
            Self::Session => "session",
        }
    }
}

/// Takes the attributes of ours off a method, in source order.
pub(crate) fn take_method_roles(attributes: &mut Vec<Attribute>) -> Vec<(MethodRole, Attribute)> {
    take(attributes, MethodRole::of)
}

/// Takes the attributes of ours off a field, in source order.
pub(crate) fn take_field_roles(attributes: &mut Vec<Attribute>) -> Vec<(FieldRole, Attribute)> {
    take(attributes, FieldRole::of)
}

fn take<R>(
    attributes: &mut Vec<Attribute>,
    role: impl Fn(&Attribute) -> Option<R>,
) -> Vec<(R, Attribute)> {
    let (taken, left): (Vec<_>, Vec<_>) = attributes.drain(..).partition(|it| role(it).is_some());
    *attributes = left;
    taken
        .into_iter()
        .filter_map(|it| Some((role(&it)?, it)))
        .collect()
}

/// The last name in the path of an attribute: users may write `#[cometd::listener(..)]`.
fn last_name(attribute: &Attribute) -> Option<String> {
    Some(attribute.path().segments.last()?.ident.to_string())
}
