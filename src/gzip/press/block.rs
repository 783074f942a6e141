//! Join the parts of a text to blocks, choose the codes of each, and write it.

use super::bits::{Bits, End};
use super::codes::{Header, Lengths};
use super::frequencies::Frequencies;
use super::sample::Sample;
use super::tables::Tables;
use super::token::{END_OF_BLOCK, Token};

/// Writes a text, part by part, as blocks.
pub(super) struct BlockWriter {
    limits: Limits,
    tables: Tables,
    /// The tokens of the block, and after them those of the next part.
    tokens: Vec<Token>,
    /// How many tokens the block has.
    count: usize,
    /// Where its text starts and ends.
    start: usize,
    end: usize,
    sample: Sample,
    counted: Counted,
    /// The symbols that were counted in the text so far.
    seen: Frequencies,
}

/// The start of a block, as far as all of its tokens were counted.
#[derive(Default)]
struct Counted {
    frequencies: Frequencies,
    tokens: usize,
    bytes: usize,
}

/// Limits for blocks; tests have others.
struct Limits {
    /// A block ends before a part that would make it larger.
    most_tokens: usize,
    most_bytes: usize,
    /// A block of fewer tokens gets codes for all of them, as a sample would be too small. A part of less than a quarter as
    /// many is counted completely too.
    few_tokens: usize,
}

const LIMITS: Limits = Limits { most_tokens: 40_000, most_bytes: 1 << 20, few_tokens: 4000 };

/// The bits of a usual header.
const USUAL_HEADER: usize = 430;

/// The types of a block, as two bits.
const STORED: u32 = 0;
const FIXED: u32 = 1;
const DYNAMIC: u32 = 2;

/// The longest stored block.
const LONGEST_STORED: usize = 0xFFFF;

impl Counted {
    /// Adds what comes after it, up to these numbers of tokens and bytes.
    fn add(&mut self, frequencies: &Frequencies, tokens: usize, bytes: usize) {
        self.frequencies.add(frequencies);
        self.frequencies.literals[END_OF_BLOCK] = 1; // each has one
        (self.tokens, self.bytes) = (tokens, bytes);
    }

    /// The frequencies of the whole block.
    fn with_rest(mut self, text: &[u8], tokens: &[Token]) -> Frequencies {
        if self.tokens < tokens.len() {
            let rest = Frequencies::new(&text[self.bytes..], &tokens[self.tokens..]);
            self.add(&rest, tokens.len(), text.len());
        }
        self.frequencies
    }
}

impl BlockWriter {
    pub(super) fn new() -> BlockWriter {
        BlockWriter {
            limits: LIMITS,
            tables: Tables::new(),
            tokens: Vec::new(),
            count: 0,
            start: 0,
            end: 0,
            sample: Sample::default(),
            counted: Counted::default(),
            seen: Frequencies::default(),
        }
    }

    /// Starts a text.
    pub(super) fn start(&mut self) {
        self.tokens.clear();
        (self.count, self.start, self.end) = (0, 0, 0);
        (self.sample, self.counted, self.seen) = Default::default();
    }

    /// The tokens, to which those of the next part are appended.
    pub(super) fn tokens(&mut self) -> &mut Vec<Token> {
        &mut self.tokens
    }

    /// The bytes that the last texts left allocated.
    pub(super) fn held_bytes(&self) -> usize {
        self.tokens.capacity() * size_of::<Token>()
    }

