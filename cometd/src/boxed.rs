//! Futures in boxes.

use std::pin::Pin;

/// Makes a future in its box.
///
/// [`Box::pin`] copies one that is there before, with all the room that it has for what it is going to do.
pub(crate) fn boxed<F: Future>(make: impl FnOnce() -> F) -> Pin<Box<F>> {
    let place = Box::new_uninit();
    Box::into_pin(Box::write(place, make()))
}
