//! Checks of the signature of an annotated method, apart from its arguments.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{FnArg, PatType, ReceiverKind, ReturnType, Safety, Signature, Type, spanned::Spanned};

use crate::{
    errors::Errors,
    model::{Receiver, Timing},
    role::MethodRole,
};

/// Refuses what no annotated method may be.
pub(super) fn check_plain(signature: &Signature, role: MethodRole, errors: &mut Errors) {
    let mut refuse = |tokens: &dyn ToTokens, what: &str| {
        let message = format!(
            "a `#[{}]` method is called by the server and cannot {what}",
            role.name()
        );
        errors.push(syn::Error::new_spanned(tokens.to_token_stream(), message));
    };
    if let Some(constness) = &signature.constness {
        refuse(constness, "be `const`: remove it");
    }
    match &signature.safety {
        Safety::Unsafe(it) => refuse(it, "be `unsafe`: remove it"),
        Safety::Safe(it) => refuse(it, "be `safe`: remove it"),
        Safety::Default => {}
    }
    if let Some(abi) = &signature.abi {
        refuse(abi, "be `extern`: remove it");
    }
    if !signature.generics.params.is_empty() {
        refuse(&signature.generics, "have generics: remove them");
    }
    for argument in typed_arguments(signature) {
        if mentions(argument.ty.to_token_stream(), "impl") {
            refuse(&argument.ty, "take `impl Trait`: name the type");
        }
    }
}

/// The receiver of a method that is called on its service, which must be `&self`.
pub(super) fn check_shared_receiver(signature: &Signature, role: MethodRole, errors: &mut Errors) {
    if signature.receiver().is_none() {
        let message = format!(
            "a `#[{}]` method is called on its service: write `&self` as the first argument",
            role.name()
        );
        errors.push(syn::Error::new(signature.paren_token.span.join(), message));
    }
    optional_receiver(signature, errors);
}

/// The receiver of a `#[configure]`: `&self` or none.
pub(super) fn optional_receiver(signature: &Signature, errors: &mut Errors) -> Receiver {
    let Some(receiver) = signature.receiver() else {
        return Receiver::None;
    };
    let message = match &receiver.kind {
        ReceiverKind::Reference(_, _, None) => return Receiver::Shared,
        ReceiverKind::Reference(_, _, Some(_)) => {
            "a service is shared by all sessions: write `&self`, and keep what changes in a lock or an atomic"
        }
        ReceiverKind::Value => {
            "a service is shared by all sessions and cannot be moved: write `&self`"
        }
        ReceiverKind::Typed(..) => "the server has a plain reference to the service: write `&self`",
        _ => "this receiver is not known to the server: write `&self`",
    };
    errors.push(syn::Error::new_spanned(receiver, message));
    Receiver::Shared
}

/// The arguments other than `self`.
pub(super) fn typed_arguments(signature: &Signature) -> impl Iterator<Item = &PatType> {
    signature.inputs.iter().filter_map(|it| match it {
        FnArg::Typed(argument) => Some(argument),
        FnArg::Receiver(_) => None,
    })
}

/// `fn` or `async fn`.
pub(super) fn timing(signature: &Signature) -> Timing {
    if signature.asyncness.is_some() {
        Timing::Later
    } else {
        Timing::Now
    }
}

/// The ends of the return type, or the name of the method if it has none.
pub(super) fn output_ends(signature: &Signature) -> (Span, Span) {
    let ReturnType::Type(_, ty) = &signature.output else {
        return (signature.ident.span(), signature.ident.span());
    };
    let mut tokens = ty.to_token_stream().into_iter();
    let start = tokens.next().map_or_else(|| ty.span(), |it| it.span());
    let end = tokens.last().map_or(start, |it| it.span());
    (start, end)
}

/// A type without the invisible groups and parentheses around it.
pub(super) fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => bare(&group.elem),
        Type::Paren(paren) => bare(&paren.elem),
        _ => ty,
    }
}

/// Whether a word occurs in a type.
pub(super) fn mentions(tokens: TokenStream, word: &str) -> bool {
    tokens.into_iter().any(|it| match it {
        TokenTree::Ident(ident) => ident == word,
        TokenTree::Group(group) => mentions(group.stream(), word),
        _ => false,
    })
}