    /// Adds the part at the end of this text, whose tokens were appended, to the block; or to a new one, after the block was
    /// written. The last part is written too.
    pub(super) fn end_part(&mut self, text: &[u8], is_last: bool, out: &mut Vec<u8>, end: &mut End) {
        let (part, tokens) = (&text[self.end..], &self.tokens[self.count..]);
        let counted =
            (self.end == 0 || tokens.len() < self.limits.few_tokens / 4).then(|| Frequencies::new(part, tokens));
        let sample = match &counted {
            Some(frequencies) => Sample::of_counted(frequencies, tokens.len()),
            None => Sample::new(part, tokens),
        };
        self.seen.add(counted.as_ref().unwrap_or(&sample.frequencies));
        let joined = self.sample.with(&sample);
        if self.count > 0 && (self.is_full(text) || joined.is_of_two_kinds(&self.sample, &sample, USUAL_HEADER)) {
            self.write(&text[self.start..self.end], false, out, end);
            self.tokens.drain(..self.count);
            (self.start, self.count) = (self.end, 0);
            self.sample = sample;
        } else {
            self.sample = joined;
        }
        if let Some(frequencies) = counted
            && self.counted.tokens == self.count
        {
            self.counted.add(&frequencies, self.tokens.len(), text.len() - self.start);
        }
        (self.count, self.end) = (self.tokens.len(), text.len());
        if is_last {
            // An array ends with a bracket, which is nowhere else.
            if let Some(&byte) = text.last() {
                self.seen.literals[usize::from(byte)] += 1;
            }
            self.write(&text[self.start..], true, out, end);
        }
    }

    /// Whether the block would be too large with the part at the end of this text.
    fn is_full(&self, text: &[u8]) -> bool {
        self.tokens.len() > self.limits.most_tokens || text.len() - self.start > self.limits.most_bytes
    }

    /// Writes the block, which has this text.
    fn write(&mut self, text: &[u8], is_last: bool, out: &mut Vec<u8>, end: &mut End) {
        let counted = std::mem::take(&mut self.counted);
        let (mut rest, mut written) = (text, 0);
        if self.count > counted.tokens && self.count >= self.limits.few_tokens {
            (written, rest) = self.write_by_sample(text, is_last, out, end);
        }
        let tokens = &self.tokens[written..self.count];
        if written == 0 {
            write_counted(&mut self.tables, &counted.with_rest(text, tokens), (text, tokens), is_last, out, end);
        } else if !tokens.is_empty() {
            write_counted(&mut self.tables, &Frequencies::new(rest, tokens), (rest, tokens), is_last, out, end);
        }
    }

    /// Writes the block with codes for its sample. Ends it before a symbol that has no code, or where it takes more bits than
    /// the sample promised; writes nothing if another type might take fewer bits. Returns how many of its tokens it has, and
    /// the rest of its text.
    fn write_by_sample<'a>(
        &mut self,
        text: &'a [u8],
        is_last: bool,
        out: &mut Vec<u8>,
        end: &mut End,
    ) -> (usize, &'a [u8]) {
        let sampled = &self.sample.frequencies;
        let mut frequencies = sampled.clone();
        frequencies.include(&self.seen);
        let lengths = Lengths::best(&frequencies);
        let header = Header::new(&lengths);
        let cost_by =
            |lengths: &Lengths| (lengths.cost(sampled) + sampled.extra_bits()) * self.count / self.sample.tokens;
        let cost = header.cost() + cost_by(&lengths);
        let most = cost + cost / 16;
        if most >= stored_cost(text.len()).min(cost_by(&Lengths::FIXED)) {
            return (0, text);
        }
        let mut bits = Bits::new(out, *end, most);
        bits.put(u32::from(is_last) | DYNAMIC << 1, 3);
        header.write(&mut bits);
        self.tables.prepare(&lengths);
        let (written, rest) = self.tables.write(text, &self.tokens[..self.count], &mut bits);
        if written == 0 {
            return (0, text);
        }
        let start = std::mem::replace(end, bits.end());
        let mut bits = Bits::new(out, *end, Tables::MOST_TO_END);
        if written < self.count {
            bits.clear(start); // another block is the last one
        }
        self.tables.end_block(&mut bits);
        *end = bits.end();
        (written, rest)
    }
}

