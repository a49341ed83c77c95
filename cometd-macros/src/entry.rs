//! The way of an attribute through the crate: take apart, validate, expand.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{ImplItem, Item, ItemImpl, ItemStruct};

use crate::{
    attr::{HandlersArguments, ServiceArguments},
    expand,
    paths::Paths,
    role::{self, FieldRole, MethodRole},
    validate::{self, Annotated},
};

/// `#[service]`
pub(crate) fn service(arguments: TokenStream, tokens: &TokenStream) -> TokenStream {
    let mut item = match parse_struct(tokens) {
        Ok(item) => item,
        Err(error) => return with_errors(tokens, &error),
    };
    let roles: Vec<_> = item
        .fields
        .iter_mut()
        .map(|it| role::take_field_roles(&mut it.attrs))
        .collect();
    let arguments = syn::parse2::<ServiceArguments>(arguments);
    let paths = Paths::new(arguments.as_ref().ok().and_then(|it| it.runtime.clone()));
    match validate::service(arguments, &item, &roles) {
        Ok(model) => expand::service(&model, &paths),
        Err(error) => with_errors(&expand::service_stub(&item, &paths), &error),
    }
}

/// `#[handlers]`
pub(crate) fn handlers(arguments: TokenStream, tokens: &TokenStream) -> TokenStream {
    let mut item = match parse_impl(tokens) {
        Ok(item) => item,
        Err(error) => return with_errors(tokens, &error),
    };
    let annotated: Vec<_> = item.items.iter_mut().filter_map(annotated).collect();
    let arguments = syn::parse2::<HandlersArguments>(arguments);
    let paths = Paths::new(arguments.as_ref().ok().and_then(|it| it.runtime.clone()));
    match validate::handlers(arguments, &item, &annotated) {
        Ok(model) => expand::handlers(&model, &paths),
        Err(error) => with_errors(&expand::handlers_stub(&item, &paths), &error),
    }
}

/// `#[listener]` and its like, where no `#[handlers]` has taken them away.
pub(crate) fn misplaced_on_method(role: MethodRole, item: &TokenStream) -> TokenStream {
    let name = role.name();
    let message = format!("`#[{name}]` is only meaningful on a method inside a `#[handlers]` impl");
    with_errors(item, &syn::Error::new(Span::call_site(), message))
}

/// `#[session]` and its like, where no `#[service]` has taken them away.
pub(crate) fn misplaced_on_field(role: FieldRole, item: &TokenStream) -> TokenStream {
    let name = role.name();
    let message = format!("`#[{name}]` is only meaningful on a field of a `#[service]` struct");
    with_errors(item, &syn::Error::new(Span::call_site(), message))
}

fn annotated(item: &mut ImplItem) -> Option<Annotated> {
    let ImplItem::Fn(method) = item else {
        return None;
    };
    let roles = role::take_method_roles(&mut method.attrs);
    if roles.is_empty() {
        return None;
    }
    Some(Annotated {
        signature: method.sig.clone(),
        attributes: method.attrs.clone(),
        roles,
    })
}

fn parse_struct(tokens: &TokenStream) -> syn::Result<ItemStruct> {
    match syn::parse2(tokens.clone())? {
        Item::Struct(item) => Ok(item),
        _ => Err(syn::Error::new(
            Span::call_site(),
            "`#[service]` goes on a struct; its methods go in a `#[handlers]` impl",
        )),
    }
}

fn parse_impl(tokens: &TokenStream) -> syn::Result<ItemImpl> {
    match syn::parse2(tokens.clone())? {
        Item::Impl(item) => Ok(item),
        _ => Err(syn::Error::new(
            Span::call_site(),
            "`#[handlers]` goes on the impl of a service, `impl Chat { .. }`",
        )),
    }
}

fn with_errors(tokens: &TokenStream, error: &syn::Error) -> TokenStream {
    let errors = error.to_compile_error();
    quote!(#tokens #errors)
}
