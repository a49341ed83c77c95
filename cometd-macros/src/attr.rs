//! The grammar of the attributes.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Ident, LitBool, LitInt, LitStr, Meta, Path, Token};

use crate::model::{IfExists, OwnPublishes};

mod keyword {
    syn::custom_keyword!(if_exists);
    syn::custom_keyword!(order);
    syn::custom_keyword!(own);
}

/// `#[service("name", order = 1, crate = "path")]`
pub(crate) struct ServiceArguments {
    pub(crate) name: LitStr,
    pub(crate) order: Option<i32>,
    pub(crate) runtime: Option<Path>,
}

impl Parse for ServiceArguments {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if !input.peek(LitStr) {
            let message = "expected the name of the service, such as `#[service(\"chat\")]`";
            return Err(syn::Error::new(input.span(), message));
        }
        let name = input.parse()?;
        separator(input)?;
        let (mut order, mut runtime) = (None, None);
        while !input.is_empty() {
            let lookahead = input.lookahead1();
            if lookahead.peek(keyword::order) {
                set(&mut order, input, integer)?;
            } else if lookahead.peek(Token![crate]) {
                set(&mut runtime, input, path)?;
            } else {
                return Err(lookahead.error());
            }
            separator(input)?;
        }
        Ok(Self {
            name,
            order,
            runtime,
        })
    }
}

/// `#[handlers(crate = "path")]`
pub(crate) struct HandlersArguments {
    pub(crate) runtime: Option<Path>,
}

impl Parse for HandlersArguments {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut runtime = None;
        while !input.is_empty() {
            let lookahead = input.lookahead1();
            if input.peek(LitStr) {
                let message =
                    "the name goes in `#[service(..)]` on the struct: write `#[handlers]`";
                return Err(syn::Error::new(input.span(), message));
            }
            if !lookahead.peek(Token![crate]) {
                return Err(lookahead.error());
            }
            set(&mut runtime, input, path)?;
            separator(input)?;
        }
        Ok(Self { runtime })
    }
}

/// `#[configure("/a", "/b/**", if_exists = "skip")]`
pub(crate) struct ConfigureArguments {
    pub(crate) channels: Vec<LitStr>,
    pub(crate) if_exists: IfExists,
}

impl Parse for ConfigureArguments {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut channels = Vec::new();
        let mut if_exists = None;
        while !input.is_empty() {
            let lookahead = input.lookahead1();
            if lookahead.peek(LitStr) {
                channels.push(input.parse()?);
            } else if lookahead.peek(keyword::if_exists) {
                set(&mut if_exists, input, if_exists_value)?;
            } else {
                return Err(lookahead.error());
            }
            separator(input)?;
        }
        Ok(Self {
            channels,
            if_exists: if_exists.unwrap_or_default(),
        })
    }
}

/// `#[listener("/a", "/b/{c}", own = true)]`
pub(crate) struct ListenerArguments {
    pub(crate) channels: Vec<LitStr>,
    pub(crate) own: OwnPublishes,
}

impl Parse for ListenerArguments {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut channels = Vec::new();
        let mut own = None;
        while !input.is_empty() {
            let lookahead = input.lookahead1();
            if lookahead.peek(LitStr) {
                channels.push(input.parse()?);
            } else if lookahead.peek(keyword::own) {
                set(&mut own, input, own_value)?;
            } else {
                return Err(lookahead.error());
            }
            separator(input)?;
        }
        Ok(Self {
            channels,
            own: own.unwrap_or_default(),
        })
    }
}

/// `#[subscription("/a", "/b/{c}")]` and `#[remote_call("a", "b/{c}")]`
pub(crate) struct ChannelsArguments {
    pub(crate) channels: Vec<LitStr>,
}

impl Parse for ChannelsArguments {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut channels = Vec::new();
        while !input.is_empty() {
            if input.peek(keyword::own) {
                return Err(input.error(OWN_OF_LISTENERS));
            }
            channels.push(input.parse()?);
            separator(input)?;
        }
        Ok(Self { channels })
    }
}

/// The conditions under which an item exists. What is generated for it must share them.
pub(crate) fn cfgs(attributes: &[Attribute]) -> Vec<Attribute> {
    attributes
        .iter()
        .filter(|it| it.path().is_ident("cfg"))
        .cloned()
        .collect()
}