/// Writes a block with these symbols as the type that takes the fewest bits.
fn write_counted(
    tables: &mut Tables,
    frequencies: &Frequencies,
    (text, tokens): (&[u8], &[Token]),
    is_last: bool,
    out: &mut Vec<u8>,
    end: &mut End,
) {
    let extra_bits = frequencies.extra_bits();
    let own = Lengths::best(frequencies);
    let header = Header::new(&own);
    let own_cost = header.cost() + own.cost(frequencies) + extra_bits;
    let fixed_cost = Lengths::FIXED.cost(frequencies) + extra_bits;
    let stored_cost = stored_cost(text.len());
    let cost = own_cost.min(fixed_cost).min(stored_cost);

    let mut bits = Bits::new(out, *end, 3 + cost);
    if cost == stored_cost {
        write_stored(text, is_last, &mut bits);
        *end = bits.end();
        return;
    }
    let lengths = if cost == fixed_cost {
        bits.put(u32::from(is_last) | FIXED << 1, 3);
        &Lengths::FIXED
    } else {
        bits.put(u32::from(is_last) | DYNAMIC << 1, 3);
        header.write(&mut bits);
        &own
    };
    tables.prepare(lengths);
    let (written, _) = tables.write(text, tokens, &mut bits);
    assert_eq!(written, tokens.len(), "all symbols were counted");
    tables.end_block(&mut bits);
    *end = bits.end();
}

/// The largest number of bits of a text in stored blocks, as the padding of the first is not known yet.
fn stored_cost(length: usize) -> usize {
    length.div_ceil(LONGEST_STORED).max(1) * (3 + 7 + 32) + length * 8
}

fn write_stored(text: &[u8], is_last: bool, bits: &mut Bits) {
    let mut rest = text;
    loop {
        let (part, behind) = rest.split_at(rest.len().min(LONGEST_STORED));
        bits.put(u32::from(is_last && behind.is_empty()) | STORED << 1, 3);
        bits.fill_byte();
        bits.put(part.len() as u32, 16);
        bits.put(!part.len() as u32 & 0xFFFF, 16);
        bits.append(part);
        rest = behind;
        if rest.is_empty() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Chance, changing_events, tokens};
    use super::*;
    use crate::gzip::decompress;

    /// The tokens in parts of random sizes, as a gzip stream.
    fn gzip(writer: &mut BlockWriter, chance: &mut Chance, text: &[u8], tokens: &[Token], most: usize) -> Vec<u8> {
        let (mut out, mut end) = (vec![0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF], End::after(10));
        let (mut rest, mut at) = (tokens, 0);
        writer.start();
        while !rest.is_empty() {
            let (part, after) = rest.split_at(rest.len().min(1 + chance.below(most)));
            at += part.iter().map(|token| token.literals as usize + usize::from(token.length)).sum::<usize>();
            writer.tokens().extend_from_slice(part);
            writer.end_part(&text[..at], after.is_empty(), &mut out, &mut end);
            rest = after;
        }
        let mut bits = Bits::new(&mut out, end, 7);
        bits.fill_byte();
        let end = bits.end();
        out.truncate(end.bytes);
        out.extend_from_slice(&crc32fast::hash(text).to_le_bytes());
        out.extend_from_slice(&(text.len() as u32).to_le_bytes());
        out
    }

    #[test]
    fn parts_of_any_size_round_trip_in_blocks_of_any_size() {
        let mut chance = Chance(1);
        let mut writer = BlockWriter::new();
        for round in 0..400 {
            let (text, hints) = changing_events(&mut chance);
            let tokens = tokens(&text, &hints, round % 2 == 0);
            writer.limits = Limits {
                most_tokens: chance.below(3000),
                most_bytes: chance.below(50_000),
                few_tokens: 1 + chance.below(200),
            };
            let most = 1 + chance.below(1000);
            let seed = chance.below(1 << 30) as u64 + 1;
            let gzipped = gzip(&mut writer, &mut Chance(seed), &text, &tokens, most);
            assert!(decompress(&gzipped, text.len()).as_deref() == Some(&text[..]), "{round}");
            let limits = std::mem::replace(&mut writer.limits, LIMITS);
            let mut unused = BlockWriter { limits, ..BlockWriter::new() };
            assert!(gzip(&mut unused, &mut Chance(seed), &text, &tokens, most) == gzipped, "a writer keeps nothing");
        }
    }
}
