//! Compute Huffman codes: the length of each symbol's code, and the codes.

/// The number of symbols of the largest alphabet.
const MOST_SYMBOLS: usize = super::token::LITERAL_SYMBOLS + 2;

/// The longest code that DEFLATE allows.
pub(super) const LONGEST_CODE: usize = 15;

/// A symbol's code, with its first bit lowest, and its length; 0 if the symbol does not occur.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) bits: u16,
    pub(super) length: u8,
}

/// Computes the lengths of a prefix code of at most `limit` bits for these frequencies. There are at least two codes, even
/// if fewer symbols occur, since some decoders reject fewer.
pub(super) fn code_lengths(frequencies: &[u32], limit: usize, lengths: &mut [u8]) {
    lengths.fill(0);
    let mut leaves = [(0, 0); MOST_SYMBOLS];
    let mut count = 0;
    for (symbol, &frequency) in frequencies.iter().enumerate() {
        if frequency > 0 {
            leaves[count] = (frequency, symbol as u16);
            count += 1;
        }
    }
    let leaves = &mut leaves[..count];
    if let &mut [] | &mut [_] = leaves {
        let used = leaves.first().map_or(0, |&(_, symbol)| usize::from(symbol));
        lengths[used] = 1;
        lengths[usize::from(used == 0)] = 1;
        return;
    }
    leaves.sort_unstable_by(|one, other| {
        crate::steps::count(1);
        one.cmp(other)
    });
    let mut counts = leaves_by_depth(leaves, limit);
    fit(&mut counts, limit);
    // The rarest symbols have the longest codes.
    let mut longest_first = (1..=limit).rev().flat_map(|length| std::iter::repeat_n(length as u8, counts[length]));
    for &(_, symbol) in leaves.iter() {
        lengths[usize::from(symbol)] = longest_first.next().expect("each leaf has a depth");
    }
}

/// The number of leaves of the Huffman tree at each depth; those deeper than `limit` are counted at `limit`. There must be
/// at least two leaves, the rarest first.
fn leaves_by_depth(leaves: &[(u32, u16)], limit: usize) -> [usize; LONGEST_CODE + 1] {
    let inner_nodes = leaves.len() - 1;
    let mut weights = [0; MOST_SYMBOLS];
    let mut inner_parents = [0; MOST_SYMBOLS];
    let mut leaf_parents = [0; MOST_SYMBOLS];
    // Both queues are ordered by weight: the sorted leaves, and the inner nodes in the order of creation.
    let (mut leaf, mut inner) = (0, 0);
    for made in 0..inner_nodes {
        for _ in 0..2 {
            let takes_leaf = leaf < leaves.len() && (inner == made || leaves[leaf].0 <= weights[inner]);
            if takes_leaf {
                weights[made] += leaves[leaf].0;
                leaf_parents[leaf] = made;
                leaf += 1;
            } else {
                weights[made] += weights[inner];
                inner_parents[inner] = made;
                inner += 1;
            }
        }
    }
    // The root was created last, and every parent after its children.
    let mut depths = [0; MOST_SYMBOLS];
    for node in (0..inner_nodes - 1).rev() {
        depths[node] = depths[inner_parents[node]] + 1;
    }
    let mut counts = [0; LONGEST_CODE + 1];
    for &parent in &leaf_parents[..leaves.len()] {
        counts[limit.min(depths[parent] + 1)] += 1;
    }
    counts
}

/// Moves leaves down until all fit: those that were too deep take more code space than there is.
fn fit(counts: &mut [usize; LONGEST_CODE + 1], limit: usize) {
    let room = 1 << limit;
    let mut taken: usize = (1..=limit).map(|length| counts[length] << (limit - length)).sum();
    while taken > room {
        crate::steps::count(1);
        // One leaf becomes a node with itself and one of the deepest leaves below it, which frees the place of that one.
        let length = (1..limit).rev().find(|&length| counts[length] > 0).expect("leaves at the limit alone always fit");
        counts[length] -= 1;
        counts[length + 1] += 2;
        counts[limit] -= 1;
        taken -= 1;
    }
}

/// The canonical codes of these lengths (RFC 1951, 3.2.2).
pub(super) fn codes(lengths: &[u8], codes: &mut [Code]) {
    // First the number of codes that are one bit shorter, then the next code of each length.
    let mut next = [0u16; LONGEST_CODE + 2];
    for &length in lengths.iter().filter(|&&length| length > 0) {
        next[usize::from(length) + 1] += 1;
    }
    let mut first = 0;
    for next in &mut next[1..=LONGEST_CODE] {
        first = (first + *next) << 1;
        *next = first;
    }
    for (code, &length) in codes.iter_mut().zip(lengths) {
        *code = Code::default();
        if length > 0 {
            let bits = &mut next[usize::from(length)];
            *code = Code { bits: bits.reverse_bits() >> (16 - length), length };
            *bits += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::naive;
    use super::super::tests::Chance;
    use super::*;

    #[test]
    fn codes_are_complete_and_nearly_the_shortest_within_their_limit() {
        let mut chance = Chance(1);
        for round in 0..600 {
            let (symbols, limit) = [(286, 14), (30, 15), (19, 7), (2, 7), (100, 12)][round % 5];
            // From uniform to steep.
            let steepness = chance.below(40);
            let mut frequency = || {
                let bits = chance.below(steepness.min(24) + 1);
                chance.below(1 << bits) as u32
            };
            let frequencies: Vec<u32> = (0..symbols).map(|_| frequency()).collect();
            let used = frequencies.iter().filter(|&&frequency| frequency > 0).count();
            let mut lengths = vec![0; symbols];
            code_lengths(&frequencies, limit, &mut lengths);
            let mut written = vec![Code::default(); symbols];
            codes(&lengths, &mut written);
            assert!(naive::is_complete(&written), "{frequencies:?}");
            if used < 2 {
                continue;
            }
            assert!(lengths.iter().zip(&frequencies).all(|(&length, &frequency)| (length > 0) == (frequency > 0)));
            assert!(lengths.iter().all(|&length| usize::from(length) <= limit));
            let cost: u64 = lengths.iter().zip(&frequencies).map(|(&l, &f)| u64::from(l) * u64::from(f)).sum();
            let least = naive::least_cost(&frequencies, limit);
            let unlimited = naive::least_cost(&frequencies, 40);
            // Moving leaves is not optimal for a steep tree that reaches the limit.
            assert!(cost == least || least > unlimited && cost * 100 <= least * 120, "{cost} {least} {unlimited}");
        }
    }

    /// Fibonacci numbers make the deepest trees.
    #[test]
    fn a_tree_deeper_than_its_limit_fits() {
        let mut frequencies = vec![1, 1];
        while frequencies.len() < 40 {
            frequencies.push(frequencies[frequencies.len() - 1] + frequencies[frequencies.len() - 2]);
        }
        for limit in [6, 7, 14, 15] {
            let mut lengths = [0; 40];
            code_lengths(&frequencies, limit, &mut lengths);
            let mut written = [Code::default(); 40];
            codes(&lengths, &mut written);
            assert!(naive::is_complete(&written));
            assert_eq!(usize::from(*lengths.iter().max().unwrap()), limit);
        }
    }
}
