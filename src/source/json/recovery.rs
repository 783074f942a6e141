//! Find where reading continues after text that is not JSON.
//!
//! All steps go forward from the error, so that the work is linear. A row ends with LF or CR, which no string contains.

use memchr::memchr2;

use crate::steps;

/// Bytes after an error in which the end of its value is searched.
const MOST_SEARCHED: usize = 1 << 20;

/// The rows of the text from a value's start to its error.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rows {
    One,
    /// The value's first row is indented by so many bytes.
    Several {
        indent: isize,
    },
}

/// Where reading continues.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Resume {
    At(usize),
    /// The end of the value is not certain: after its row or rows.
    AfterRows,
    MoreText,
}

/// The state of a text at an error.
pub(super) struct Open {
    /// The brackets that would close the broken value.
    closers: Vec<u8>,
    /// The start of the token with the error.
    pub(super) token: usize,
}

/// What is open at an error in the value that starts at `begin`. `enter` is called at each bracket that opens, `leave` at
/// each that closes.
fn open_with(window: &[u8], begin: usize, error: usize, mut enter: impl FnMut(usize), mut leave: impl FnMut()) -> Open {
    steps::count(error - begin);
    let mut closers = Vec::new();
    let mut at = begin;
    while at < error {
        let end = match window[at] {
            b'"' => end_of_string(window, at).filter(|end| *end <= error),
            _ => Some(at + 1),
        };
        let Some(end) = end else { break };
        match window[at] {
            b'{' | b'[' => {
                closers.push(if window[at] == b'{' { b'}' } else { b']' });
                enter(at);
            }
            b'}' | b']' => {
                closers.pop();
                leave();
            }
            _ => {}
        }
        at = end;
    }
    Open { closers, token: at }
}

/// What is open at an error in the value that starts at `begin`.
pub(super) fn open_at(window: &[u8], begin: usize, error: usize) -> Open {
    open_with(window, begin, error, |_| {}, || {})
}

/// Where the objects and arrays start that are open at an error: the first two of each row, since reading continues at no
/// others. Distances from `begin`, of which those beyond 32 bits are left out.
pub(super) fn open_starts(window: &[u8], begin: usize, error: usize) -> Vec<u32> {
    let starts = std::cell::RefCell::new(Vec::new());
    let distance = |at: usize| u32::try_from(at - begin).unwrap_or(u32::MAX);
    let leave = || {
        starts.borrow_mut().pop();
    };
    open_with(window, begin, error, |at| starts.borrow_mut().push(distance(at)), leave);
    let (mut starts, mut previous, mut on_row) = (starts.into_inner(), begin, 0);
    starts.retain(|&distance| {
        let start = begin + distance as usize;
        let is_same_row = distance < u32::MAX && memchr2(b'\n', b'\r', &window[previous..start]).is_none();
        on_row = if is_same_row { on_row + 1 } else { 1 };
        previous = start.min(window.len());
        on_row <= 2 && distance < u32::MAX
    });
    starts
}

/// The end of the string whose quote is at `at`, valid or not; None if its row ends first.
fn end_of_string(window: &[u8], mut at: usize) -> Option<usize> {
    at += 1;
    loop {
        steps::count(1);
        match *window.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' if matches!(window.get(at + 1)?, b'\r' | b'\n') => return None,
            b'\\' => at += 2,
            b'\r' | b'\n' => return None,
            _ => at += 1,
        }
    }
}

/// The first row after `begin` and up to `error` that starts with a brace indented no deeper than the value.
pub(super) fn object_before(window: &[u8], begin: usize, error: usize, indent: isize) -> Option<usize> {
    let mut at = begin;
    while let Some(end) = memchr2(b'\n', b'\r', &window[at..error]) {
        let (first, row) = first_of_row(window, at + end + 1);
        if first > error {
            return None;
        }
        if starts_object(window, first, row, indent) {
            return Some(first);
        }
        at = first;
    }
    None
}

/// The first byte from `at` that is not whitespace, and the start of its row.
fn first_of_row(window: &[u8], mut at: usize) -> (usize, usize) {
    let mut row = at;
    while let Some(byte @ (b' ' | b'\t' | b'\r' | b'\n')) = window.get(at) {
        steps::count(1);
        at += 1;
        if let b'\r' | b'\n' = byte {
            row = at;
        }
    }
    (at, row)
}

