//! Events under small limits: each gets the oracle's verdict, and the batches are those of a plain loop.

use std::cell::RefCell;

use mixpress::batch::{Batcher, Format, Packed, Verdict};
use mixpress::encoder::Settings;
use mixpress::finding::{EventFindings, Finding, Origin};
use mixpress::gzip::Gzip;
use mixpress::rules::{Action, Rule};
use mixpress::source::value::Value;
use mixpress::truncate::Truncation;

use crate::draw::Draw;
use crate::events::{event, update};
use crate::oracle::{Expected, judge};
use crate::settings::{NOW, settings, without_additions};

pub fn check(data: &[u8]) {
    let mut draw = Draw::new(data);
    let settings = settings(&mut draw);
    let (around, endpoint) = (settings.limits.max_string, settings.endpoint);
    let one = |draw: &mut Draw<'_>| {
        if endpoint.takes_updates() { update(draw, around, endpoint) } else { event(draw, around) }
    };
    let events: Vec<_> = (0..1 + draw.below(4)).map(|_| one(&mut draw)).collect();
    check_events(&events, &without_additions(&settings));
    check_additions(&events, &settings);
}

/// Checks that the output is JSON with ids derived and long texts converted.
fn check_additions(events: &[Value], settings: &Settings) {
    let mut batcher = settings.batcher();
    let mut packed = Vec::new();
    for (index, event) in events.iter().enumerate() {
        let Ok(_) = batcher.add(Origin { index, line: None }, event);
        packed.extend(batcher.take_full());
    }
    packed.extend(batcher.finish());
    for Packed { json, .. } in packed {
        let mut values = serde_json::Deserializer::from_slice(&json).into_iter::<serde_json::Value>();
        assert!(values.all(|value| value.is_ok()), "{}", String::from_utf8_lossy(&json));
    }
}

fn check_events(events: &[Value], settings: &Settings) {
    let mut batcher = settings.batcher();
    batcher.set_now(NOW);
    let mut packed = Vec::new();
    let mut accepted = Vec::new();
    for (index, event) in events.iter().enumerate() {
        let expected = judge(event, settings);
        let Ok(verdict) = batcher.add(Origin { index, line: None }, event);
        check_verdict(index, &verdict, &expected);
        if !expected.is_rejected {
            accepted.push((index, expected.json));
        }
        check_held(&batcher, &accepted, settings);
        packed.extend(batcher.take_full());
    }
    packed.extend(batcher.finish());
    check_batches(packed, &accepted, settings);
}

pub fn check_verdict(index: usize, verdict: &Verdict, expected: &Expected) {
    let (found, truncations) = match verdict {
        Verdict::Rejected(found) => {
            assert!(expected.is_rejected, "rejected, and should not be: {found:?}");
            (Some(found), &[][..])
        }
        Verdict::Plain => {
            assert!(!expected.is_rejected, "accepted in spite of {:?}", expected.findings);
            (None, &[][..])
        }
        Verdict::Accepted { warnings, truncations } => {
            assert!(!expected.is_rejected, "accepted in spite of {:?}", expected.findings);
            (warnings.as_ref(), truncations.as_slice())
        }
    };
    let findings = found.map_or(&[][..], |found| &found.findings);
    let found_rules: Vec<_> = findings.iter().map(plain).collect();
    assert_eq!(found_rules, expected.findings);
    if let Some(EventFindings { origin, insert_id, .. }) = found {
        assert_eq!((origin.index, insert_id), (index, &expected.insert_id));
    }
    if !expected.is_rejected {
        let plain = |cut: &Truncation| (cut.path.clone(), cut.length, cut.advice);
        assert!(truncations.iter().all(|cut| cut.index == index));
        assert_eq!(truncations.iter().map(plain).collect::<Vec<_>>(), expected.truncations);
    }
}

fn plain(finding: &Finding) -> (Rule, Action, String) {
    assert!(finding.message.len() > 10 && finding.message.len() < 2000, "{finding:?}");
    (finding.rule, finding.action, finding.field.clone())
}

/// Checks that at most a batch and one more event are held.
fn check_held(batcher: &Batcher, accepted: &[(usize, String)], settings: &Settings) {
    let largest = accepted.iter().map(|(_, json)| json.len()).max().unwrap_or(0);
    assert!(batcher.held_bytes() <= settings.limits.max_batch_bytes + 2 * (largest + 2));
    assert!(batcher.count() <= settings.limits.max_batch_events);
}

/// Checks that a batch closes before the event that would exceed a limit; a single event always fits.
fn check_batches(mut packed: Vec<Packed>, accepted: &[(usize, String)], settings: &Settings) {
    let limits = &settings.limits;
    let mut groups: Vec<Vec<(usize, String)>> = Vec::new();
    for event in accepted {
        let fits = groups.last().is_some_and(|group| {
            let longer = [group.as_slice(), std::slice::from_ref(event)].concat();
            longer.len() <= limits.max_batch_events && joined(&longer, settings.format).len() <= limits.max_batch_bytes
        });
        if !fits {
            groups.push(Vec::new());
        }
        groups.last_mut().expect("just pushed").push(event.clone());
    }
    assert_eq!(packed.len(), groups.len());
    for (packed, group) in packed.iter_mut().zip(&groups) {
        assert_eq!(packed.indexes, group.iter().map(|(index, _)| *index).collect::<Vec<_>>());
        assert_eq!(String::from_utf8_lossy(&packed.json), joined(group, settings.format));
        check_body(packed, group, settings);
    }
}

fn joined(group: &[(usize, String)], format: Format) -> String {
    let events: Vec<_> = group.iter().map(|(_, json)| json.as_str()).collect();
    match format {
        Format::Ndjson => events.iter().map(|json| format!("{json}\n")).collect(),
        Format::Json | Format::Form | Format::FormBase64 => format!("[{}]", events.join(",")),
    }
}

/// Checks that the events can be read back from a body, and that another parser accepts each.
fn check_body(packed: &mut Packed, group: &[(usize, String)], settings: &Settings) {
    thread_local!(static GZIP: RefCell<Gzip> = RefCell::new(Gzip::new(None))); // the slowest part to create
    let events = GZIP.with_borrow_mut(|gzip| {
        let batch = settings.seal(packed, gzip);
        batch.contents.events(&batch.body).expect("the events are in the body")
    });
    for (event, (_, json)) in events.iter().zip(group) {
        assert_eq!(event, json.as_bytes());
        let parsed = serde_json::from_slice::<serde_json::Value>(event);
        assert!(parsed.is_ok_and(|event| event.is_object()), "{json}");
    }
    assert_eq!(events.len(), group.len());
}
