//! Where a text may repeat itself, as its writer knows.

/// The text at `at` may repeat the text at `like`, an earlier place. A wrong hint costs size, never correctness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hint {
    /// Where a member's name starts.
    pub at: u32,
    /// Where the last member of the same name started; `u32::MAX` if there was none.
    pub like: u32,
}

/// The hints of `length` bytes from `start` on, for these bytes alone. Those to earlier places point before the
/// text, which `Place::back` takes for its start.
pub(super) fn moved(hints: &[Hint], start: usize, length: usize) -> Vec<Hint> {
    crate::steps::count(hints.len());
    let moved =
        |hint: &Hint| Hint { at: hint.at.wrapping_sub(start as u32), like: hint.like.wrapping_sub(start as u32) };
    let before = |end: usize| move |hint: &&Hint| (hint.at as usize) < end;
    hints.iter().skip_while(before(start)).take_while(before(start + length)).map(moved).collect()
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

    /// The place of the hint after the next one.
    #[inline(always)]
    pub(super) fn second_at(&self) -> usize {
        self.rest.as_slice().first().map_or(usize::MAX, |hint| hint.at as usize)
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
            crate::steps::count(1);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moved_hints_are_those_of_the_bytes() {
        let hint = |at, like| Hint { at, like };
        let hints = [hint(10, 0), hint(100, 10), hint(120, 100), hint(150, 120)];
        assert_eq!(moved(&hints, 100, 50), [hint(0, 10u32.wrapping_sub(100)), hint(20, 0)]);
        assert_eq!(moved(&hints, 0, 1000), hints);
        let mut hints = Hints::new(&hints[..1]);
        assert_eq!(hints.pass(10), (10, 10));
        // One to an earlier place points further back than any match.
        let earlier = [hint(0, 10u32.wrapping_sub(100))];
        assert!(Hints::new(&earlier).next_distance() > super::super::token::WINDOW);
    }
}
