//! The stack of objects and arrays that are open.
//!
//! Frames stay in place when one is pushed: copying the top frame would read back what was just written, which takes a
//! processor longer than the write.

use super::place::Kind;
use crate::rules::limits::MAX_LEVELS;

/// Objects and arrays that can be open at once: the event, its properties, and the levels inside those.
pub(super) const MAX_OPEN: usize = MAX_LEVELS + 3;

/// An open object or array.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    /// A name was changed or may repeat: the names are compared at the end.
    pub(super) names_may_repeat: bool,
    /// Enclosing objects within `properties`, which is 0. Arrays do not count.
    pub(super) depth: i8,
    /// Members or elements so far.
    pub(super) count: u32,
    /// Where its opening bracket is in the JSON.
    pub(super) start: usize,
    /// Where the quote of the last member's name is in the JSON.
    pub(super) name_at: usize,
}

impl Frame {
    const OUTSIDE: Frame =
        Frame { kind: Kind::Event, names_may_repeat: false, depth: -2, count: 0, start: 0, name_at: 0 };
}

/// Room for frames: a power of two, so that indexing needs no bounds check.
const ROOM: usize = MAX_OPEN.next_power_of_two();

/// The open objects and arrays. The bottom frame is outside the event, which is a value in it.
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

    /// The innermost one.
    #[inline(always)]
    pub(super) fn top(&self) -> &Frame {
        &self.frames[self.open % ROOM]
    }

    /// The innermost one.
    #[inline(always)]
    pub(super) fn top_mut(&mut self) -> &mut Frame {
        &mut self.frames[self.open % ROOM]
    }

    /// Opens one inside the innermost one. Panics if [`MAX_OPEN`] are open.
    #[inline(always)]
    pub(super) fn push(&mut self, kind: Kind, depth: i8, start: usize) {
        assert!(self.open + 1 < ROOM);
        self.open += 1;
        *self.top_mut() = Frame { kind, names_may_repeat: false, depth, count: 0, start, name_at: start };
    }

    /// Closes the innermost one, and returns it.
    #[inline(always)]
    pub(super) fn pop(&mut self) -> Frame {
        let closed = *self.top();
        self.open = self.open.saturating_sub(1);
        closed
    }

    /// From the outermost to the innermost.
    pub(super) fn all(&self) -> &[Frame] {
        &self.frames[..=self.open]
    }
}
