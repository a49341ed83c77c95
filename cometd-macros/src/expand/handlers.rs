//! The table of a `#[handlers]` impl: one row for each annotated method.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{ImplItem, ItemImpl, parse_quote_spanned, spanned::Spanned};

use crate::{
    model::{
        Argument, ArgumentSource, Configure, Handler, HandlerKind, Handlers, IfExists, Invocation,
        OwnPublishes, Receiver, Timing,
    },
    paths::{Paths, generated_at, result_ok},
};

pub(crate) fn handlers(model: &Handlers, paths: &Paths) -> TokenStream {
    let rows: Vec<_> = model.methods.iter().map(|it| row(it, paths)).collect();
    implementation(&without_lints_on_shape(model), paths, &rows)
}

/// The impl, with lints off that would talk users out of a signature that the attribute asks for.
fn without_lints_on_shape(model: &Handlers) -> ItemImpl {
    let mut item = model.item.clone();
    for member in &mut item.items {
        let ImplItem::Fn(method) = member else {
            continue;
        };
        if !model.methods.iter().any(|it| it.name == method.sig.ident) {
            continue;
        }
        let span = generated_at(method.sig.ident.span());
        method.attrs.push(parse_quote_spanned! {span=>
            #[allow(
                clippy::needless_pass_by_value,
                clippy::unused_self,
                reason = "the server calls this, and decides how arguments are passed"
            )]
        });
    }
    item
}

/// What keeps the rest of the user's code compiling when the impl has a mistake.
pub(crate) fn handlers_stub(item: &ItemImpl, paths: &Paths) -> TokenStream {
    if !item.generics.params.is_empty() {
        return item.to_token_stream();
    }
    implementation(item, paths, &[])
}

fn implementation(item: &ItemImpl, paths: &Paths, rows: &[TokenStream]) -> TokenStream {
    let ty = &item.self_ty;
    let span = generated_at(ty.span());
    let (handlers, method) = (paths.handlers(span), paths.method(span));
    quote_spanned! {span=>
        #item

        #[automatically_derived]
        impl #handlers for #ty {
            const METHODS: &'static [#method<Self>] = &[#(#rows,)*];
        }
    }
}

