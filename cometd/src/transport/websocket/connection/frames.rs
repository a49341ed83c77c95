//! Frames that many sockets write.

use std::cell::RefCell;
use std::sync::{Arc, Weak};

use crate::session::Bundle;
use crate::transport::websocket::frame;

/// The frames of the bundles that a thread has written last: mostly its sockets write the same ones, in turns.
///
/// They are not kept with the messages: who does not read would keep them, too, and no queue counts them.
#[derive(Default)]
struct Frames {
    recent: [Recent; MOST_RECENT],
    /// The place of the oldest.
    oldest: usize,
}

#[derive(Default)]
struct Recent {
    /// As long as this is there, no other bundle has its address.
    bundle: Weak<Bundle>,
    frames: Vec<u8>,
}

/// How many bundles: their frames take up to 65 KiB each, as long as there is the thread.
const MOST_RECENT: usize = 8;

thread_local! {
    static FRAMES: RefCell<Frames> = RefCell::default();
}

/// Does something with the frames of these messages, each in one of its own.
pub(super) fn with_frames<T>(bundle: &Arc<Bundle>, use_frames: impl FnOnce(&[u8]) -> T) -> T {
    FRAMES.with_borrow_mut(|frames| use_frames(frames.of(bundle)))
}

impl Frames {
    fn of(&mut self, bundle: &Arc<Bundle>) -> &[u8] {
        let known = self.recent.iter().position(|it| it.is_of(bundle));
        let at = known.unwrap_or_else(|| self.write(bundle));
        self.recent.get(at).map_or(&[], |it| &it.frames)
    }

    /// Writes frames in the place of the oldest.
    fn write(&mut self, bundle: &Arc<Bundle>) -> usize {
        let at = self.oldest;
        self.oldest = (at + 1) % MOST_RECENT;
        if let Some(recent) = self.recent.get_mut(at) {
            recent.bundle = Weak::new();
            recent.frames.clear();
            let heads = bundle.messages().len() * frame::MOST_HEAD;
            recent.frames.reserve_exact(bundle.size() + heads);
            for message in bundle.messages() {
                frame::put_text(&mut recent.frames, message.envelope());
            }
            recent.bundle = Arc::downgrade(bundle);
        }
        at
    }
}

impl Recent {
    fn is_of(&self, bundle: &Arc<Bundle>) -> bool {
        std::ptr::eq(self.bundle.as_ptr(), Arc::as_ptr(bundle))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{ChannelId, Message};
    use crate::session::Parcel;

    fn bundle(texts: [&str; 2]) -> Arc<Bundle> {
        let channel = ChannelId::try_from("/a").unwrap();
        let message = |text| Message::of(channel.clone(), text).unwrap().freeze();
        match Parcel::new(texts.map(message).map(Arc::new).into()) {
            Parcel::Many(bundle) => bundle,
            Parcel::One(_) => unreachable!(),
        }
    }

    #[test]
    fn frames_are_those_of_the_bundle_however_many_there_are() {
        let texts: Vec<String> = (0..3 * MOST_RECENT).map(|it| it.to_string()).collect();
        let bundles: Vec<_> = texts.iter().map(|it| bundle([it, "last"])).collect();
        for _ in 0..2 {
            for (bundle, text) in bundles.iter().zip(&texts) {
                let mut expected = Vec::new();
                for text in [text, "last"] {
                    let envelope = format!(r#"[{{"channel":"/a","data":"{text}"}}]"#);
                    frame::put_text(&mut expected, &envelope);
                }
                with_frames(bundle, |frames| assert_eq!(frames, expected));
            }
        }
    }

    #[test]
    fn what_is_written_is_not_written_again() {
        let bundles = [["a", "b"], ["c", "d"]].map(bundle);
        let places = || bundles.each_ref().map(|it| with_frames(it, <[u8]>::as_ptr));
        assert_eq!(places(), places());
    }

    #[test]
    fn a_bundle_in_the_place_of_another_has_its_own_frames() {
        for nth in 0..100 {
            let text = format!("number {nth}.");
            let bundle = bundle([&text, "last"]);
            let has_text =
                |frames: &[u8]| frames.windows(text.len()).any(|it| it == text.as_bytes());
            assert!(with_frames(&bundle, has_text));
        }
    }

    #[test]
    fn who_was_written_is_not_kept() {
        let bundle = bundle(["a", "b"]);
        with_frames(&bundle, |_| ());
        assert_eq!(Arc::strong_count(&bundle), 1);
    }
}
