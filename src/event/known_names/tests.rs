//! Names that are known, evicted and taken back.

use super::name::{BLOCK, LONGEST, TAG_TRIES};
use super::*;
use crate::vectors::{Baseline, Vectors};

fn written(names: &mut KnownNames, name: &str) -> Option<String> {
    let written = |known: &KnownName| known.written[..known.written_length()].to_vec();
    names.find(name).then(|| String::from_utf8(written(names.last())).unwrap())
}

fn find_written(names: &mut KnownNames, text: &[u8]) -> bool {
    let starts =
        |known: &KnownName| known.length != 0 && Baseline.begins_with(text, &known.written, known.written_length());
    names.pass_expected(starts).is_some()
}

#[test]
fn a_name_of_any_length_is_known_the_second_time_and_no_other_is_mistaken_for_it() {
    for length in 1..=60 {
        let mut names = KnownNames::new();
        let name = "x".repeat(length);
        for round in 0..3 {
            names.begin();
            let expected = (round > 0 && length <= LONGEST).then(|| format!("\"{name}\":"));
            assert_eq!(written(&mut names, &name), expected, "{name}");
            assert_eq!(names.remember(&name), length <= LONGEST);
        }
        for place in 0..length {
            names.begin();
            let mut other = name.clone();
            other.replace_range(place..=place, "y");
            assert_eq!(written(&mut names, &other), None, "{other}");
        }
        names.begin();
        assert_eq!(written(&mut names, &name[1..]), None);
        assert_eq!(written(&mut names, &format!("{name}x")), None);
    }
}

#[test]
fn a_name_at_the_start_of_a_text_is_found_if_it_is_expected() {
    for length in 1..=LONGEST {
        let mut names = KnownNames::new();
        let name = "x".repeat(length);
        assert!(!find_written(&mut names, &[0; BLOCK]), "no name is expected at first");
        assert!(names.remember(&name) && names.remember("other"));
        for text in [format!("\"{name}\":1"), format!("\"{name}\":{}", "1".repeat(BLOCK))] {
            names.begin();
            assert!(!find_written(&mut names, format!("\"{name}x\":1").as_bytes()));
            assert!(!find_written(&mut names, format!("\"{name}\" :1").as_bytes()));
            assert!(find_written(&mut names, text.as_bytes()));
            assert_eq!(names.last().written_length(), length + 3);
            assert!(!find_written(&mut names, text.as_bytes()), "the other name is expected");
            assert!(find_written(&mut names, b"\"other\":"));
        }
    }
}

#[test]
fn more_names_than_slots_in_any_order_are_never_confused() {
    let mut names = KnownNames::new();
    let mut known = 0;
    for number in 0..5 * SLOTS {
        if number % 13 == 0 {
            names.begin();
        }
        let name = format!("n{}", number * number % 50021);
        match written(&mut names, &name) {
            Some(member) => {
                known += 1;
                assert_eq!(member, format!("\"{name}\":"));
            }
            None => assert!(names.remember(&name) || names.remember(&name)),
        }
    }
    assert!(known > 1000);
}

#[test]
fn a_name_that_would_evict_another_is_remembered_the_second_time_in_a_while() {
    let mut names = KnownNames::new();
    let many: Vec<String> = (0..4 * SLOTS).map(|number| format!("n{number}")).collect();
    let is_kept: Vec<bool> = many.iter().map(|name| names.remember(name)).collect();
    assert!(is_kept[..SLOTS / 8].iter().all(|&kept| kept), "there are free slots");
    assert!(is_kept.iter().filter(|&&kept| kept).count() < SLOTS, "no name was evicted");
    let last = many.last().unwrap();
    assert!(!names.find(last) && names.remember(last) && names.find(last));
    names.begin();
    assert!(!names.find(&many[4 * SLOTS - 2]));
    names.restore_evicted();
    names.begin();
    assert!(!names.remember("another") && !names.find("another"), "it is new");
    names.restore_evicted();
    assert!(!names.remember("another"), "it is still new, as the event was taken back");
    assert!(names.remember("another"));
}

#[test]
fn a_tag_belongs_to_one_name_in_any_order_and_is_evicted_with_it() {
    let mut names = KnownNames::new();
    assert!(!names.find_tagged(0x70));
    for (name, tag) in [("a", 0x70), ("b", 0x80)] {
        assert!(names.remember(name));
        assert!(!names.tag_last(tag) && !names.tag_last(0x90) && !names.tag_last(tag) && names.tag_last(tag));
    }
    (0..=TAG_TRIES).for_each(|number| assert!(!names.tag_last(usize::from(number) << 8)));
    assert!(!names.tag_last(usize::from(TAG_TRIES) << 8));
    for order in [[("a", 0x70), ("b", 0x80)], [("b", 0x80), ("a", 0x70)]] {
        names.begin();
        for (name, tag) in order {
            assert!(!names.find_tagged(0x90) && names.find_tagged(tag));
            assert_eq!(names.last().written[1], name.as_bytes()[0]);
        }
    }
    for number in 0..3 * SLOTS {
        let name = format!("n{number}");
        assert!(names.remember(&name) || names.remember(&name));
    }
    assert!(!names.find_tagged(0x70) && !names.find_tagged(0x80));
}

#[test]
fn as_many_tags_as_are_accepted_are_found_or_placed_again() {
    let mut names = KnownNames::new();
    let tag = |number: usize| 0x7F00_0000_1000 + number * 48;
    let all: Vec<_> = (0..SLOTS / 2).map(|number| (format!("n{number}"), tag(number))).collect();
    for (name, tag) in &all {
        assert!(names.find(name) || names.remember(name) || names.remember(name));
        names.tag_last(*tag);
    }
    for _ in 0..3 {
        names.begin();
        for (name, tag) in all.iter().rev() {
            if names.find_tagged(*tag) {
                assert_eq!(&names.last().written[1..][..name.len()], name.as_bytes());
            } else if names.find(name) {
                names.tag_last(*tag);
            }
        }
    }
}

#[test]
fn names_with_escapes_and_empty_ones_are_not_remembered() {
    let mut names = KnownNames::new();
    for name in ["", "a\"", "a\\", "\n"] {
        assert!(!names.remember(name));
        assert_eq!(written(&mut names, name), None);
    }
}
