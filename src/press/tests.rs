//! Every stream must read back as the text, whatever the text and the hints are.

use super::matches::Matches;
use super::recent::Recent;
use super::token::{LONGEST, SHORTEST, Token};
use super::*;
use crate::gzip::decompress;

/// A xorshift generator: chance that repeats.
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }
}

/// Events of one shape, with the hints that their writer gives.
fn events(count: usize, chance: &mut Chance) -> (Vec<u8>, Vec<Hint>) {
    let (mut text, mut hints, mut last) = (vec![b'['], Vec::new(), [u32::MAX; 5]);
    for number in 0..count {
        let values = [
            format!("{}", 1_700_000_000 + number),
            format!("\"{:016x}\"", chance.below(usize::MAX)),
            ["\"Berlin\"", "\"New York\"", "\"Lagos\""][chance.below(3)].into(),
            format!("{}", chance.below(1000)),
            format!("\"https://example.com/{}?source={}\"", chance.below(50), ["mail", "ads"][chance.below(2)]),
        ];
        for (member, (name, value)) in ["time", "$insert_id", "city", "n", "url"].iter().zip(values).enumerate() {
            text.push(if member == 0 { b'{' } else { b',' });
            let at = text.len() as u32;
            hints.push(Hint { at, like: std::mem::replace(&mut last[member], at) });
            text.extend_from_slice(format!("\"{name}\":{value}").as_bytes());
        }
        text.extend_from_slice(b"},");
    }
    (text, hints)
}

fn tokens(text: &[u8], hints: &[Hint], searches: bool) -> Vec<Token> {
    let mut recent = Recent::new();
    let mut matches = Matches::new(text, hints, &mut recent, searches);
    let (mut all, mut block, mut left) = (Vec::new(), Vec::new(), text.len());
    while left > 0 {
        block.clear();
        left -= matches.next_block(&mut block).len();
        all.append(&mut block);
    }
    all
}

/// Through both ways of compressing, by a press that was used and by a new one.
fn check(press: &mut Press, text: &[u8], hints: &[Hint]) {
    for searches in [false, true] {
        let tokens = tokens(text, hints, searches);
        assert!(naive::expand(text, &tokens) == text);
        for token in &tokens {
            let length = usize::from(token.length);
            assert!(length == 0 || (SHORTEST..=LONGEST).contains(&length) && usize::from(token.distance) <= WINDOW);
        }
    }
    let quickly = Press::new(Effort::Hints).gzip(text, hints).to_vec();
    assert!(decompress(&quickly, text.len()).as_deref() == Some(text));
    let gzipped = press.gzip(text, hints).to_vec();
    assert!(decompress(&gzipped, text.len()).as_deref() == Some(text));
    assert!(Press::new(Effort::Search).gzip(text, hints) == gzipped);
    assert!(press.press(text, hints, false));
    assert!(decompress(&press.gzipped, text.len()).as_deref() == Some(text));
}

#[test]
fn events_are_smaller_with_hints_and_nearly_as_small_as_the_library_makes_them() {
    let (text, hints) = events(5000, &mut Chance(1));
    let mut press = Press::new(Effort::Search);
    check(&mut press, &text, &hints);
    press.press(&text, &hints, false);
    let with = press.gzipped.len();
    press.press(&text, &[], false);
    assert!(with < press.gzipped.len(), "{with} and {}", press.gzipped.len());
    press.gzip_by_library(&text, 6);
    assert!(with * 100 < press.gzipped.len() * 105, "{with} and {}", press.gzipped.len());
}

#[test]
fn texts_of_every_small_size() {
    let mut press = Press::new(Effort::Search);
    let (text, hints) = events(20, &mut Chance(2));
    for length in 0..text.len().min(600) {
        check(&mut press, &text[..length], &hints);
        check(&mut press, &vec![b'a'; length], &[Hint { at: 1, like: 0 }]);
    }
}

#[test]
fn hints_that_lie() {
    let mut chance = Chance(3);
    let mut press = Press::new(Effort::Search);
    let (text, hints) = events(300, &mut chance);
    let length = text.len() as u32;
    for kind in 0..8 {
        let mut lies = hints.clone();
        for hint in &mut lies {
            match kind {
                0 => hint.like = hint.at,
                1 => hint.like = hint.at + 1,
                2 => hint.like = chance.below(text.len()) as u32,
                3 => hint.at = chance.below(text.len()) as u32,
                4 => (hint.at, hint.like) = (u32::MAX - chance.below(9) as u32, u32::MAX),
                5 => (hint.at, hint.like) = (length - chance.below(40) as u32, length - 100),
                6 => hint.at = 0,
                _ => (hint.at, hint.like) = (hint.like, hint.at),
            }
        }
        check(&mut press, &text, &lies);
        lies.reverse();
        check(&mut press, &text, &lies);
    }
    check(&mut press, &text, &[]);
}

