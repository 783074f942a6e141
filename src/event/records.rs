//! What was found in events, as compact records. Paths and sentences become separate texts when they are asked for.

use std::ops::Range;

use crate::rules::finding::{EventFindings, Finding, Message, Origin, excerpt, quote_excerpt};
use crate::rules::{Action, Rule};
use crate::truncate::{Advice, Truncation};

/// Events and bytes of text from which on records are handed over, so that input that is all bad takes no more memory.
const MAX_EVENTS: usize = 1000;
const MAX_TEXT: usize = 1 << 20;

/// A part of a text.
#[derive(Clone, Copy, Default)]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    fn moved(self, by: i64) -> Span {
        let moved = |place: u32| u32::try_from(i64::from(place) + by).unwrap_or(u32::MAX);
        Span { start: moved(self.start), end: moved(self.end) }
    }

    /// The part that `push` appends. One that ends past four gigabytes is not kept: it is empty.
    pub(super) fn appended(text: &mut String, push: impl FnOnce(&mut String)) -> Span {
        let start = text.len();
        push(text);
        match (u32::try_from(start), u32::try_from(text.len())) {
            (Ok(start), Ok(end)) => Span { start, end },
            _ => {
                text.truncate(start);
                Span::default()
            }
        }
    }

    pub(super) fn length(self) -> usize {
        (self.end - self.start) as usize
    }
}

/// A broken rule at one place of an event.
#[derive(Clone, Copy)]
pub struct FindingRecord {
    pub(crate) rule: Rule,
    pub(crate) action: Action,
    pub(super) field: Span,
    pub(super) sentence: Sentence,
}

/// What it takes to spell a message.
#[derive(Clone, Copy)]
pub(super) enum Sentence {
    Fixed(&'static str),
    Quoted { before: &'static str, shown: Span, more: usize, after: &'static str },
    Later { spell: fn(&str, [i64; 2]) -> String, given: Span, numbers: [i64; 2] },
    Spelled(Span),
}

impl Sentence {
    /// Keeps a message, and of a quoted value no more than is shown.
    pub(super) fn of(message: Message<'_>, text: &mut String) -> Sentence {
        match message {
            Message::Fixed(text) => Sentence::Fixed(text),
            Message::Quoted(before, value, after) => {
                let (shown, more) = excerpt(value);
                let shown = Span::appended(text, |text| text.push_str(shown));
                Sentence::Quoted { before, shown, more, after }
            }
            Message::Later(spell, given, numbers) => {
                Sentence::Later { spell, given: Span::appended(text, |text| text.push_str(&given)), numbers }
            }
            Message::Spelled(spelled) => Sentence::Spelled(Span::appended(text, |text| text.push_str(&spelled))),
        }
    }

    fn moved(self, by: i64) -> Sentence {
        match self {
            Sentence::Fixed(_) => self,
            Sentence::Quoted { before, shown, more, after } => {
                Sentence::Quoted { before, shown: shown.moved(by), more, after }
            }
            Sentence::Later { spell, given, numbers } => Sentence::Later { spell, given: given.moved(by), numbers },
            Sentence::Spelled(spelled) => Sentence::Spelled(spelled.moved(by)),
        }
    }

    fn spell(self, text: &str) -> String {
        match self {
            Sentence::Fixed(text) => text.to_owned(),
            Sentence::Quoted { before, shown, more, after } => {
                format!("{before}{}{after}", quote_excerpt(shown.of(text), more))
            }
            Sentence::Later { spell, given, numbers } => spell(given.of(text), numbers),
            Sentence::Spelled(spelled) => spelled.of(text).to_owned(),
        }
    }
}

/// A string that was truncated.
#[derive(Clone, Copy)]
pub struct CutRecord {
    pub(super) path: Span,
    pub(crate) length: usize,
    pub(crate) advice: Advice,
}

/// An event with findings or truncations.
#[derive(Clone, Copy)]
struct EventRecord {
    origin: Origin,
    insert_id: Option<Span>,
    is_rejected: bool,
    /// Its part of the text.
    text: Span,
    /// Its findings and truncations are those up to these ends that are not of the event before.
    findings_end: u32,
    cuts_end: u32,
}

/// What was found in events.
#[derive(Default)]
pub struct Records {
    events: Vec<EventRecord>,
    findings: Vec<FindingRecord>,
    cuts: Vec<CutRecord>,
    /// Paths, excerpts of values, spelled messages and ids.
    text: String,
}

impl Records {
    /// The number of events.
    pub(crate) fn count(&self) -> usize {
        self.events.len()
    }

    /// Whether there is so much that it must be handed over.
    #[inline(always)]
    pub(crate) fn is_full(&self) -> bool {
        self.events.len() >= MAX_EVENTS || self.text.len() >= MAX_TEXT
    }

