//! Where a text may repeat itself, as its writer knows.

/// The text at `at` may repeat the text at `like`, an earlier place. A wrong hint costs size, never correctness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hint {
    /// Where a member's name starts.
    pub at: u32,
    /// Where the last member of the same name started.
    pub like: u32,
}

/// The hints of a text, read in its order.
#[derive(Clone)]
pub(super) struct Hints<'a> {
    rest: std::slice::Iter<'a, Hint>,
    /// The place of the next hint; past any text if there is none.
    next_at: usize,
    next_like: usize,
}

impl<'a> Hints<'a> {
    pub(super) fn new(hints: &'a [Hint]) -> Hints<'a> {
        let mut hints = Hints { rest: hints.iter(), next_at: 0, next_like: 0 };
        hints.advance();
        hints
    }

    /// The place of the next hint.
    #[inline(always)]
    pub(super) fn next_at(&self) -> usize {
        self.next_at
    }

    /// How far back the next hint points; wraps if it does not point back.
    #[inline(always)]
    pub(super) fn next_distance(&self) -> usize {
        self.next_at.wrapping_sub(self.next_like)
    }

    /// Consumes the hints up to `at`. Returns how far back the last one points, and its own place. A hint's distance stays
    /// valid while both places keep matching.
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
