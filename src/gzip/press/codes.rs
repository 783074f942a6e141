//! The two codes of a block, and the header that describes them (RFC 1951, 3.2.7).

use super::bits::Bits;
use super::frequencies::Frequencies;
use super::huffman::{Code, code_lengths, codes};
use super::token::{DISTANCE_SYMBOLS, END_OF_BLOCK, LITERAL_SYMBOLS};

/// The longest code of a literal or a length. DEFLATE allows 15; with 14, four literals fit between two flushes.
pub(super) const LONGEST_LITERAL_CODE: usize = 14;
const LONGEST_DISTANCE_CODE: usize = 15;

/// The code lengths of a block are coded themselves, by symbols for a length, for repeats of the last one, and for zeros.
const REPEAT: u8 = 16;
const FEW_ZEROS: u8 = 17;
const MANY_ZEROS: u8 = 18;
const LENGTH_CODE_SYMBOLS: usize = 19;
const LONGEST_LENGTH_CODE: usize = 7;

/// The order in which the lengths of that code are written, the likely ones first.
const WRITTEN_ORDER: [usize; LENGTH_CODE_SYMBOLS] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Lengths of the codes of both alphabets.
pub(super) struct Lengths {
    /// The fixed code has two symbols that never occur.
    pub(super) literals: [u8; LITERAL_SYMBOLS + 2],
    pub(super) distances: [u8; DISTANCE_SYMBOLS],
}

impl Lengths {
    /// The fixed code, which needs no header.
    pub(super) const FIXED: Lengths = {
        let mut literals = [8; LITERAL_SYMBOLS + 2];
        let mut symbol = 144;
        while symbol < 280 {
            literals[symbol] = if symbol < 256 { 9 } else { 7 };
            symbol += 1;
        }
        Lengths { literals, distances: [5; DISTANCE_SYMBOLS] }
    };

    /// The best lengths for these frequencies.
    pub(super) fn best(frequencies: &Frequencies) -> Lengths {
        let mut lengths = Lengths { literals: [0; LITERAL_SYMBOLS + 2], distances: [0; DISTANCE_SYMBOLS] };
        code_lengths(&frequencies.literals, LONGEST_LITERAL_CODE, &mut lengths.literals);
        code_lengths(&frequencies.distances, LONGEST_DISTANCE_CODE, &mut lengths.distances);
        lengths
    }

    /// Bits that the codes of all symbols take.
    pub(super) fn cost(&self, frequencies: &Frequencies) -> usize {
        let cost = |frequencies: &[u32], lengths: &[u8]| -> usize {
            frequencies.iter().zip(lengths).map(|(&frequency, &length)| frequency as usize * usize::from(length)).sum()
        };
        cost(&frequencies.literals, &self.literals) + cost(&frequencies.distances, &self.distances)
    }
}

/// The header of a block with its own codes.
pub(super) struct Header {
    literals: usize,
    distances: usize,
    /// Symbols, each with its extra number and the bits of that.
    runs: Vec<(u8, u8, u8)>,
    lengths: [u8; LENGTH_CODE_SYMBOLS],
    ordered: usize,
}

impl Header {
    pub(super) fn new(lengths: &Lengths) -> Header {
        let used = |lengths: &[u8], least: usize| {
            lengths.iter().rposition(|&length| length > 0).map_or(least, |last| least.max(last + 1))
        };
        let literals = used(&lengths.literals, END_OF_BLOCK + 1);
        let distances = used(&lengths.distances, 1);
        let runs = run_lengths(&[&lengths.literals[..literals], &lengths.distances[..distances]].concat());
        let mut frequencies = [0; LENGTH_CODE_SYMBOLS];
        for &(symbol, ..) in &runs {
            frequencies[usize::from(symbol)] += 1;
        }
        let mut lengths = [0; LENGTH_CODE_SYMBOLS];
        code_lengths(&frequencies, LONGEST_LENGTH_CODE, &mut lengths);
        let ordered = WRITTEN_ORDER.iter().rposition(|&symbol| lengths[symbol] > 0).expect("two codes at least") + 1;
        Header { literals, distances, runs, lengths, ordered: ordered.max(4) }
    }

    /// Its size in bits.
    pub(super) fn cost(&self) -> usize {
        let runs = self.runs.iter().map(|&(symbol, _, extra)| usize::from(self.lengths[usize::from(symbol)] + extra));
        14 + 3 * self.ordered + runs.sum::<usize>()
    }

    pub(super) fn write(&self, bits: &mut Bits) {
        bits.put((self.literals - 257) as u32, 5);
        bits.put((self.distances - 1) as u32, 5);
        bits.put((self.ordered - 4) as u32, 4);
        for &symbol in &WRITTEN_ORDER[..self.ordered] {
            bits.put(self.lengths[symbol].into(), 3);
        }
        let mut written = [Code::default(); LENGTH_CODE_SYMBOLS];
        codes(&self.lengths, &mut written);
        for &(symbol, number, extra_bits) in &self.runs {
            let code = written[usize::from(symbol)];
            bits.put(code.bits.into(), code.length.into());
            bits.put(number.into(), extra_bits.into());
        }
    }
}

/// The lengths as symbols, run-length encoded.
fn run_lengths(lengths: &[u8]) -> Vec<(u8, u8, u8)> {
    let mut runs = Vec::new();
    for run in lengths.chunk_by(|one, next| one == next) {
        let length = run[0];
        let mut left = run.len();
        if length > 0 {
            runs.push((length, 0, 0));
            left -= 1;
        }
        loop {
            let (symbol, taken, least, extra_bits) = match (length, left) {
                (_, 0) => break,
                (0, 11..) => (MANY_ZEROS, left.min(138), 11, 7),
                (0, 3..) => (FEW_ZEROS, left, 3, 3),
                (1.., 3..) => (REPEAT, left.min(6), 3, 2),
                _ => (length, 1, 1, 0),
            };
            runs.push((symbol, (taken - least) as u8, extra_bits));
            left -= taken;
        }
    }
    runs
}