    /// Adds an event of a report or of other records.
    pub(crate) fn add(&mut self, found: &FoundEvent<'_>) {
        let whole = found.event.text;
        let text = Span::appended(&mut self.text, |text| text.push_str(whole.of(found.text)));
        let by = i64::from(text.start) - i64::from(whole.start);
        self.findings.extend(found.findings.iter().map(|finding| FindingRecord {
            field: finding.field.moved(by),
            sentence: finding.sentence.moved(by),
            ..*finding
        }));
        self.cuts.extend(found.cuts.iter().map(|cut| CutRecord { path: cut.path.moved(by), ..*cut }));
        let (findings_end, cuts_end) = (self.findings.len() as u32, self.cuts.len() as u32);
        let insert_id = found.event.insert_id.map(|id| id.moved(by));
        self.events.push(EventRecord { insert_id, text, findings_end, cuts_end, ..found.event });
    }

    /// Gives back the memory that no event uses.
    pub(crate) fn shrink(&mut self) {
        self.events.shrink_to_fit();
        self.findings.shrink_to_fit();
        self.cuts.shrink_to_fit();
        self.text.shrink_to_fit();
    }

    /// Removes the last event.
    pub(crate) fn pop(&mut self) {
        let Some(event) = self.events.pop() else { return };
        let (findings, cuts) = self.ends_before(self.count());
        self.findings.truncate(findings);
        self.cuts.truncate(cuts);
        self.text.truncate(event.text.start as usize);
    }

    /// Adds a rejected event of which all is known, as one that is not JSON.
    pub(crate) fn add_rejected(&mut self, found: EventFindings) {
        let EventFindings { origin, insert_id, findings } = found;
        let mut text = String::new();
        let insert_id = insert_id.map(|id| Span::appended(&mut text, |text| text.push_str(&id)));
        let record = |Finding { rule, action, field, message }| FindingRecord {
            rule,
            action,
            field: Span::appended(&mut text, |text| text.push_str(&field)),
            sentence: Sentence::of(Message::Spelled(message), &mut text),
        };
        let findings: Vec<FindingRecord> = findings.into_iter().map(record).collect();
        self.add(&FoundEvent::new(origin, insert_id, true, &findings, &[], &text));
    }

    /// The events with these positions among those of the records.
    pub(crate) fn events(&self, range: Range<usize>) -> impl Iterator<Item = FoundEvent<'_>> {
        range.map(|position| {
            let (start, end) = (self.ends_before(position), self.ends_before(position + 1));
            FoundEvent {
                event: self.events[position],
                findings: &self.findings[start.0..end.0],
                cuts: &self.cuts[start.1..end.1],
                text: &self.text,
            }
        })
    }

    /// The numbers of findings and truncations of the events before this position.
    fn ends_before(&self, position: usize) -> (usize, usize) {
        let before = position.checked_sub(1).map(|before| self.events[before]);
        before.map_or((0, 0), |before| (before.findings_end as usize, before.cuts_end as usize))
    }
}

/// An event with findings or truncations.
pub struct FoundEvent<'r> {
    event: EventRecord,
    findings: &'r [FindingRecord],
    cuts: &'r [CutRecord],
    text: &'r str,
}

