//! The bytes of a text that are at hand, and the part of them that was taken as text.

/// Bytes of a text that are at hand.
pub struct Window<'w> {
    pub(super) bytes: &'w [u8],
    pub(super) is_last: bool,
    pub(super) part: Part<'w>,
}

impl<'w> Window<'w> {
    /// A window; `is_last`: nothing comes behind it.
    pub fn new(bytes: &'w [u8], is_last: bool) -> Window<'w> {
        Window { bytes, is_last, part: Part::default() }
    }
}

/// The part of a window that was taken as text.
#[derive(Clone, Copy, Default)]
pub(super) struct Part<'w> {
    pub(super) begin: usize,
    pub(super) text: &'w str,
    /// Whether the window ends there too, but for a character that is cut.
    pub(super) ends_window: bool,
    /// Whether a byte that is not UTF-8 ends it.
    pub(super) is_broken: bool,
}

impl<'w> Part<'w> {
    /// So many bytes of a window from `begin` on, or up to the first one that is not UTF-8.
    pub(super) fn take(window: &'w [u8], begin: usize, size: usize) -> Part<'w> {
        let end = window.len().min(begin + size);
        let (bytes, ends_window) = (&window[begin..end], end == window.len());
        match simdutf8::compat::from_utf8(bytes) {
            Ok(text) => Part { begin, text, ends_window, is_broken: false },
            Err(error) => {
                let is_broken = error.error_len().is_some();
                let text = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
                Part { begin, text, ends_window: ends_window && !is_broken, is_broken }
            }
        }
    }

    pub(super) fn end(&self) -> usize {
        self.begin + self.text.len()
    }
}
