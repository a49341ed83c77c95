//! What each argument of a method that is called for a message is made of.

use quote::ToTokens;
use syn::{Ident, Pat, PatType, Signature, Type, TypeReference, ext::IdentExt, spanned::Spanned};

use super::signature::{bare, mentions, typed_arguments};
use crate::{
    channel::{Channel, Parameter},
    errors::Errors,
    model::{Argument, ArgumentSource},
    role::MethodRole,
};

/// The arguments after `&self`, checked against the template parameters of `channels`.
pub(super) fn arguments(
    signature: &Signature,
    role: MethodRole,
    channels: &[Channel],
    errors: &mut Errors,
) -> Vec<Argument> {
    let found: Vec<_> = typed_arguments(signature)
        .filter_map(|it| {
            errors
                .ok(argument(it, role, channels))
                .map(|argument| (it, argument))
        })
        .collect();
    check_messages(&found, errors);
    check_callers(&found, errors);
    check_parameters(signature, channels, &found, errors);
    found.into_iter().map(|(_, argument)| argument).collect()
}

fn argument(typed: &PatType, role: MethodRole, channels: &[Channel]) -> syn::Result<Argument> {
    check_is_there(typed, role)?;
    let reference = match bare(&typed.ty) {
        Type::Reference(reference) => Some(reference),
        _ => None,
    };
    let made_of = |source| {
        // The error about a `&T` that nobody lends is about the `T`.
        let place = reference.map_or(&*typed.ty, |it| &*it.elem);
        let span = place.span();
        Argument { span, source }
    };
    if let Some(it) = reference.filter(|it| ends_in(&it.elem, "Message")) {
        return Ok(made_of(if it.mutability.is_some() {
            ArgumentSource::MessageMut
        } else {
            ArgumentSource::Message
        }));
    }
    if let Some(name) = parameter_name(typed, channels) {
        return by_name(typed, name, reference).map(made_of);
    }
    if ends_in(&typed.ty, "Caller") {
        return Ok(made_of(ArgumentSource::Caller));
    }
    match reference {
        Some(it) if it.mutability.is_some() => {
            let message = "only `&mut Message` can be changed: write `&` without `mut`";
            Err(syn::Error::new_spanned(&typed.ty, message))
        }
        Some(_) => Ok(made_of(ArgumentSource::Lent)),
        None => Ok(made_of(ArgumentSource::Extracted)),
    }
}

fn by_name(
    typed: &PatType,
    name: String,
    reference: Option<&TypeReference>,
) -> syn::Result<ArgumentSource> {
    match reference {
        Some(it) if it.mutability.is_none() && ends_in(&it.elem, "str") => {
            Ok(ArgumentSource::Text(name))
        }
        Some(it) => {
            let owned = it.elem.to_token_stream();
            let message = format!(
                "the template parameter `{name}` is parsed into a value of its own: write `{name}: {owned}` or `{name}: &str`"
            );
            Err(syn::Error::new_spanned(&typed.ty, message))
        }
        None => Ok(ArgumentSource::Parsed(name)),
    }
}

/// Refuses what a method of this kind cannot have.
fn check_is_there(typed: &PatType, role: MethodRole) -> syn::Result<()> {
    let refuse = |message: &str| Err(syn::Error::new_spanned(&typed.ty, message));
    let tokens = || typed.ty.to_token_stream();
    if role == MethodRole::RemoteCall {
        return match bare(&typed.ty) {
            Type::Reference(it) if ends_in(&it.elem, "Caller") => {
                refuse("an answer uses up its caller: write `Caller` without `&`")
            }
            _ => Ok(()),
        };
    }
    if mentions(tokens(), "Caller") {
        return refuse("nobody waits for an answer here: only a `#[remote_call]` has a `Caller`");
    }
    if role != MethodRole::Subscription {
        return Ok(());
    }
    if mentions(tokens(), "ServerSession") {
        return refuse(
            "a subscription does not know who published: remove this, or write `#[listener(..)]`",
        );
    }
    match bare(&typed.ty) {
        Type::Reference(it) if it.mutability.is_some() && ends_in(&it.elem, "Message") => refuse(
            "a subscription shares the message with other subscribers: write `&Message`, or `#[listener(..)]` to change it",
        ),
        _ => Ok(()),
    }
}

fn check_callers(found: &[(&PatType, Argument)], errors: &mut Errors) {
    let callers = found
        .iter()
        .filter(|(_, it)| matches!(it.source, ArgumentSource::Caller));
    for (typed, _) in callers.skip(1) {
        let message = "the caller is already an argument: remove this one";
        errors.push(syn::Error::new_spanned(&typed.ty, message));
    }
}

