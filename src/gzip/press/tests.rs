//! Tests: every stream decompresses to the text, whatever the text and the hints are.

use super::matches::Matches;
use super::recent::Recent;
use super::token::{LONGEST, SHORTEST, Token};
use super::*;
use crate::gzip::decompress;

/// A xorshift generator: random and repeatable.
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }
}

/// Events of one shape, with the hints of their writer.
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

/// Events, a few of them with bytes that others do not have, and between them random bytes or digits.
pub(super) fn changing_events(chance: &mut Chance) -> (Vec<u8>, Vec<Hint>) {
    let count = 20 + chance.below(150);
    let (mut text, hints) = events(count, chance);
    for _ in 0..chance.below(4) {
        let (from, letters) = (chance.below(text.len()), [10, 256][chance.below(2)]);
        let length = chance.below(text.len() - from).min([5, 3000][chance.below(2)]);
        text[from..from + length].fill_with(|| b'0'.wrapping_add(chance.below(letters) as u8));
    }
    (text, hints)
}

pub(super) fn tokens(text: &[u8], hints: &[Hint], searches: bool) -> Vec<Token> {
    let mut recent = Recent::new();
    let mut matches = Matches::new(text, hints, &mut recent, searches);
    let (mut all, mut block, mut left) = (Vec::new(), Vec::new(), text.len());
    while left > 0 {
        block.clear();
        left -= matches.next_part(&mut block).len();
        all.append(&mut block);
    }
    all
}

/// Tokens, and a text for which only their lengths are right.
pub(super) fn tokens_of(chance: &mut Chance, count: usize) -> (Vec<u8>, Vec<Token>) {
    let (mut text, mut tokens) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let is_match = chance.below(10) > 0;
        let (most_literals, most_length) = ([3, 9, 40][chance.below(3)], [9, 256][chance.below(2)]);
        let (farthest, letters) = (1 << chance.below(16), 1 << chance.below(9));
        let literals = chance.below(most_literals) as u32 + u32::from(!is_match);
        let length = if is_match { SHORTEST + chance.below(most_length) } else { 0 };
        let distance = if is_match { 1 + chance.below(farthest) } else { 0 };
        text.extend((0..literals as usize + length).map(|_| chance.below(letters) as u8));
        tokens.push(Token { literals, length: length as u16, distance: distance as u16 });
    }
    (text, tokens)
}

/// The text compressed by hints, whether they help or not.
fn by_hints(hinted: &mut Hinted, text: &[u8], hints: &[Hint]) -> Vec<u8> {
    assert!(hinted.gzip(text, hints, &mut |_| true));
    assert!(decompress(&hinted.gzipped, text.len()).as_deref() == Some(text));
    hinted.gzipped.clone()
}

/// Checks both efforts, with a used press and with a new one.
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
    let hinted = by_hints(&mut press.hinted, text, hints);
    assert!(by_hints(&mut Hinted::new(Effort::Search), text, hints) == hinted);
}

#[test]
fn events_are_smaller_with_hints_and_nearly_as_small_as_by_the_library() {
    let (text, hints) = events(5000, &mut Chance(1));
    let mut press = Press::new(Effort::Search);
    check(&mut press, &text, &hints);
    let [with, without] = [&hints[..], &[]].map(|hints| by_hints(&mut press.hinted, &text, hints).len());
    let by_library = press.library.gzip(&text, USUAL).len();
    assert!(with < without, "{with} and {without}");
    assert!(with * 100 < by_library * 102, "{with} and {by_library}");
}

#[test]
fn texts_of_every_small_size_round_trip() {
    let mut press = Press::new(Effort::Search);
    let (text, hints) = events(20, &mut Chance(2));
    for length in 0..text.len().min(600) {
        check(&mut press, &text[..length], &hints);
        check(&mut press, &vec![b'a'; length], &[Hint { at: 1, like: 0 }]);
    }
}