#[test]
fn random_texts_with_random_hints() {
    let mut chance = Chance(4);
    let mut press = Press::new(Effort::Search);
    for round in 0..300 {
        let (size, letters) = (chance.below(20_000), [2, 4, 26, 256][round % 4]);
        let mut text: Vec<u8> = (0..size).map(|_| chance.below(letters) as u8).collect();
        for _ in 0..chance.below(20) {
            let (from, to) = (chance.below(size), chance.below(size));
            let length = chance.below(400).min(size - from.max(to));
            text.copy_within(from..from + length, to);
        }
        let mut hints: Vec<_> = (0..chance.below(500))
            .map(|_| Hint { at: chance.below(size + 9) as u32, like: chance.below(size + 9) as u32 })
            .collect();
        if round % 3 > 0 {
            hints.sort_by_key(|hint| hint.at);
        }
        check(&mut press, &text, &hints);
    }
}

#[test]
fn a_window_reaches_back_32768_bytes() {
    let mut chance = Chance(5);
    let repeat = b"\"a name that is not in the rest of it\":";
    for distance in WINDOW - 1..=WINDOW + 1 {
        let mut text: Vec<u8> = repeat.to_vec();
        text.extend((0..distance - repeat.len()).map(|_| 128 + chance.below(128) as u8));
        text.extend_from_slice(repeat);
        text.extend_from_slice(&[0; 40]);
        let hints = [Hint { at: distance as u32, like: 0 }];
        let reaches = tokens(&text, &hints, true).iter().any(|token| usize::from(token.distance) == distance);
        assert_eq!(reaches, distance <= WINDOW, "{distance}");
        check(&mut Press::new(Effort::Search), &text, &hints);
    }
}

#[test]
fn matches_around_the_longest() {
    let mut chance = Chance(6);
    for length in [3, 4, 5, 256, 257, 258, 259, 260, 261, 262, 515, 516, 517, 518, 519, 520, 1000] {
        let part: Vec<u8> = (0..length).map(|_| chance.below(256) as u8).collect();
        let text = [&part[..], &[0; 7], &part, &[1; 40]].concat();
        let hints = [Hint { at: (length + 7) as u32, like: 0 }];
        let matched = tokens(&text, &hints, true).iter().map(|token| usize::from(token.length)).max();
        assert!(length < 4 || matched >= Some(length.min(LONGEST - SHORTEST)), "{length}: {matched:?}");
        check(&mut Press::new(Effort::Search), &text, &hints);
    }
}

#[test]
fn several_blocks_stored_fixed_and_dynamic() {
    let mut chance = Chance(7);
    let mut press = Press::new(Effort::Search);
    let noise: Vec<u8> = (0..700_000).map(|_| chance.below(256) as u8).collect();
    let (text, hints) = events(12_000, &mut chance);
    check(&mut press, &noise, &[]);
    assert!(press.gzipped.len() < noise.len() + 100, "blocks that do not shrink are stored");
    check(&mut press, &text, &hints);
    check(&mut press, &[&text[..], &noise, &text].concat(), &hints);
    check(&mut press, &vec![b'a'; 3_000_000], &[Hint { at: 1, like: 0 }]);
    // The ends of blocks: a text of one, one byte less and one more.
    let block = 256 << 10;
    for length in [block - 33, block - 32, block - 31, block - 1, block, block + 1, block + 32, block + 33] {
        check(&mut press, &noise[..length], &[]);
        check(&mut press, &text[..length], &hints);
    }
}

/// Sizes that other peers are not needed for: the library is at hand, and within 2 % of zlib's level 6 on all of these.
#[test]
fn where_hints_do_not_pay_the_result_is_hardly_larger_than_the_librarys() {
    let mut chance = Chance(8);
    let words: Vec<String> =
        (0..900).map(|_| (0..3 + chance.below(5)).map(|_| (b'a' + chance.below(26) as u8) as char).collect()).collect();
    let mut prose = |count: usize| (0..count).map(|_| words[chance.below(900)].clone()).collect::<Vec<_>>().join(" ");
    let (mut texts, mut hints, mut last) = (vec![b'['], Vec::new(), 0);
    for _ in 0..2000 {
        let at = texts.len() as u32 + 1;
        hints.push(Hint { at, like: std::mem::replace(&mut last, at) });
        texts.extend_from_slice(format!("{{\"text\":\"{}\"}},", prose(50)).as_bytes());
    }
    let one = format!("[{{\"event\":\"x\",\"text\":\"{}\"}}]", prose(150_000)).into_bytes();
    let (few, few_hints) = events(50, &mut Chance(9));
    let (single, single_hints) = events(1, &mut Chance(10));
    let alike = few[1..120].repeat(5000);
    let alike_hints: Vec<_> =
        (0..5000).map(|event| Hint { at: event * 119, like: event.saturating_sub(1) * 119 }).collect();
    let mut press = Press::new(Effort::Search);
    for (name, text, hints) in [
        ("prose", &texts, &hints),
        ("one event of 900 kB", &one, &Vec::new()),
        ("50 events", &few, &few_hints),
        ("one event", &single, &single_hints),
        ("identical events", &alike, &alike_hints),
    ] {
        check(&mut press, text, hints);
        let size = press.gzip(text, hints).len();
        press.gzip_by_library(text, 6);
        assert!(size * 100 <= press.gzipped.len() * 105, "{name}: {size} and {}", press.gzipped.len());
    }
}