fn row(handler: &Handler, paths: &Paths) -> TokenStream {
    let Handler {
        name,
        cfgs,
        channels,
        ..
    } = handler;
    let span = generated_at(name.span());
    let method = paths.method(span);
    let text = name.to_string();
    let text = text.trim_start_matches("r#");
    let literals = channels.iter().map(|it| &it.literal);
    let literals = (!channels.is_empty()).then(|| quote_spanned!(span=> &[#(#literals),*],));
    let location = paths.location_of(name.span());
    let (kind, option, call) = match &handler.kind {
        HandlerKind::Configure(it) => (
            "configure",
            Some(if_exists(it.if_exists, span, paths)),
            configure(handler, it, paths),
        ),
        HandlerKind::Listener(own, it) => (
            "listener",
            Some(own_publishes(*own, span, paths)),
            invocation(handler, it, by(paths.outcome(span)), paths),
        ),
        HandlerKind::RemoteCall(it) => ("remote_call", None, remote_call(handler, it, paths)),
        HandlerKind::Subscription(it) => (
            "subscription",
            None,
            invocation(handler, it, by(paths.completion(span)), paths),
        ),
        HandlerKind::PostConstruct(it) => ("post_construct", None, step(handler, *it, paths)),
        HandlerKind::PreDestroy(it) => ("pre_destroy", None, step(handler, *it, paths)),
    };
    let kind = Ident::new(kind, span);
    let option = option.map(|it| quote_spanned!(span=> #it,));
    quote_spanned! {span=>
        #(#cfgs)* #method::#kind(#text, #literals #option #location, #call)
    }
}

fn if_exists(value: IfExists, span: Span, paths: &Paths) -> TokenStream {
    let if_exists = paths.if_exists(span);
    match value {
        IfExists::Error => quote_spanned!(span=> #if_exists::Error),
        IfExists::Skip => quote_spanned!(span=> #if_exists::Skip),
        IfExists::Run => quote_spanned!(span=> #if_exists::Run),
    }
}

fn own_publishes(value: OwnPublishes, span: Span, paths: &Paths) -> TokenStream {
    let own_publishes = paths.own_publishes(span);
    match value {
        OwnPublishes::Ignore => quote_spanned!(span=> #own_publishes::Ignore),
        OwnPublishes::Receive => quote_spanned!(span=> #own_publishes::Receive),
    }
}

fn configure(handler: &Handler, configure: &Configure, paths: &Paths) -> TokenStream {
    let span = generated_at(handler.name.span());
    let channel = Ident::new("channel", span);
    // A wrong type of the argument is reported where this token stands.
    let mut argument = channel.clone();
    argument.set_span(generated_at(configure.argument));
    let completion = paths.completion(span);
    let (service, arguments) = match configure.receiver {
        Receiver::Shared => (
            quote_spanned!(span=> service),
            quote_spanned!(span=> service, #argument),
        ),
        Receiver::None => (quote_spanned!(span=> _), argument.to_token_stream()),
    };
    let call = call(handler, &arguments, Timing::Now);
    quote_spanned!(span=> |#service, #channel| #completion(#call))
}

fn remote_call(handler: &Handler, invocation: &Invocation, paths: &Paths) -> TokenStream {
    let span = generated_at(handler.name.span());
    let has_caller = |it: &Argument| matches!(it.source, ArgumentSource::Caller);
    if invocation.arguments.iter().any(has_caller) {
        return self::invocation(handler, invocation, by(paths.acceptance(span)), paths);
    }
    // A type that cannot be an answer is reported at this expression, from its first token to its last.
    let (start, end) = (
        generated_at(handler.output.0),
        generated_at(handler.output.1),
    );
    let (returned, into_answer) = (paths.returned(start), by(paths.answer(span)));
    let convert =
        |call: &TokenStream| into_answer(&quote_spanned!(end=> #returned(#call).returned_kind()));
    self::invocation(handler, invocation, convert, paths)
}

/// Converts by calling a function.
fn by(function: TokenStream) -> impl FnOnce(&TokenStream) -> TokenStream {
    move |call| {
        let span = generated_at(function.span());
        quote_spanned!(span=> #function(#call))
    }
}

/// A method at the start or the end of its service.
fn step(handler: &Handler, timing: Timing, paths: &Paths) -> TokenStream {
    let span = generated_at(handler.name.span());
    let call = call(handler, &quote_spanned!(span=> service), timing);
    let completion = paths.completion(span);
    let value = result_ok(&quote_spanned!(span=> #completion(#call)));
    let body = in_time(timing, &quote_spanned!(span=> { #value }), span, paths);
    quote_spanned!(span=> |service| #body)
}

/// A method that is called for messages; `convert` makes what its row yields of what it returns.
fn invocation(
    handler: &Handler,
    invocation: &Invocation,
    convert: impl FnOnce(&TokenStream) -> TokenStream,
    paths: &Paths,
) -> TokenStream {
    let Invocation { timing, arguments } = invocation;
    let span = generated_at(handler.name.span());
    let names: Vec<_> = (0..arguments.len())
        .map(|it| format_ident!("argument_{it}", span = span))
        .collect();
    let changes = |it: &Argument| matches!(it.source, ArgumentSource::MessageMut);
    let bindings = names.iter().zip(arguments);
    // The message is lent for changing last: all other arguments only look at the call.
    let (last, first): (Vec<_>, Vec<_>) = bindings.partition(|(_, it)| changes(it));
    let bindings = first.into_iter().chain(last).map(|(name, argument)| {
        let value = extraction(argument, paths);
        quote_spanned!(span=> let #name = #value;)
    });
    let pattern = match arguments.as_slice() {
        [] => quote_spanned!(span=> _),
        some if some.iter().any(changes) => quote_spanned!(span=> mut call),
        _ => quote_spanned!(span=> call),
    };
    let values = names
        .iter()
        .zip(arguments)
        .map(|(name, argument)| match argument.source {
            // A text is owned by the call and lent to the method.
            ArgumentSource::Text(_) => quote_spanned!(span=> &#name),
            _ => name.to_token_stream(),
        });
    let values = quote_spanned!(span=> service #(, #values)*);
    let value = result_ok(&convert(&call(handler, &values, *timing)));
    let body = quote_spanned!(span=> { #(#bindings)* #value });
    let body = in_time(*timing, &body, span, paths);
    quote_spanned!(span=> |service, #pattern| #body)
}

/// Runs a block at once, or as a future.
fn in_time(timing: Timing, body: &TokenStream, span: Span, paths: &Paths) -> TokenStream {
    match timing {
        Timing::Now => {
            let now = paths.now(span);
            quote_spanned!(span=> #now(move || #body))
        }
        Timing::Later => {
            let later = paths.later(span);
            quote_spanned!(span=> #later(move || async move #body))
        }
    }
}

/// The value of an argument, and a wrong type of it reported where that type stands.
fn extraction(argument: &Argument, paths: &Paths) -> TokenStream {
    let span = generated_at(argument.span);
    match &argument.source {
        ArgumentSource::Message => quote_spanned!(span=> call.message()),
        ArgumentSource::MessageMut => quote_spanned!(span=> call.message_mut()),
        ArgumentSource::Text(name) => quote_spanned!(span=> call.parameter(#name)?),
        ArgumentSource::Parsed(name) => quote_spanned!(span=> call.parse_parameter(#name)?),
        ArgumentSource::Caller => quote_spanned!(span=> call.caller()?),
        ArgumentSource::Lent => {
            let lend = paths.lend(span);
            quote_spanned!(span=> #lend(&call)?)
        }
        ArgumentSource::Extracted => {
            let extract = paths.extract(span);
            quote_spanned!(span=> #extract(&call)?)
        }
    }
}

/// A call of the user's method.
///
/// Its first and last tokens stand at the ends of the return type, so that a wrong one is reported there.
fn call(handler: &Handler, arguments: &TokenStream, timing: Timing) -> TokenStream {
    let Handler { name, output, .. } = handler;
    let (start, end) = (generated_at(output.0), generated_at(output.1));
    let mut arguments = Group::new(Delimiter::Parenthesis, arguments.clone());
    arguments.set_span(end);
    let arguments = TokenTree::Group(arguments);
    let path = quote_spanned!(start=> Self::);
    match timing {
        Timing::Now => quote!(#path #name #arguments),
        Timing::Later => {
            let wait = quote_spanned!(end=> .await);
            quote!(#path #name #arguments #wait)
        }
    }
}
