//! Gzip by hints: the stream decompresses to the text, whatever the hints are.

use mixpress::gzip::decompress;
use mixpress::press::{Effort, Hint, Press};

use crate::draw::Draw;

pub fn check(data: &[u8]) {
    let mut draw = Draw::new(data);
    let most = [60, 60, 60, 250][draw.below(4)]; // a body of more than one part takes longer
    let repeats = 1 + draw.below(most);
    let lies = draw.below(4);
    let wrong: Vec<_> = (0..draw.below(20)).map(|_| (draw.byte(), draw.byte(), draw.number())).collect();
    // Repeat the input with a byte changed each time: short texts are compressed by the library, and blocks are long.
    let part = draw.rest();
    let mut text = part.repeat(repeats);
    for repeat in 0..repeats.min(part.len()) {
        let changed = repeat * part.len() + repeat * 7 % part.len();
        text[changed] ^= repeat as u8;
    }
    let mut hints = hints(&text);
    for (place, kind, number) in wrong {
        let count = hints.len().max(1);
        if let Some(hint) = hints.get_mut((usize::from(place) * 97 + number as usize % 89) % count) {
            match kind % 4 {
                0 => hint.like = number as u32,
                1 => hint.at = number as u32,
                2 => hint.like = hint.at,
                _ => hint.at = (number % (text.len() as u64 + 1)) as u32,
            }
        }
    }
    match lies {
        0 | 1 => {}
        2 => hints.reverse(),
        _ => hints.iter_mut().for_each(|hint| hint.like ^= 1),
    }
    check_read_back(&text, &hints);
}

/// Hints for each quote: the last quote followed by the same byte.
fn hints(text: &[u8]) -> Vec<Hint> {
    let mut last = [0; 256];
    let mut hints = Vec::new();
    for (at, pair) in text.windows(2).enumerate() {
        if pair[0] == b'"' {
            let like = std::mem::replace(&mut last[usize::from(pair[1])], at as u32);
            hints.push(Hint { at: at as u32, like });
        }
    }
    hints
}

fn check_read_back(text: &[u8], hints: &[Hint]) {
    for effort in [Effort::Hints, Effort::Search] {
        let mut press = Press::new(effort);
        let gzipped = press.gzip(text, hints).to_vec();
        assert!(decompress(&gzipped, text.len()).as_deref() == Some(text));
        press.gzip(&text[..text.len() / 2], hints);
        assert!(press.gzip(text, hints) == gzipped, "a used press gives different bytes");
    }
}
