//! Frames: the objects and arrays that are open.
//!
//! They stay where they are when one is opened inside another: moving them would read back what was just written, which
//! takes a processor longer than the writing.

use super::place::Kind;
use super::writer::MAX_OPEN;

/// An open object or array.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    /// A name was changed or may stand twice: the names are compared at the end.
    pub(super) names_may_repeat: bool,
    /// Objects around it within `properties`, which is 0. Arrays add nothing.
    pub(super) depth: i8,
    /// Members or elements so far.
    pub(super) count: u32,
    /// Where its opening bracket stands in the output.
    pub(super) start: usize,
    /// Where the quote of the last member's name stands in the output.
    pub(super) name_at: usize,
}

impl Frame {
    const OUTSIDE: Frame =
        Frame { kind: Kind::Event, names_may_repeat: false, depth: -2, count: 0, start: 0, name_at: 0 };
}

/// Frames that there is room for: a power of two, so that finding one takes no check.
const ROOM: usize = MAX_OPEN.next_power_of_two();

/// What is open; outside of the event there is a frame too, in which it is a value.
pub(super) struct Frames {
    frames: [Frame; ROOM],
    /// How many are open.
    open: usize,
}

impl Frames {
    pub(super) fn none() -> Frames {
        Frames { frames: [Frame::OUTSIDE; ROOM], open: 0 }
    }

    pub(super) fn clear(&mut self) {
        self.frames[0] = Frame::OUTSIDE;
        self.open = 0;
    }

    pub(super) fn open_count(&self) -> usize {
        self.open
    }

    /// The one that was opened last.
    #[inline(always)]
    pub(super) fn top(&self) -> &Frame {
        &self.frames[self.open % ROOM]
    }

    /// The one that was opened last.
    #[inline(always)]
    pub(super) fn top_mut(&mut self) -> &mut Frame {
        &mut self.frames[self.open % ROOM]
    }

    /// Opens one in the one that was opened last. There must be fewer than [`MAX_OPEN`] open.
    #[inline(always)]
    pub(super) fn push(&mut self, kind: Kind, depth: i8, start: usize) {
        assert!(self.open + 1 < ROOM);
        self.open += 1;
        *self.top_mut() = Frame { kind, names_may_repeat: false, depth, count: 0, start, name_at: start };
    }

    /// Closes the one that was opened last; gives its kind and how many members or elements it had.
    #[inline(always)]
    pub(super) fn pop(&mut self) -> (Kind, u32) {
        let Frame { kind, count, .. } = *self.top();
        self.open = self.open.saturating_sub(1);
        (kind, count)
    }

    /// From the outermost to the one that was opened last.
    pub(super) fn all(&self) -> &[Frame] {
        &self.frames[..=self.open]
    }
}