/// The text between the parentheses of an attribute of a method, parsed.
pub(crate) fn parse_arguments<T: Parse>(attribute: &Attribute) -> syn::Result<T> {
    match &attribute.meta {
        Meta::Path(_) => syn::parse2(TokenStream::new()),
        Meta::List(list) => list.parse_args(),
        Meta::NameValue(pair) => {
            let path = pair.path.to_token_stream();
            let value = pair.value.to_token_stream();
            let message = format!("the channels go in parentheses: write `#[{path}({value})]`");
            Err(syn::Error::new_spanned(pair, message))
        }
    }
}

/// Refuses anything but the bare name of an attribute.
pub(crate) fn check_bare(attribute: &Attribute, name: &str) -> syn::Result<()> {
    if attribute.meta.require_path_only().is_ok() {
        return Ok(());
    }
    let message = format!("`#[{name}]` has no arguments: write `#[{name}]`");
    Err(syn::Error::new_spanned(&attribute.meta, message))
}

/// Reads `key = value` into `slot`, once.
fn set<T>(
    slot: &mut Option<T>,
    input: ParseStream<'_>,
    value: impl FnOnce(ParseStream<'_>) -> syn::Result<T>,
) -> syn::Result<()> {
    let key = syn::ext::IdentExt::parse_any(input)?;
    if slot.is_some() {
        return Err(duplicate(&key));
    }
    input.parse::<Token![=]>()?;
    *slot = Some(value(input)?);
    Ok(())
}

fn duplicate(key: &Ident) -> syn::Error {
    syn::Error::new(key.span(), format!("`{key}` is given twice: remove one"))
}

/// A comma between arguments, which may also follow the last one.
fn separator(input: ParseStream<'_>) -> syn::Result<()> {
    if !input.is_empty() {
        input.parse::<Token![,]>()?;
    }
    Ok(())
}

fn integer(input: ParseStream<'_>) -> syn::Result<i32> {
    let minus: Option<Token![-]> = input.parse()?;
    let digits: LitInt = input.parse().map_err(|error| {
        let message = "expected a whole number, such as `order = 1`";
        syn::Error::new(error.span(), message)
    })?;
    if !matches!(digits.suffix(), "" | "i32") {
        let message = "an `order` is an `i32`: remove the suffix";
        return Err(syn::Error::new(digits.span(), message));
    }
    let sign = if minus.is_some() { "-" } else { "" };
    let text = format!("{sign}{}", digits.base10_digits());
    text.parse().map_err(|_| {
        let message = format!("an `order` is an `i32`: from {} to {}", i32::MIN, i32::MAX);
        syn::Error::new(digits.span(), message)
    })
}

fn path(input: ParseStream<'_>) -> syn::Result<Path> {
    let text: LitStr = input.parse()?;
    text.parse_with(Path::parse_mod_style).map_err(|_| {
        syn::Error::new(
            text.span(),
            "expected the path of the `cometd` crate, such as \"::cometd\"",
        )
    })
}

fn if_exists_value(input: ParseStream<'_>) -> syn::Result<IfExists> {
    let expected = |span: Span| syn::Error::new(span, "expected \"error\", \"skip\" or \"run\"");
    if !input.peek(LitStr) {
        return Err(expected(input.span()));
    }
    let text: LitStr = input.parse()?;
    match text.value().as_str() {
        "error" => Ok(IfExists::Error),
        "skip" => Ok(IfExists::Skip),
        "run" => Ok(IfExists::Run),
        _ => Err(expected(text.span())),
    }
}

fn own_value(input: ParseStream<'_>) -> syn::Result<OwnPublishes> {
    let value: LitBool = input
        .parse()
        .map_err(|error| syn::Error::new(error.span(), "expected `true` or `false`"))?;
    Ok(if value.value {
        OwnPublishes::Receive
    } else {
        OwnPublishes::Ignore
    })
}

const OWN_OF_LISTENERS: &str = "only `#[listener]` has `own`: a subscription hears what its service publishes unless \
     `broadcast_to_publisher` is off, a remote call never does";
