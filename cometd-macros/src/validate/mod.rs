//! From syntax to model: every check, with all mistakes reported together.

mod argument;
mod handlers;
mod service;
mod signature;

pub(crate) use handlers::{Annotated, handlers};
pub(crate) use service::service;

use syn::{Attribute, LitStr};

use crate::{channel::Channel, errors::Errors, role::MethodRole};

/// The channels of one attribute: at least one, each well formed, none twice.
fn channels(
    literals: &[LitStr],
    role: MethodRole,
    attribute: &Attribute,
    errors: &mut Errors,
) -> Vec<Channel> {
    if literals.is_empty() {
        let (name, example) = (role.name(), role.grammar().example());
        let noun = role.grammar().noun();
        let message = format!("`#[{name}]` needs a {noun}: write `#[{name}(\"{example}\")]`");
        errors.push(syn::Error::new_spanned(attribute, message));
    }
    let mut channels: Vec<Channel> = Vec::new();
    for literal in literals {
        let Some(channel) = errors.ok(Channel::parse(literal, role.grammar())) else {
            continue;
        };
        if channels
            .iter()
            .any(|it| it.literal.value() == literal.value())
        {
            let message = format!(
                "the {} {:?} is listed twice: remove one",
                role.grammar().noun(),
                literal.value()
            );
            errors.push(syn::Error::new(literal.span(), message));
        }
        channels.push(channel);
    }
    channels
}