/// At most one argument may hold the message if one may change it.
fn check_messages(found: &[(&PatType, Argument)], errors: &mut Errors) {
    let of = |which: fn(&ArgumentSource) -> bool| {
        found
            .iter()
            .filter(move |(_, it)| which(&it.source))
            .map(|(typed, _)| typed)
    };
    let mut changing = of(|it| matches!(it, ArgumentSource::MessageMut));
    if changing.next().is_none() {
        return;
    }
    for typed in changing.chain(of(|it| matches!(it, ArgumentSource::Message))) {
        let message = "the message is already an argument, as `&mut Message`: remove this one";
        errors.push(syn::Error::new_spanned(&typed.ty, message));
    }
}

/// Every template parameter has its argument, and every argument its parameter in every channel.
fn check_parameters(
    signature: &Signature,
    channels: &[Channel],
    found: &[(&PatType, Argument)],
    errors: &mut Errors,
) {
    let method = &signature.ident;
    let named: Vec<_> = typed_arguments(signature)
        .filter_map(|it| parameter_name(it, channels))
        .collect();
    let mut missing: Vec<&Parameter> = Vec::new();
    for parameter in channels.iter().flat_map(|it| &it.parameters) {
        let is_known = named.contains(&parameter.name);
        if !is_known && !missing.iter().any(|it| it.name == parameter.name) {
            missing.push(parameter);
        }
    }
    for error in strays(method, channels, missing, found) {
        errors.push(error);
    }
    for channel in channels {
        for name in named.iter().filter(|it| !channel.has_parameter(it)) {
            let text = channel.literal.value();
            let message = format!(
                "{text:?} has no template parameter for the argument `{name}`: give this channel a method of its own"
            );
            errors.push(syn::Error::new(channel.literal.span(), message));
        }
    }
}

/// Reports parameters without arguments, and arguments without parameters: a `name: &str` cannot be anything else.
///
/// One of each is a misspelt name, and a single mistake.
fn strays(
    method: &Ident,
    channels: &[Channel],
    missing: Vec<&Parameter>,
    found: &[(&PatType, Argument)],
) -> Vec<syn::Error> {
    let mut strays = found.iter().filter_map(|(typed, argument)| {
        let is_text = matches!(bare(&typed.ty), Type::Reference(it) if ends_in(&it.elem, "str"));
        let is_stray = is_text && matches!(argument.source, ArgumentSource::Lent);
        simple_name(typed)
            .filter(|_| is_stray)
            .map(|name| (*typed, name))
    });
    let mut errors = Vec::new();
    for Parameter { name, span } in missing {
        let error = match strays.next() {
            Some((typed, stray)) => {
                let message = format!(
                    "no template parameter is called `{stray}`: rename the argument to `{name}`"
                );
                syn::Error::new_spanned(&typed.pat, message)
            }
            None => {
                let message = format!(
                    "the template parameter `{name}` has no argument: add `{name}: &str` to `{method}`"
                );
                syn::Error::new(*span, message)
            }
        };
        errors.push(error);
    }
    let Some(channel) = channels.first() else {
        return errors;
    };
    for (typed, stray) in strays {
        let text = channel.literal.value();
        let message = format!(
            "{text:?} has no template parameter for this argument: add the segment `{{{stray}}}` to it, or remove the argument"
        );
        errors.push(syn::Error::new_spanned(typed, message));
    }
    errors
}

/// The name of an argument, if it is a template parameter of one of the channels.
fn parameter_name(typed: &PatType, channels: &[Channel]) -> Option<String> {
    let is_message = matches!(bare(&typed.ty), Type::Reference(it) if ends_in(&it.elem, "Message"));
    let name = simple_name(typed)
        .filter(|_| !is_message)?
        .unraw()
        .to_string();
    channels
        .iter()
        .any(|it| it.has_parameter(&name))
        .then_some(name)
}

fn simple_name(typed: &PatType) -> Option<&Ident> {
    match &*typed.pat {
        Pat::Ident(pattern) => Some(&pattern.ident),
        _ => None,
    }
}

/// Whether a type is a path whose last segment is `name`, without generic arguments.
fn ends_in(ty: &Type, name: &str) -> bool {
    let Type::Path(path) = bare(ty) else {
        return false;
    };
    path.path
        .segments
        .last()
        .is_some_and(|it| it.ident == name && it.arguments.is_none())
}
