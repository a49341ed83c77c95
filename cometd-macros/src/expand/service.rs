//! The impl and the registration of a `#[service]` struct.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Fields, ItemStruct, spanned::Spanned};

use crate::{
    model::{Field, FieldSource, Service},
    paths::{Paths, generated_at},
};

pub(crate) fn service(model: &Service, paths: &Paths) -> TokenStream {
    let Service {
        item,
        name,
        order,
        fields,
    } = model;
    let span = generated_at(item.ident.span());
    let order = order.map(|it| {
        let order = Literal::i32_unsuffixed(it);
        quote_spanned!(span=> .order(#order))
    });
    let definition = paths.definition(span);
    let location = paths.location_of(name.span());
    let definition = quote_spanned!(span=> #definition::new(#name, #location) #order);

    let context = Ident::new("context", span);
    let locals: Vec<_> = fields
        .iter()
        .enumerate()
        .filter_map(|it| local(it, &context, paths))
        .collect();
    // Fields that are not compiled ask for nothing, and must not leave an unused variable behind.
    let asks = |it: &Field| it.source != FieldSource::Default && it.cfgs.is_empty();
    let unused = (!fields.iter().any(asks)).then(|| quote_spanned!(span=> let _ = #context;));
    let value = value(&item.fields, fields);
    let body = quote_spanned!(span=> #(#locals)* #unused ::core::option::Option::Some(#value));
    let constructor = constructor(item, paths, &context, &body);
    let implementation = implementation(item, paths, &definition, &constructor);
    let (submit, registration, ident) = (paths.submit(span), paths.registration(span), &item.ident);
    quote! {
        #item
        #implementation
        #submit! { #registration::of::<#ident>() }
    }
}

/// What keeps the rest of the user's code compiling when the attribute has a mistake.
pub(crate) fn service_stub(item: &ItemStruct, paths: &Paths) -> TokenStream {
    if !item.generics.params.is_empty() {
        return item.to_token_stream();
    }
    let span = generated_at(item.ident.span());
    let definition = paths.definition(span);
    let location = paths.location_of(item.ident.span());
    let definition = quote_spanned!(span=> #definition::new("", #location));
    let context = Ident::new("_context", span);
    let nothing = quote_spanned!(span=> ::core::option::Option::None);
    let constructor = constructor(item, paths, &context, &nothing);
    let implementation = implementation(item, paths, &definition, &constructor);
    quote!(#item #implementation)
}

fn implementation(
    item: &ItemStruct,
    paths: &Paths,
    definition: &TokenStream,
    constructor: &TokenStream,
) -> TokenStream {
    let ident = &item.ident;
    let span = generated_at(ident.span());
    let service = paths.service(span);
    let definition_type = paths.definition(span);
    quote_spanned! {span=>
        #[automatically_derived]
        impl #service for #ident {
            const DEFINITION: #definition_type = #definition;

            #constructor
        }
    }
}

fn constructor(
    item: &ItemStruct,
    paths: &Paths,
    context: &Ident,
    body: &TokenStream,
) -> TokenStream {
    let span = generated_at(item.ident.span());
    let context_type = paths.service_context(span);
    quote_spanned! {span=>
        fn construct(#context: &mut #context_type<'_>) -> ::core::option::Option<Self> {
            #body
        }
    }
}

/// Asks the context for the value of a field.
///
/// All fields ask before the struct is built, so that every missing value is reported.
fn local((index, field): (usize, &Field), context: &Ident, paths: &Paths) -> Option<TokenStream> {
    let Field { ty, cfgs, .. } = field;
    let span = generated_at(ty.span());
    let name = local_name(index, field);
    // A wrong type of the field is reported where the tokens of this call stand.
    let mut context = context.clone();
    context.set_span(span);
    match field.source {
        FieldSource::Session => Some(quote_spanned! {span=>
            #(#cfgs)* let #name = #context.session();
        }),
        FieldSource::Inject => {
            let location =
                paths.location_of(field.name.as_ref().map_or_else(|| ty.span(), Ident::span));
            Some(quote_spanned! {span=>
                #(#cfgs)* let #name = #context.inject(#location);
            })
        }
        FieldSource::Default => None,
    }
}

/// The expression that builds the struct.
fn value(shape: &Fields, fields: &[Field]) -> TokenStream {
    let values = fields.iter().enumerate().map(|(index, field)| {
        let Field { ty, cfgs, name, .. } = field;
        let span = generated_at(ty.span());
        let local = local_name(index, field);
        let value = match field.source {
            FieldSource::Session => local.to_token_stream(),
            FieldSource::Inject => quote_spanned!(span=> #local?),
            FieldSource::Default => {
                quote_spanned!(span=> ::core::default::Default::default())
            }
        };
        match name {
            Some(name) => quote!(#(#cfgs)* #name: #value),
            None => quote!(#(#cfgs)* #value),
        }
    });
    match shape {
        Fields::Named(_) => quote!(Self { #(#values),* }),
        Fields::Unnamed(_) => quote!(Self(#(#values),*)),
        Fields::Unit => quote!(Self),
    }
}

fn local_name(index: usize, field: &Field) -> Ident {
    format_ident!("field_{index}", span = generated_at(field.ty.span()))
}
