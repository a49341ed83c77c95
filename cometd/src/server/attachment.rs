//! Taking off what was attached to a running server.

use std::fmt;

/// Something that is attached to a running server: a listener, an authorizer, an extension.
///
/// Dropping it takes it off again; [`keep`](Self::keep) leaves it for good.
#[must_use = "dropping it takes off at once what was attached; `keep` leaves it"]
pub struct Attachment(Option<Box<dyn FnOnce() + Send + Sync>>);

impl Attachment {
    pub(crate) fn new(detach: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(detach)))
    }

    /// Leaves it for as long as what it is attached to.
    pub fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        if let Some(detach) = self.0.take() {
            detach();
        }
    }
}

impl fmt::Debug for Attachment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Attachment(..)")
    }
}
