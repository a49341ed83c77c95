//! Checks of a `#[service]` struct.

use syn::{Attribute, ItemStruct, LitStr};

use crate::{
    attr::{ServiceArguments, cfgs, check_bare},
    errors::Errors,
    model::{Field, FieldSource, Service},
    role::FieldRole,
};

/// `roles` holds what was taken off each field, in the order of the fields of `item`.
pub(crate) fn service(
    arguments: syn::Result<ServiceArguments>,
    item: &ItemStruct,
    roles: &[Vec<(FieldRole, Attribute)>],
) -> syn::Result<Service> {
    let mut errors = Errors::default();
    if !item.generics.params.is_empty() {
        let message =
            "a service is a single thing that the server makes: remove the generics from its type";
        errors.push(syn::Error::new_spanned(&item.generics, message));
    }
    let arguments = errors.ok(arguments);
    if let Some(arguments) = &arguments {
        check_name(&arguments.name, &mut errors);
    }
    let fields = item.fields.iter().zip(roles).map(|(field, roles)| Field {
        name: field.ident.clone(),
        ty: field.ty.clone(),
        cfgs: cfgs(&field.attrs),
        source: field_source(roles, &mut errors),
    });
    let fields = fields.collect();
    let arguments = errors.finish(arguments)?;
    // `finish` has returned if the arguments are missing, so this only satisfies the types.
    let Some(ServiceArguments { name, order, .. }) = arguments else {
        return Err(syn::Error::new_spanned(
            &item.ident,
            "the service has no name",
        ));
    };
    Ok(Service {
        item: item.clone(),
        name,
        order,
        fields,
    })
}

fn check_name(name: &LitStr, errors: &mut Errors) {
    let text = name.value();
    if text.is_empty() {
        errors.push(syn::Error::new(
            name.span(),
            "the name of a service is not empty: write one such as \"chat\"",
        ));
    }
    if let Some(it) = text
        .chars()
        .find(|it| !it.is_ascii_alphanumeric() && !"_.-".contains(*it))
    {
        let message = format!(
            "{it:?} is not allowed in the name of a service, only letters, digits, `_`, `.` and `-`"
        );
        errors.push(syn::Error::new(name.span(), message));
    }
}

fn field_source(roles: &[(FieldRole, Attribute)], errors: &mut Errors) -> FieldSource {
    for (role, attribute) in roles {
        errors.ok(check_bare(attribute, role.name()));
    }
    let mut roles = roles.iter();
    let Some((role, _)) = roles.next() else {
        return FieldSource::Default;
    };
    for (other, attribute) in roles {
        let (name, other_name) = (role.name(), other.name());
        let message = if role == other {
            format!("`#[{name}]` is given twice: remove one")
        } else {
            format!("a field has one source: remove `#[{name}]` or `#[{other_name}]`")
        };
        errors.push(syn::Error::new_spanned(attribute, message));
    }
    match role {
        FieldRole::Inject => FieldSource::Inject,
        FieldRole::Session => FieldSource::Session,
    }
}
