//! Checks of a `#[handlers]` impl.

use proc_macro2::Span;
use syn::{Attribute, Ident, ItemImpl, LitStr, Signature, Type, spanned::Spanned};

use super::{argument, channels, signature};
use crate::{
    attr::{
        ConfigureArguments, HandlersArguments, ListenerArguments, MethodRole, cfgs, parse_arguments,
    },
    channel::Channel,
    errors::Errors,
    model::{Configure, Handler, HandlerKind, Handlers, Listener, Timing},
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
    check_configured_once(&methods, &mut errors);
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
        let message = if role == first {
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

/// What the two kinds of methods differ in.
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
    signature::check_shared_receiver(signature, errors);
    let attribute_arguments: ListenerArguments = errors.ok(parse_arguments(attribute))?;
    let literals = &attribute_arguments.channels;
    let channels = channels(literals, MethodRole::Listener, attribute, errors);
    // Parameters of a malformed channel are unknown, and complaints about arguments would only be noise.
    if channels.len() < literals.len() {
        return None;
    }
    let arguments = argument::arguments(signature, &channels, errors);
    let timing = if signature.asyncness.is_some() {
        Timing::Later
    } else {
        Timing::Now
    };
    Some((
        channels,
        HandlerKind::Listener(Listener {
            own: attribute_arguments.own,
            timing,
            arguments,
        }),
    ))
}

/// A channel has one `#[configure]` method. Methods that may not both be compiled are not compared.
fn check_configured_once(methods: &[Handler], errors: &mut Errors) {
    let mut seen: Vec<(&Ident, &LitStr)> = Vec::new();
    for method in methods
        .iter()
        .filter(|it| it.cfgs.is_empty() && matches!(it.kind, HandlerKind::Configure(_)))
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
