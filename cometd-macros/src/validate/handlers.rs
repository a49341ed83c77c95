//! Checks of a `#[handlers]` impl.

use proc_macro2::Span;
use syn::{Attribute, Ident, ItemImpl, LitStr, Signature, Type, spanned::Spanned};

use super::{argument, channels, signature};
use crate::{
    attr::{
        ChannelsArguments, ConfigureArguments, HandlersArguments, ListenerArguments, cfgs,
        check_bare, parse_arguments,
    },
    channel::Channel,
    errors::Errors,
    model::{Configure, Handler, HandlerKind, Handlers, Invocation},
    role::MethodRole,
};

/// A method, and what was taken off it.
pub(crate) struct Annotated {
    pub(crate) signature: Signature,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) roles: Vec<(MethodRole, Attribute)>,
}

pub(crate) fn handlers(
    arguments: syn::Result<HandlersArguments>,
    item: &ItemImpl,
    annotated: &[Annotated],
) -> syn::Result<Handlers> {
    let mut errors = Errors::default();
    errors.ok(arguments);
    check_impl(item, &mut errors);
    if annotated.is_empty() {
        let message = "no method here is annotated: write `#[listener(\"/chat\")]` or `#[configure(\"/chat\")]` on one";
        errors.push(syn::Error::new_spanned(&item.self_ty, message));
    }
    let methods: Vec<_> = annotated
        .iter()
        .filter_map(|it| method(it, &mut errors))
        .collect();
    check_given_once(&methods, &mut errors);
    errors.finish(Handlers {
        item: item.clone(),
        methods,
    })
}

fn check_impl(item: &ItemImpl, errors: &mut Errors) {
    if let Some((path, _)) = &item.trait_ {
        let message =
            "`#[handlers]` goes on an inherent impl, `impl Chat { .. }`, not on that of a trait";
        errors.push(syn::Error::new_spanned(path, message));
    }
    if !item.generics.params.is_empty() {
        let message =
            "a service is a single thing that the server makes: remove the generics from its impl";
        errors.push(syn::Error::new_spanned(&item.generics, message));
    }
}

fn method(annotated: &Annotated, errors: &mut Errors) -> Option<Handler> {
    let Annotated {
        signature,
        attributes,
        roles,
    } = annotated;
    let (role, attribute) = roles.first()?;
    if !has_one_role(&signature.ident, roles, errors) {
        return None;
    }
    signature::check_plain(signature, *role, errors);
    let (channels, kind) = match role {
        MethodRole::Configure => configure(signature, attribute, errors)?,
        MethodRole::Listener => listener(signature, attribute, errors)?,
        MethodRole::RemoteCall | MethodRole::Subscription => {
            for_messages(signature, *role, attribute, errors)?
        }
        MethodRole::PostConstruct | MethodRole::PreDestroy => {
            lifecycle(signature, *role, attribute, errors)
        }
    };
    Some(Handler {
        name: signature.ident.clone(),
        cfgs: cfgs(attributes),
        channels,
        output: signature::output_ends(signature),
        kind,
    })
}

fn has_one_role(method: &Ident, roles: &[(MethodRole, Attribute)], errors: &mut Errors) -> bool {
    let [(first, _), others @ ..] = roles else {
        return false;
    };
    for (role, attribute) in others {
        let (name, first_name) = (role.name(), first.name());
        let message = if role == first && role.is_lifecycle() {
            format!("`{method}` has two `#[{name}]`: remove one")
        } else if role == first {
            format!(
                "`{method}` has two `#[{name}]`: list the channels in one, `#[{name}(\"/a\", \"/b\")]`"
            )
        } else {
            format!(
                "`{method}` cannot be `#[{first_name}]` as well as `#[{name}]`: write two methods"
            )
        };
        errors.push(syn::Error::new_spanned(attribute, message));
    }
    others.is_empty()
}

/// What the kinds of methods differ in.
type Parts = (Vec<Channel>, HandlerKind);

fn configure(signature: &Signature, attribute: &Attribute, errors: &mut Errors) -> Option<Parts> {
    if let Some(asyncness) = &signature.asyncness {
        let message = "a channel is configured while nobody can see it yet, so this cannot wait: remove `async`";
        errors.push(syn::Error::new_spanned(asyncness, message));
    }
    let receiver = signature::optional_receiver(signature, errors);
    let argument = configure_argument(signature, errors);
    let arguments: ConfigureArguments = errors.ok(parse_arguments(attribute))?;
    let channels = channels(
        &arguments.channels,
        MethodRole::Configure,
        attribute,
        errors,
    );
    for channel in &channels {
        if let Some(parameter) = channel.parameters.first() {
            let message = "a template is not a channel that can be configured: use a wildcard, as in \"/chat/*\"";
            errors.push(syn::Error::new(parameter.span, message));
        }
    }
    let if_exists = arguments.if_exists;
    Some((
        channels,
        HandlerKind::Configure(Configure {
            if_exists,
            receiver,
            argument: argument?,
        }),
    ))
}

/// The place of the type behind `&mut` of the one argument.
fn configure_argument(method: &Signature, errors: &mut Errors) -> Option<Span> {
    let expected = "a `#[configure]` method has one argument, `channel: &mut ChannelConfig`";
    let mut arguments = signature::typed_arguments(method);
    let Some(argument) = arguments.next() else {
        errors.push(syn::Error::new(method.paren_token.span.join(), expected));
        return None;
    };
    for surplus in arguments {
        errors.push(syn::Error::new_spanned(surplus, expected));
    }
    match signature::bare(&argument.ty) {
        Type::Reference(it) if it.mutability.is_some() => Some(it.elem.span()),
        _ => {
            errors.push(syn::Error::new_spanned(&argument.ty, expected));
            None
        }
    }
}

