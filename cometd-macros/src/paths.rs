//! Every path that generated code names.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Path;

/// Where the runtime half of the macros lives: `::cometd`, unless `crate = "path"` says otherwise.
#[derive(Default)]
pub(crate) struct Paths {
    runtime: Option<Path>,
}

impl Paths {
    pub(crate) fn new(runtime: Option<Path>) -> Self {
        Self { runtime }
    }

    /// A call that yields the place of `span` in the user's source.
    ///
    /// `line!` reports the outermost expansion of its own tokens, so they keep the user's span as it is.
    pub(crate) fn location_of(&self, span: Span) -> TokenStream {
        let location = self.location(generated_at(span));
        quote_spanned! {span=>
            #location::new(::core::file!(), ::core::line!(), ::core::column!())
        }
    }

    fn path(&self, span: Span, name: &TokenStream) -> TokenStream {
        let runtime = match &self.runtime {
            Some(path) => path.to_token_stream(),
            None => quote_spanned!(span=> ::cometd),
        };
        quote_spanned!(span=> #runtime::__private::#name)
    }
}

macro_rules! runtime_paths {
    ($($method:ident => $path:path,)*) => {
        impl Paths {
            $(
                pub(crate) fn $method(&self, span: Span) -> TokenStream {
                    self.path(span, &quote_spanned!(span=> $path))
                }
            )*
        }
    };
}

runtime_paths! {
    acceptance => IntoAcceptance::into_acceptance,
    answer => IntoAnswer::into_answer,
    completion => IntoCompletion::into_completion,
    definition => Definition,
    extract => FromCall::from_call,
    handlers => Handlers,
    if_exists => IfExists,
    later => later,
    lend => Lend::lend,
    location => Location,
    method => Method,
    now => now,
    outcome => IntoOutcome::into_outcome,
    own_publishes => OwnPublishes,
    registration => Registration,
    returned => Returned::new,
    service => Service,
    service_context => ServiceContext,
    submit => inventory::submit,
}

/// A span that is shown at `span`, but whose local names no user can see.
///
/// Lints treat what carries it as generated code.
pub(crate) fn generated_at(span: Span) -> Span {
    Span::mixed_site().located_at(span)
}

pub(crate) fn result_ok(value: &TokenStream) -> TokenStream {
    quote!(::core::result::Result::Ok(#value))
}
