//! Hint: what the encoder knows of a text, and the compressor would have to search for.

/// From `at` on the text may repeat what stands at `like`, an earlier place. A hint may be wrong: it costs size, never
/// correctness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hint {
    /// Where a member's name begins.
    pub at: u32,
    /// Where a member of the same name began last.
    pub like: u32,
}

/// The hints of a text, read along with it.
#[derive(Clone)]
pub(super) struct Hints<'a> {
    rest: std::slice::Iter<'a, Hint>,
    /// The place of the hint that comes next; past any text where there is none.
    next_at: usize,
    next_like: usize,
}

impl<'a> Hints<'a> {
    pub(super) fn new(hints: &'a [Hint]) -> Hints<'a> {
        let mut hints = Hints { rest: hints.iter(), next_at: 0, next_like: 0 };
        hints.advance();
        hints
    }

    /// The place that the next hint speaks of.
    #[inline(always)]
    pub(super) fn next_at(&self) -> usize {
        self.next_at
    }

    /// How far back it points; a senseless number where it does not point back.
    #[inline(always)]
    pub(super) fn next_distance(&self) -> usize {
        self.next_at.wrapping_sub(self.next_like)
    }

    /// Passes the hints of places up to `at`. Returns how far back the last one points, and its own place. What a hint
    /// says of its place holds for the places behind it as long as the text goes on alike.
    #[inline(always)]
    pub(super) fn pass(&mut self, at: usize) -> (usize, usize) {
        let mut passed = (0, 0);
        while self.next_at <= at {
            passed = (self.next_distance(), self.next_at);
            self.advance();
        }
        passed
    }

    #[inline(always)]
    fn advance(&mut self) {
        (self.next_at, self.next_like) = match self.rest.next() {
            Some(hint) => (hint.at as usize, hint.like as usize),
            None => (usize::MAX, 0),
        };
    }
}