fn listener(signature: &Signature, attribute: &Attribute, errors: &mut Errors) -> Option<Parts> {
    signature::check_shared_receiver(signature, MethodRole::Listener, errors);
    let arguments: ListenerArguments = errors.ok(parse_arguments(attribute))?;
    let literals = &arguments.channels;
    let (channels, invocation) =
        invocation(signature, MethodRole::Listener, attribute, literals, errors)?;
    Some((channels, HandlerKind::Listener(arguments.own, invocation)))
}

/// A `#[subscription]` or `#[remote_call]` method.
fn for_messages(
    signature: &Signature,
    role: MethodRole,
    attribute: &Attribute,
    errors: &mut Errors,
) -> Option<Parts> {
    signature::check_shared_receiver(signature, role, errors);
    let arguments: ChannelsArguments = errors.ok(parse_arguments(attribute))?;
    let (channels, invocation) =
        invocation(signature, role, attribute, &arguments.channels, errors)?;
    if role == MethodRole::RemoteCall {
        return Some((channels, HandlerKind::RemoteCall(invocation)));
    }
    for channel in channels.iter().filter(|it| it.is_meta()) {
        let message = "nobody can subscribe to a meta channel: write `#[listener(..)]`";
        errors.push(syn::Error::new(channel.literal.span(), message));
    }
    Some((channels, HandlerKind::Subscription(invocation)))
}

fn invocation(
    signature: &Signature,
    role: MethodRole,
    attribute: &Attribute,
    literals: &[LitStr],
    errors: &mut Errors,
) -> Option<(Vec<Channel>, Invocation)> {
    let channels = channels(literals, role, attribute, errors);
    // Parameters of a malformed channel are unknown, and complaints about arguments would only be noise.
    if channels.len() < literals.len() {
        return None;
    }
    let invocation = Invocation {
        timing: signature::timing(signature),
        arguments: argument::arguments(signature, role, &channels, errors),
    };
    Some((channels, invocation))
}

fn lifecycle(
    signature: &Signature,
    role: MethodRole,
    attribute: &Attribute,
    errors: &mut Errors,
) -> Parts {
    let name = role.name();
    errors.ok(check_bare(attribute, name));
    signature::check_shared_receiver(signature, role, errors);
    for argument in signature::typed_arguments(signature) {
        let message = format!(
            "a `#[{name}]` method has no arguments but `&self`: keep what it needs in a field"
        );
        errors.push(syn::Error::new_spanned(argument, message));
    }
    let timing = signature::timing(signature);
    let kind = if role == MethodRole::PostConstruct {
        HandlerKind::PostConstruct(timing)
    } else {
        HandlerKind::PreDestroy(timing)
    };
    (Vec::new(), kind)
}

/// What an impl may have once only. Methods that may not both be compiled are not compared.
fn check_given_once(methods: &[Handler], errors: &mut Errors) {
    let methods: Vec<_> = methods.iter().filter(|it| it.cfgs.is_empty()).collect();
    check_configured_once(&methods, errors);
    check_answered_once(&methods, errors);
    for (kind, name) in [
        (
            (|it| matches!(it, HandlerKind::PostConstruct(_))) as fn(&HandlerKind) -> bool,
            "post_construct",
        ),
        (|it| matches!(it, HandlerKind::PreDestroy(_)), "pre_destroy"),
    ] {
        let mut found = methods
            .iter()
            .filter(|it| kind(&it.kind))
            .map(|it| &it.name);
        let Some(first) = found.next() else { continue };
        for other in found {
            let message = format!("`{first}` is `#[{name}]` already: call this from there");
            errors.push(syn::Error::new(other.span(), message));
        }
    }
}

/// A remote call has one answer, so it has one method.
fn check_answered_once(methods: &[&Handler], errors: &mut Errors) {
    let answering = methods
        .iter()
        .filter(|it| matches!(it.kind, HandlerKind::RemoteCall(_)));
    let targets: Vec<_> = answering
        .flat_map(|method| method.channels.iter().map(|target| (&method.name, target)))
        .collect();
    for (index, (_, target)) in targets.iter().enumerate() {
        let others = targets.iter().take(index);
        let overlap = others
            .map(|(first, other)| (first, target.overlap(other)))
            .find_map(|(first, common)| Some((first, common?)));
        if let Some((first, common)) = overlap {
            let message = format!(
                "the remote call {common:?} is answered twice: remove it here or from `{first}`"
            );
            errors.push(syn::Error::new(target.literal.span(), message));
        }
    }
}

/// A channel has one `#[configure]` method.
fn check_configured_once(methods: &[&Handler], errors: &mut Errors) {
    let mut seen: Vec<(&Ident, &LitStr)> = Vec::new();
    for method in methods
        .iter()
        .filter(|it| matches!(it.kind, HandlerKind::Configure(_)))
    {
        let literals: Vec<_> = method
            .channels
            .iter()
            .map(|it| (&method.name, &it.literal))
            .collect();
        for (_, literal) in &literals {
            let text = literal.value();
            let Some((first_name, first)) = seen.iter().find(|(_, it)| it.value() == text) else {
                continue;
            };
            let message = format!(
                "the channel {text:?} is configured twice: remove it here or from `{first_name}`"
            );
            errors.push(syn::Error::new(literal.span(), message));
            errors.push(syn::Error::new(
                first.span(),
                format!("{text:?} is first configured here"),
            ));
        }
        seen.extend(literals);
    }
}