fn starts_object(window: &[u8], first: usize, row: usize, indent: isize) -> bool {
    window.get(first) == Some(&b'{') && (first - row) as isize <= indent
}

/// A search for the end of a broken value.
pub(super) struct Search<'w> {
    pub(super) window: &'w [u8],
    pub(super) is_last: bool,
    pub(super) in_array: bool,
    pub(super) rows: Rows,
}

impl Search<'_> {
    /// Where reading continues after a broken value: at its end, if the brackets match and an event may follow.
    pub(super) fn resume(&self, open: &Open) -> Resume {
        let (mut at, mut closers) = (open.token, open.closers.clone());
        loop {
            steps::count(1);
            let Some(&byte) = self.window.get(at) else { return self.window_ended(&closers) };
            let end = match byte {
                b'"' => match end_of_string(self.window, at) {
                    Some(end) => end,
                    None if memchr2(b'\n', b'\r', &self.window[at..]).is_some() || self.is_last => {
                        return Resume::AfterRows;
                    }
                    None if self.window.len() - at > MOST_SEARCHED => return Resume::AfterRows,
                    None => return Resume::MoreText,
                },
                b'\r' | b'\n' if self.rows == Rows::One && closers.is_empty() => return Resume::At(at + 1),
                b'\r' | b'\n' if self.rows == Rows::One => return Resume::AfterRows,
                b'\r' | b'\n' => first_of_row(self.window, at + 1).0,
                _ => at + 1,
            };
            if end - open.token > MOST_SEARCHED {
                return Resume::AfterRows;
            }
            match byte {
                b'\r' | b'\n' if self.is_limit(at, end) => return limit(&closers, end),
                b'{' | b'[' if closers.is_empty() => return Resume::At(at),
                b'{' => closers.push(b'}'),
                b'[' => closers.push(b']'),
                b'}' | b']' if !closers.is_empty() => {
                    if closers.pop() != Some(byte) {
                        return Resume::AfterRows;
                    }
                    if closers.is_empty() {
                        return self.after_value(end);
                    }
                }
                b',' | b']' if closers.is_empty() && self.in_array => return Resume::At(at),
                b':' if closers.is_empty() => return Resume::AfterRows,
                _ => {}
            }
            at = end;
        }
    }

    fn window_ended(&self, closers: &[u8]) -> Resume {
        if self.is_last { limit(closers, self.window.len()) } else { Resume::MoreText }
    }

    /// Whether the row after the row end at `at`, with its first byte at `first`, starts another event.
    fn is_limit(&self, at: usize, first: usize) -> bool {
        let Rows::Several { indent } = self.rows else { return true };
        let (_, row) = first_of_row(self.window, at + 1);
        starts_object(self.window, first, row, indent)
    }

    /// Where reading continues after a value whose brackets were closed.
    fn after_value(&self, end: usize) -> Resume {
        let mut first = end;
        let row_end = loop {
            match self.window.get(first) {
                Some(b' ' | b'\t') => first += 1,
                Some(b'\r' | b'\n') => break Some(first),
                Some(_) => break None,
                None if self.is_last => return Resume::At(self.window.len()),
                None => return Resume::MoreText,
            }
        };
        let Some(row_end) = row_end else {
            let next: &[u8] = if self.in_array { b",]{" } else { b",[{" };
            return if next.contains(&self.window[first]) { Resume::At(end) } else { Resume::AfterRows };
        };
        if self.rows == Rows::One {
            return Resume::At(row_end + 1);
        }
        let (first, _) = first_of_row(self.window, row_end + 1);
        match self.window.get(first) {
            None if self.is_last => Resume::At(self.window.len()),
            None => Resume::MoreText,
            Some(_) if self.is_limit(row_end, first) => Resume::At(first),
            Some(_) => Resume::At(end),
        }
    }
}

fn limit(closers: &[u8], at: usize) -> Resume {
    if closers.is_empty() { Resume::At(at) } else { Resume::AfterRows }
}