#[test]
fn texts_with_wrong_hints_round_trip() {
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
fn random_texts_with_random_hints_round_trip() {
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
fn matches_around_the_longest_length_round_trip() {
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
fn stored_fixed_and_dynamic_blocks_round_trip() {
    let mut chance = Chance(7);
    let mut press = Press::new(Effort::Search);
    let noise: Vec<u8> = (0..700_000).map(|_| chance.below(256) as u8).collect();
    let (text, hints) = events(12_000, &mut chance);
    check(&mut press, &noise, &[]);
    assert!(press.hinted.gzipped.len() < noise.len() + 100, "blocks that do not shrink are stored");
    check(&mut press, &text, &hints);
    check(&mut press, &[&text[..], &noise, &text].concat(), &hints);
    check(&mut press, &vec![b'a'; 3_000_000], &[Hint { at: 1, like: 0 }]);
    // Around the end of a part.
    let part = 256 << 10;
    for length in [part - 33, part - 32, part - 31, part - 1, part, part + 1, part + 32, part + 33] {
        check(&mut press, &noise[..length], &[]);
        check(&mut press, &text[..length], &hints);
    }
}

/// Bytes that the samples of their blocks do not have, wherever they are.
#[test]
fn rare_bytes_round_trip() {
    let mut chance = Chance(9);
    let mut press = Press::new(Effort::Search);
    let (text, hints) = events(12_000, &mut chance);
    let usual = press.gzip(&text, &hints).len();
    for round in 0..12 {
        let mut text = text.clone();
        for rare in 0..1 + round % 4 {
            let at = chance.below(text.len());
            text[at] = [b'~', 0, 0xE9, 0xFF][(round + rare) % 4];
        }
        *text.last_mut().unwrap() = if round % 2 == 0 { b']' } else { b'}' };
        check(&mut press, &text, &hints);
        // Each may end a block, which is hardly larger.
        let size = press.gzip(&text, &hints).len();
        assert!(size < usual + 600, "{size} {usual}");
    }
}

/// A block ends where the symbols become others.
#[test]
fn a_text_of_two_kinds_takes_hardly_more_than_its_kinds() {
    let mut chance = Chance(10);
    let mut press = Press::new(Effort::Search);
    let (text, hints) = events(12_000, &mut chance);
    let digits: Vec<u8> = (0..1 << 20).map(|_| b'0' + chance.below(10) as u8).collect();
    let both = [&text[..], &digits, &text].concat();
    let mut size = |text: &[u8], hints: &[Hint]| by_hints(&mut press.hinted, text, hints).len();
    let (of_text, of_digits, of_both) = (size(&text, &hints), size(&digits, &hints), size(&both, &hints));
    let without_hints = size(&text, &[]);
    check(&mut press, &both, &hints);
    let parts = of_text + of_digits + without_hints;
    // Parts of a quarter of a megabyte at both changes are of two kinds.
    assert!(of_both < parts * 103 / 100, "{of_both} {parts}");
}

/// A text with a hint for each name.
#[derive(Default)]
struct Written {
    text: Vec<u8>,
    hints: Vec<Hint>,
    last: std::collections::HashMap<String, u32>,
}

impl Written {
    fn event(&mut self, members: &[(String, String)]) {
        for (number, (name, value)) in members.iter().enumerate() {
            self.text.push(if number == 0 { b'{' } else { b',' });
            let at = self.text.len() as u32;
            self.hints.push(Hint { at, like: self.last.insert(name.clone(), at).unwrap_or(at) });
            self.text.extend_from_slice(format!("\"{name}\":\"{value}\"").as_bytes());
        }
        self.text.extend_from_slice(b"},");
    }
}

/// `count` random letters out of `of` from `first` on.
fn letters(chance: &mut Chance, first: char, of: usize, count: usize) -> String {
    (0..count).map(|_| char::from_u32(first as u32 + chance.below(of) as u32).expect("it is a letter")).collect()
}

fn words(chance: &mut Chance, known: &[String], count: usize) -> String {
    (0..count).map(|_| known[chance.below(known.len())].as_str()).collect::<Vec<_>>().join(" ")
}

/// Traffic for which hints help little or not at all.
fn hard_cases() -> Vec<(&'static str, Vec<u8>, Vec<Hint>)> {
    let mut chance = Chance(8);
    let chance = &mut chance;
    let latin: Vec<_> = (0..900).map(|_| (3 + chance.below(5), 'a', 26)).collect();
    let latin: Vec<_> = latin.into_iter().map(|(length, first, of)| letters(chance, first, of, length)).collect();
    let han: Vec<_> = (0..2000).map(|_| letters(chance, '\u{4E00}', 4000, 4)).collect();
    let [mut prose, mut foreign, mut random, mut shuffled, mut alike, mut one] =
        std::array::from_fn(|_| Written::default());
    let member = |name: usize, value: String| (format!("member {name}"), value);
    for number in 0..2000 {
        prose.event(&[member(0, words(chance, &latin, 50))]);
        foreign.event(&[0, 1, 2, 3].map(|name| member(name, words(chance, &han, 5))));
        random.event(&[0, 1, 2, 3, 4, 5].map(|name| member(name, letters(chance, '0', 74, 30).replace('\\', "_"))));
        let mut members = [0, 1, 2, 3, 4, 5, 6, 7].map(|name| member(name, latin[chance.below(9 + name)].clone()));
        members[0].1 = format!("{}", 1_700_000_000 + number);
        members[1].1 = letters(chance, 'a', 16, 32);
        alike.event(&[0, 1, 2, 3].map(|name| member(name, latin[name].clone())));
        for last in (1..members.len()).rev() {
            members.swap(last, chance.below(last + 1));
        }
        shuffled.event(&members);
    }
    one.event(&[member(0, words(chance, &latin, 150_000))]);
    let [few, single] = [50, 1].map(|count| events(count, chance));
    let written = [("prose", prose), ("non-ASCII", foreign), ("random strings", random), ("shuffled keys", shuffled)];
    let written = written.into_iter().chain([("identical events", alike), ("one event of 900 kB", one)]);
    let written = written.map(|(name, written)| (name, written.text, written.hints));
    written.chain([("50 events", few.0, few.1), ("one event", single.0, single.1)]).collect()
}

/// The hard cases as compressed by zlib 1.2.13 at level 6: the checksum of the text, and the compressed size.
const BY_ZLIB: [(&str, u32, usize); 8] = [
    ("prose", 0x6B6E_B0F9, 220_154),
    ("non-ASCII", 0x4270_177C, 206_421),
    ("random strings", 0x47F7_B027, 308_867),
    ("shuffled keys", 0x968E_778C, 79_119),
    ("identical events", 0x611F_EF7F, 622),
    ("one event of 900 kB", 0xBC01_8EF0, 320_502),
    ("50 events", 0x3E53_A435, 1172),
    ("one event", 0x6194_2A3B, 128),
];

#[test]
fn without_useful_hints_the_result_is_hardly_larger_than_zlibs() {
    let mut press = Press::new(Effort::Search);
    for ((name, text, hints), (named, checksum, by_zlib)) in hard_cases().into_iter().zip(BY_ZLIB) {
        assert_eq!((name, crc32fast::hash(&text)), (named, checksum), "the text differs from the one given to zlib");
        check(&mut press, &text, &hints);
        let size = press.gzip(&text, &hints).len();
        assert!(size * 100 <= by_zlib * 107, "{name}: {size}, zlib {by_zlib}");
    }
}
