//! What services may have injected.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::fmt;

/// One value per type, as given to [`provide`](crate::Builder::provide).
#[derive(Default)]
pub struct Provisions(HashMap<TypeId, (&'static str, Box<dyn Any + Send + Sync>)>);

impl Provisions {
    /// Adds a value; whether there was one of this type before.
    pub(crate) fn insert<T: Any + Clone + Send + Sync>(&mut self, value: T) -> bool {
        self.0
            .insert(TypeId::of::<T>(), (type_name::<T>(), Box::new(value)))
            .is_some()
    }

    /// A clone of the value of this type.
    #[must_use]
    pub fn get<T: Any + Clone>(&self) -> Option<T> {
        self.0.get(&TypeId::of::<T>())?.1.downcast_ref().cloned()
    }
}

impl fmt::Debug for Provisions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_set()
            .entries(self.0.values().map(|(name, _)| name))
            .finish()
    }
}
