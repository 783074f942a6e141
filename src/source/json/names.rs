//! Notice members of an object that may have the same name, by the hashes of their names.

/// An object with more names than this is walked again with its members collected, instead of comparing all pairs.
const COMPARED_NAMES: usize = 512;

/// The names of an open object. Their hashes are in one list with those of the enclosing objects.
pub(super) struct Names {
    /// The position of its first hash.
    first: usize,
    /// A Bloom filter of the hashes: most names are not compared with any earlier one.
    bits: u64,
}

impl Names {
    /// Starts an object.
    #[inline(always)]
    pub(super) fn begin(hashes: &[u32]) -> Names {
        Names { first: hashes.len(), bits: 0 }
    }

    /// Ends the object.
    #[inline(always)]
    pub(super) fn end(self, hashes: &mut Vec<u32>) {
        hashes.truncate(self.first);
    }

    /// Whether a name may be the same as an earlier one; adds its hash otherwise.
    #[inline(always)]
    pub(super) fn may_repeat(&mut self, hashes: &mut Vec<u32>, hash: u32) -> bool {
        let bit = 1 << (hash >> 26);
        if self.bits & bit != 0 && may_be_among(&hashes[self.first..], hash) {
            return true;
        }
        self.bits |= bit;
        hashes.push(hash);
        false
    }
}

#[inline(never)]
fn may_be_among(earlier: &[u32], hash: u32) -> bool {
    crate::steps::count(earlier.len().min(COMPARED_NAMES));
    // Without a branch, so that the compiler compares many at once.
    earlier.len() > COMPARED_NAMES || earlier.iter().fold(false, |found, &other| found | (other == hash))
}

/// A cheap hash of a name: its first and last bytes, and its length.
#[inline(always)]
pub(super) fn hash(bytes: &[u8]) -> u32 {
    let mixed = match (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (Some(first), Some(last)) => u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last).rotate_left(29),
        _ => bytes.iter().fold(0, |mixed, &byte| mixed << 8 | u64::from(byte)),
    };
    let spread = (mixed ^ bytes.len() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (spread >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_name_is_noticed_at_any_position() {
        for count in [1, 2, 20, 63, 64, 65, 300] {
            let all: Vec<u32> = (0..count).map(|number| hash(format!("name_{number}").as_bytes())).collect();
            for repeated in 0..count {
                let mut hashes = vec![all[repeated]; 3];
                let mut names = Names::begin(&hashes);
                // The enclosing object has the name too, which does not count.
                assert!(all.iter().all(|&hash| !names.may_repeat(&mut hashes, hash)));
                assert!(names.may_repeat(&mut hashes, all[repeated]), "{repeated} of {count}");
                names.end(&mut hashes);
                assert_eq!(hashes.len(), 3);
            }
        }
    }

    #[test]
    fn hashes_differ_by_length_first_bytes_and_last_bytes() {
        let names = ["", "a", "b", "ab", "aa", "aaaaaaaa", "aaaaaaaaa", "baaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaab"];
        let mut hashes: Vec<u32> = names.iter().map(|name| hash(name.as_bytes())).collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), names.len());
    }
}
