//! Tests of batches and of the hints that go with them.

use super::*;
use crate::source::value::Value;

fn event(time: i64, padding: usize) -> Value {
    let properties = [
        ("time", time.into()),
        ("distinct_id", "u".into()),
        ("$insert_id", "i".into()),
        ("a name", Value::from("x".repeat(padding).as_str())),
        ("nested", Value::from([("a name", 1.into())])),
    ];
    Value::from([("event", Value::from("e")), ("properties", Value::from(properties))])
}

fn batcher(max_bytes: usize) -> Batcher {
    let mut limits = Limits::documented();
    limits.max_batch_bytes = max_bytes;
    let mut batcher = Batcher::new(limits, Endpoint::Import, Format::Json, None);
    batcher.set_now(1_800_000_000_000);
    batcher.give_hints();
    batcher
}

/// The name at a place.
fn name_at(json: &[u8], at: u32) -> &[u8] {
    let rest = &json[at as usize..];
    assert_eq!(rest[0], b'"');
    &rest[..rest.iter().position(|&byte| byte == b':').unwrap()]
}

fn add(batcher: &mut Batcher, event: &Value, index: usize) -> Verdict {
    let Ok(verdict) = batcher.add(Origin { index, line: None }, event);
    verdict
}

#[test]
fn a_hint_points_to_the_last_place_of_its_name_and_a_rejected_event_leaves_none() {
    let mut batcher = batcher(1_000_000);
    for index in 0..6 {
        let is_rejected = matches!(
            add(&mut batcher, &event(if index == 3 { 1 } else { 1_700_000_000 }, index), index),
            Verdict::Rejected(_)
        );
        assert_eq!(is_rejected, index == 3);
    }
    let Packed { json, hints, .. } = batcher.finish().unwrap();
    let names_of_an_event = 8;
    assert_eq!(hints.len(), 5 * names_of_an_event);
    assert!(hints.is_sorted_by_key(|hint| hint.at));
    for hint in &hints[names_of_an_event..2 * names_of_an_event] {
        assert_eq!(name_at(&json, hint.at), name_at(&json, hint.like));
    }
    let nested = &hints[names_of_an_event - 1];
    assert_eq!((name_at(&json, nested.at), name_at(&json, nested.like)), (&b"\"a name\""[..], &b"\"a name\""[..]));
}

#[test]
fn events_that_are_taken_back_leave_the_hints_of_the_others_as_they_are() {
    let wide = |index: usize| {
        let names: Vec<String> = (0..index * 70).map(|number| format!("rare {index} {number}")).collect();
        let rare = names.iter().map(|name| (name.as_str(), Value::from(1)));
        let usual = [("time", 1.into()), ("distinct_id", "u".into()), ("a name", 2.into())];
        let properties: Vec<_> = usual.into_iter().chain(rare).collect();
        Value::Object(properties.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    };
    let packed = |rejects: bool| {
        let mut batcher = batcher(1_000_000);
        for index in 0..10 {
            if rejects {
                let rejected = Value::from([("event", Value::from("e")), ("properties", wide(index))]);
                assert!(matches!(add(&mut batcher, &rejected, 0), Verdict::Rejected(_)));
            }
            add(&mut batcher, &event(1_700_000_000, index), index);
        }
        let Packed { json, hints, .. } = batcher.finish().unwrap();
        (json, hints.iter().map(|hint| (hint.at, hint.like)).collect::<Vec<_>>())
    };
    assert_eq!(packed(true), packed(false));
}

#[test]
fn ids_are_derived_and_hints_given_alike_whether_an_id_is_expected_or_not() {
    let kind = |number: usize| {
        let id = [("$insert_id", Value::from("given"))];
        let usual = [("time", (1_700_000_000 - 1_699_999_999 * i64::from(number == 2)).into())];
        let others = [("distinct_id", Value::from("u")), ("number", (number as i64).into())];
        let ids = id.into_iter().filter(|_| number != 0);
        let properties: Vec<_> = usual.into_iter().chain(ids).chain(others).collect();
        let properties = Value::Object(properties.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
        Value::from([("event", Value::from("e")), ("properties", properties)])
    };
    let packed = |order: usize, expects: Option<bool>| {
        let mut batcher = batcher(1_000_000);
        batcher.derive_ids();
        for index in 0..5 {
            batcher.expects_ids = expects.unwrap_or(batcher.expects_ids);
            add(&mut batcher, &kind(order / 3_usize.pow(index as u32) % 3), index);
        }
        let Packed { json, hints, indexes, .. } = batcher.finish()?;
        Some((json, hints.iter().map(|hint| (hint.at, hint.like)).collect::<Vec<_>>(), indexes))
    };
    for order in 0..3_usize.pow(5) {
        let found = packed(order, None);
        assert_eq!(found, packed(order, Some(false)), "{order}");
        assert_eq!(found, packed(order, Some(true)), "{order}");
        let derived = (0..5).filter(|index| order / 3_usize.pow(*index) % 3 == 0).count();
        let text = found.map_or(String::new(), |(json, ..)| String::from_utf8(json).unwrap());
        assert_eq!(text.matches("$insert_id").count() - text.matches("given").count(), derived);
    }
}

#[test]
fn an_event_that_starts_the_next_batch_has_no_hints() {
    let mut batcher = batcher(1000);
    for index in 0..20 {
        add(&mut batcher, &event(1_700_000_000, 150), index);
        if let Some(packed) = batcher.take_full() {
            assert!(packed.hints.iter().all(|hint| (hint.at as usize) < packed.json.len()));
            assert!(packed.hints.len() >= 8);
            batcher.reuse(packed);
        }
    }
}

#[test]
fn a_batcher_that_forgot_packs_what_a_new_one_packs() {
    let wide = |kind: usize| {
        let names = (0..900).map(|number| (format!("{kind} {number}"), Value::from(1)));
        let usual = [("time", 1_700_000_000.into()), ("distinct_id", "u".into()), ("$insert_id", "i".into())];
        let usual = usual.map(|(name, value): (&str, Value)| (name.to_owned(), value));
        let properties = Value::Object(usual.into_iter().chain(names).collect());
        Value::from([("event", Value::from("e")), ("properties", properties)])
    };
    let kinds = [event(1_700_000_000, 30), event(1, 7), wide(0), wide(1)];
    let pack = |batcher: &mut Batcher, order: &[usize]| {
        batcher.set_now(1_800_000_000_000);
        order.iter().enumerate().for_each(|(index, kind)| drop(add(batcher, &kinds[*kind], index)));
        let Packed { json, hints, indexes, lines } = batcher.finish().unwrap();
        (json, hints.iter().map(|hint| (hint.at, hint.like)).collect::<Vec<_>>(), indexes, lines)
    };
    let new = || {
        let mut limits = Limits::documented();
        limits.max_properties = 2000;
        let mut batcher = Batcher::new(limits, Endpoint::Import, Format::Json, None);
        batcher.give_hints();
        batcher
    };
    let mut used = new();
    for order in [&[0, 0, 1, 0][..], &[2, 0, 3, 0], &[3, 2, 1, 0, 0], &[0, 3]] {
        assert_eq!(pack(&mut used, order), pack(&mut new(), order));
        used.forget();
    }
}
