//! What application code keeps with a session.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;

use super::ServerSession;

type Value = Arc<dyn Any + Send + Sync>;

/// The values of one session.
#[derive(Default)]
pub(super) struct Attributes {
    named: HashMap<Box<str>, Value>,
    typed: HashMap<TypeId, Value>,
}

impl ServerSession {
    /// Keeps a value with the session, under a name; returns whether one was replaced.
    pub fn set_attribute<T: Any + Send + Sync>(&self, name: &str, value: T) -> bool {
        let (name, value) = (name.into(), Arc::new(value));
        // Dropped after the lock, as everything that is the user's.
        let replaced = self.0.attributes.lock().named.insert(name, value);
        replaced.is_some()
    }

    /// The value under a name, if it is of this type.
    #[must_use]
    pub fn attribute<T: Any + Send + Sync>(&self, name: &str) -> Option<Arc<T>> {
        let value = self.0.attributes.lock().named.get(name).cloned()?;
        value.downcast().ok()
    }

    /// Takes the value under a name away.
    pub fn remove_attribute(&self, name: &str) {
        let removed = self.0.attributes.lock().named.remove(name);
        drop(removed);
    }

    /// Keeps a value with the session, the only one of its type; returns the one that was replaced.
    ///
    /// Handlers take it as an [`Attribute`](crate::Attribute).
    pub fn insert<T: Any + Send + Sync>(&self, value: T) -> Option<Arc<T>> {
        let (kind, value) = (TypeId::of::<T>(), Arc::new(value));
        let replaced = self.0.attributes.lock().typed.insert(kind, value);
        replaced?.downcast().ok()
    }

    /// The value of this type, if there is one.
    #[must_use]
    pub fn get<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let value = self
            .0
            .attributes
            .lock()
            .typed
            .get(&TypeId::of::<T>())?
            .clone();
        value.downcast().ok()
    }

    /// Takes the value of this type away, and returns it.
    #[expect(
        clippy::must_use_candidate,
        reason = "the removal is what it is called for"
    )]
    pub fn remove<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let removed = self.0.attributes.lock().typed.remove(&TypeId::of::<T>());
        removed?.downcast().ok()
    }
}
