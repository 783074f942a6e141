//! The bytes of a text that are in memory, and the part of them that was validated as UTF-8.

/// Bytes of a text that are in memory.
pub struct Window<'w> {
    pub(super) bytes: &'w [u8],
    pub(super) is_last: bool,
    pub(super) part: Checked<'w>,
}

impl<'w> Window<'w> {
    /// A window; `is_last`: the text ends with it.
    pub fn new(bytes: &'w [u8], is_last: bool) -> Window<'w> {
        Window { bytes, is_last, part: Checked::default() }
    }
}

/// The part of a window that was validated as UTF-8.
#[derive(Clone, Copy, Default)]
pub(super) struct Checked<'w> {
    pub(super) begin: usize,
    pub(super) text: &'w str,
    /// Whether the window ends with it, apart from an incomplete character.
    pub(super) ends_window: bool,
    /// Whether it ends before a byte that is not UTF-8.
    pub(super) is_broken: bool,
}

impl<'w> Checked<'w> {
    /// `size` bytes of a window from `begin`, or those before the first byte that is not UTF-8.
    pub(super) fn take(window: &'w [u8], begin: usize, size: usize) -> Checked<'w> {
        let end = window.len().min(begin + size);
        let (bytes, ends_window) = (&window[begin..end], end == window.len());
        match simdutf8::compat::from_utf8(bytes) {
            Ok(text) => {
                crate::steps::count(text.len());
                Checked { begin, text, ends_window, is_broken: false }
            }
            Err(error) => {
                crate::steps::count(error.valid_up_to() + 1); // it stops there
                let is_broken = error.error_len().is_some();
                let text = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
                Checked { begin, text, ends_window: ends_window && !is_broken, is_broken }
            }
        }
    }

    pub(super) fn end(&self) -> usize {
        self.begin + self.text.len()
    }
}

/// Whether a text starts with the byte order mark of UTF-8; None if it is too short to say.
pub(super) fn starts_with_mark(window: &[u8]) -> Option<bool> {
    const MARK: &[u8] = b"\xEF\xBB\xBF";
    if window.len() >= MARK.len() {
        Some(window.starts_with(MARK))
    } else if MARK.starts_with(window) {
        None
    } else {
        Some(false)
    }
}
