//! The JSON that was written: the body of the open batch, and where the event that is being written is in it.

use super::frames::{Frame, Frames};
use super::known_names::{KnownName, KnownNames};
use super::place::{Kind, Meaning};
use crate::gzip::press::Hint;
use crate::scan::{string_at, unescape};
use crate::vectors::baseline::append_member;

/// Bytes of each buffer that [`WrittenJson::forget`] keeps.
const KEPT_BYTES: usize = 1 << 18;

/// The body of the open batch, and the state of writing the event at its end.
pub(crate) struct WrittenJson {
    pub(crate) text: Vec<u8>,
    /// Hints for the events that are kept.
    pub(crate) hints: Vec<Hint>,
    event_hints: EventHints,
    /// Whether hints are wanted. Without them, where a name was last is not kept.
    pub(crate) notes_hints: bool,
    pub(super) open: Frames,
    pub(super) known_names: KnownNames,
    event_start: usize,
}

impl WrittenJson {
    pub(super) fn new() -> WrittenJson {
        WrittenJson {
            text: Vec::new(),
            hints: Vec::new(),
            event_hints: EventHints::none(),
            notes_hints: false,
            open: Frames::none(),
            known_names: KnownNames::new(),
            event_start: 0,
        }
    }

    /// Forgets the names. The text must be empty.
    pub(crate) fn forget(&mut self) {
        self.known_names.forget();
        self.text.shrink_to(KEPT_BYTES);
        self.hints.shrink_to(KEPT_BYTES / size_of::<Hint>());
    }

    pub(super) fn begin_event(&mut self) {
        self.event_start = self.text.len();
        self.event_hints.count = 0;
        self.open.clear();
        self.known_names.begin();
    }

    /// Removes the last event, and everything since the text was `to` long, and what was noted of its names: the events
    /// after it get the same hints as without it.
    pub(crate) fn take_back(&mut self, to: usize) {
        self.known_names.restore_evicted();
        for index in (0..self.event_hints.all().len()).rev() {
            self.restore_hint(index);
        }
        self.text.truncate(to.min(self.event_start));
    }

    /// Removes the last event, which starts the next batch and so was copied.
    pub(crate) fn move_on(&mut self, to: usize) {
        self.text.truncate(to.min(self.event_start));
    }

    /// Undoes what was noted for a hint.
    fn restore_hint(&mut self, index: usize) {
        let Hint { at, like } = self.event_hints.hints[index];
        let text = self.text.get(at as usize..).unwrap_or_default();
        self.known_names.restore_last(text, at, like);
    }

    /// Adds the hints of the last event.
    pub(crate) fn keep_hints(&mut self) {
        self.hints.extend_from_slice(self.event_hints.all());
    }

    /// The last event, as far as it is written.
    pub(crate) fn event(&self) -> &[u8] {
        &self.text[self.event_start..]
    }

    /// The length of the last event, as far as it is written.
    #[inline(always)]
    pub(super) fn event_length(&self) -> usize {
        self.text.len() - self.event_start
    }

    /// Starts a member: writes the comma before it.
    #[inline(always)]
    pub(super) fn begin_member(&mut self) {
        if self.open.top().count != 0 {
            self.text.push(b',');
        }
        self.open.top_mut().count += 1;
        self.open.top_mut().name_at = self.text.len();
    }