impl<'r> FoundEvent<'r> {
    /// An event of a report, whose text is all its own.
    pub(super) fn new(
        origin: Origin,
        insert_id: Option<Span>,
        is_rejected: bool,
        findings: &'r [FindingRecord],
        cuts: &'r [CutRecord],
        text: &'r str,
    ) -> FoundEvent<'r> {
        let whole = Span { start: 0, end: text.len() as u32 };
        let event = EventRecord { origin, insert_id, is_rejected, text: whole, findings_end: 0, cuts_end: 0 };
        FoundEvent { event, findings, cuts, text }
    }

    pub(crate) fn is_rejected(&self) -> bool {
        self.event.is_rejected
    }

    pub(crate) fn origin(&self) -> Origin {
        self.event.origin
    }

    pub(crate) fn insert_id(&self) -> Option<&'r str> {
        self.event.insert_id.map(|id| id.of(self.text))
    }

    /// The findings, in the order of the rules.
    pub(crate) fn findings(&self) -> &'r [FindingRecord] {
        self.findings
    }

    /// The truncations.
    pub(crate) fn cuts(&self) -> &'r [CutRecord] {
        self.cuts
    }

    /// The path of a string that was truncated.
    pub(crate) fn path(&self, cut: &CutRecord) -> &'r str {
        cut.path.of(self.text)
    }

    /// A finding with its path and its sentence.
    pub(crate) fn spell(&self, finding: &FindingRecord) -> Finding {
        let FindingRecord { rule, action, field, sentence } = *finding;
        Finding { rule, action, field: field.of(self.text).to_owned(), message: sentence.spell(self.text) }
    }

    /// A truncation with its path.
    pub(crate) fn spell_cut(&self, cut: &CutRecord) -> Truncation {
        let (index, path) = (self.event.origin.index, self.path(cut).to_owned());
        Truncation { index, path, length: cut.length, advice: cut.advice }
    }

    /// All findings with their paths and their sentences.
    pub(super) fn spell_all(&self) -> EventFindings {
        let findings = self.findings.iter().map(|finding| self.spell(finding)).collect();
        EventFindings { origin: self.origin(), insert_id: self.insert_id().map(str::to_owned), findings }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{Batcher, Format, Verdict};
    use crate::rules::limits::{Endpoint, Limits};
    use crate::source::value::Value;

    fn events() -> Vec<Value> {
        let event = |name: &str, value: Value| {
            let needed = [("time", 1_700_000_000.into()), ("distinct_id", "u".into()), ("$insert_id", "i-1".into())];
            let properties: Vec<_> = needed.into_iter().chain([(name, value)]).collect();
            let properties =
                Value::Object(properties.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
            Value::from([("event", Value::from("e")), ("properties", properties)])
        };
        vec![
            event("a", f64::NAN.into()),
            event("a\"\\é", f64::INFINITY.into()),
            event("a", "é".repeat(300).as_str().into()),
            event("k".repeat(300).as_str(), "x".repeat(300).as_str().into()),
            event("distinct_id", "é".repeat(70).as_str().into()),
            event("$insert_id", "é\"".repeat(50).as_str().into()),
            event("time", 5.into()),
            event("a", 1.into()),
            Value::from("no event"),
            Value::from([("event", Value::from(" "))]),
        ]
    }

    fn batcher() -> Batcher {
        let mut batcher = Batcher::new(Limits::documented(), Endpoint::Import, Format::Json, None);
        batcher.set_now(1_800_000_000_000);
        batcher
    }

    /// The verdict of records on an event.
    fn verdict(found: &FoundEvent<'_>) -> Verdict {
        if found.is_rejected() {
            return Verdict::Rejected(found.spell_all());
        }
        let truncations = found.cuts().iter().map(|cut| found.spell_cut(cut)).collect();
        let warnings = (!found.findings().is_empty()).then(|| found.spell_all());
        Verdict::Accepted { warnings, truncations }
    }

    #[test]
    fn records_of_many_events_say_what_the_verdict_on_each_says() {
        let (mut one_by_one, mut together) = (batcher(), batcher());
        let (mut records, mut expected) = (Records::default(), Vec::new());
        for (index, event) in events().iter().cycle().take(50).enumerate() {
            let origin = Origin { index, line: Some(index * 2) };
            let Ok(verdict) = one_by_one.add(origin, event);
            expected.extend((verdict != Verdict::Plain).then_some(verdict));
            let Ok(()) = together.add_recording(origin, event, &mut records);
            assert_eq!(records.count(), expected.len());
        }
        let all =
            |records: &Records| records.events(0..records.count()).map(|found| verdict(&found)).collect::<Vec<_>>();
        assert_eq!(all(&records), expected);
        let mut others = Records::default();
        records.events(3..records.count()).for_each(|found| others.add(&found));
        assert_eq!(all(&others), expected[3..]);
        while records.count() > 0 {
            records.pop();
            expected.pop();
            assert_eq!(all(&records), expected);
        }
        assert!(records.text.is_empty() && records.findings.is_empty() && records.cuts.is_empty());
    }

    #[test]
    fn a_rejected_event_that_is_known_whole_is_kept_whole() {
        let finding = Finding {
            rule: Rule::InvalidJson,
            action: Action::Reject,
            field: "a field".to_owned(),
            message: "a message".to_owned(),
        };
        let found = EventFindings {
            origin: Origin { index: 3, line: Some(4) },
            insert_id: Some("an id".to_owned()),
            findings: vec![finding.clone(), finding],
        };
        let mut records = Records::default();
        records.add_rejected(found.clone());
        records.add_rejected(found.clone());
        assert!(records.events(0..2).all(|kept| kept.is_rejected() && kept.spell_all() == found));
    }

    #[test]
    fn records_are_full_at_a_thousand_events_or_a_megabyte() {
        let finding = |message: String| EventFindings {
            origin: Origin { index: 0, line: None },
            insert_id: None,
            findings: vec![Finding { rule: Rule::InvalidJson, action: Action::Reject, field: String::new(), message }],
        };
        let mut records = Records::default();
        (1..=1000).for_each(|count| {
            records.add_rejected(finding(String::new()));
            assert_eq!(records.is_full(), count == 1000);
        });
        let mut records = Records::default();
        records.add_rejected(finding("x".repeat(1 << 20)));
        assert!(records.is_full());
    }
}