    /// The known name that came last.
    pub(super) fn last_known(&mut self) -> KnownMember<'_> {
        let hints = self.notes_hints.then_some(&mut self.event_hints);
        KnownMember { known: self.known_names.last_mut(), text: &mut self.text, open: &mut self.open, hints }
    }

    /// Adds a hint that a name is here which was nowhere before, at the name that was written last.
    pub(super) fn hint_new_name(&mut self) {
        if !self.notes_hints {
            return;
        }
        self.event_hints.push(Hint { at: self.open.top().name_at as u32, like: u32::MAX });
    }

    /// The name that is expected next, if it is the right one. It must be written.
    #[inline(always)]
    pub(super) fn expected(&mut self, is_right: impl FnOnce(&KnownName) -> bool) -> Option<KnownMember<'_>> {
        let known = self.known_names.pass_expected(is_right)?;
        let hints = self.notes_hints.then_some(&mut self.event_hints);
        Some(KnownMember { known, text: &mut self.text, open: &mut self.open, hints })
    }

    /// The name that was written last.
    pub(super) fn last_name(&self) -> String {
        unescape(string_at(&self.text, self.open.top().name_at).0).text
    }

    /// Removes the name that was written last, and the comma before it.
    pub(super) fn take_back_name(&mut self) {
        if let Some(last) = self.event_hints.last_at(self.open.top().name_at) {
            self.restore_hint(last);
            self.event_hints.count = last;
        }
        self.open.top_mut().count -= 1;
        self.text.truncate(self.open.top().name_at - usize::from(self.open.top().count > 0));
    }

    /// Appends the text of the string that starts at `at`.
    pub(super) fn push_name(&self, at: usize, text: &mut String) {
        let name = string_at(&self.text, at).0;
        if name.contains('\\') {
            text.push_str(&unescape(name).text);
        } else {
            text.push_str(name);
        }
    }

    /// Appends the path of the value that is being written, or was written last, like `properties.a.b[2]`.
    pub(super) fn push_path(&self, path: &mut String) {
        self.push_path_through(self.open.all(), path);
    }

    /// Appends the path of the innermost open object or array.
    pub(super) fn push_path_of_container(&self, path: &mut String) {
        self.push_path_through(&self.open.all()[..self.open.open_count()], path);
    }

    fn push_path_through(&self, frames: &[Frame], path: &mut String) {
        let start = path.len();
        for frame in frames {
            match frame.kind {
                Kind::Array | Kind::Names => path.push_str(&format!("[{}]", frame.count.saturating_sub(1))),
                _ if frame.count > 0 => {
                    if path.len() > start {
                        path.push('.');
                    }
                    self.push_name(frame.name_at, path);
                }
                _ => {}
            }
        }
        crate::steps::count(path.len() - start);
    }
}

/// A known name that is to be written, and where.
pub(super) struct KnownMember<'a> {
    known: &'a mut KnownName,
    text: &'a mut Vec<u8>,
    open: &'a mut Frames,
    hints: Option<&'a mut EventHints>,
}

impl KnownMember<'_> {
    /// Drops the tag of a name that was offered with other tags again and again: a program that had constants before reads
    /// its names now, and each would be looked for by its tag in vain.
    #[inline(always)]
    pub(super) fn drop_tag(&mut self) {
        self.known.tag = 0;
    }

    /// Writes the name with its comma. Returns what it means, and the kind of the object that it is in.
    #[inline(always)]
    pub(super) fn write(self) -> (Meaning, Kind) {
        let KnownMember { known, text, open, hints } = self;
        let top = open.top_mut();
        let (kind, is_first) = (top.kind, top.count == 0);
        let name_at = text.len() + usize::from(!is_first);
        top.count += 1;
        top.name_at = name_at;
        if let Some(hints) = hints {
            let like = std::mem::replace(&mut known.last_at, name_at as u32);
            hints.push(Hint { at: name_at as u32, like });
        }
        append_member(text, !is_first, &known.written, known.written_length());
        (known.meaning, kind)
    }
}

/// Where the known names of an event are, and where they were last: hints, if the event is kept.
///
/// Fixed size, and filled without a check for room: a branch or a reallocation costs more than the store.
struct EventHints {
    hints: [Hint; MAX_HINTS],
    count: usize,
}

/// Room for the hints of one event. The last slot is overwritten by each hint beyond, and none of these is given.
const MAX_HINTS: usize = 256;

impl EventHints {
    fn none() -> EventHints {
        EventHints { hints: [Hint { at: 0, like: 0 }; MAX_HINTS], count: 0 }
    }

    #[inline(always)]
    fn push(&mut self, hint: Hint) {
        self.hints[self.count.min(MAX_HINTS - 1)] = hint;
        self.count += 1;
    }

    fn all(&self) -> &[Hint] {
        &self.hints[..self.count.min(MAX_HINTS - 1)]
    }

    /// The index of the last hint, if it is for the name at this place.
    fn last_at(&self, name_at: usize) -> Option<usize> {
        let last = self.count.checked_sub(1).filter(|&last| last < MAX_HINTS - 1)?;
        (self.hints[last].at as usize == name_at).then_some(last)
    }
}
