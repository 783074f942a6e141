//! A short, repeatable run of every target on the stable toolchain: the seeds, and changed copies of them.

use std::fs;
use std::path::Path;

const CHANGED: usize = 20_000;

/// A xorshift generator: random and repeatable.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let seeds: Vec<_> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    assert!(seeds.len() > 20, "the seeds are missing");
    seeds
}

/// Copies a seed with a few bytes changed, inserted, removed or copied from another seed.
fn change(chance: &mut Chance, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut data = seeds[chance.below(seeds.len())].clone();
    for _ in 0..=chance.below(4) {
        let at = chance.below(data.len() + 1);
        match chance.below(4) {
            0 => data.insert(at, chance.below(256) as u8),
            1 if at < data.len() => drop(data.remove(at)),
            2 if at < data.len() => data[at] = b"{}[]\",:\\0-ue\n\xff"[chance.below(14)],
            _ => {
                let other = &seeds[chance.below(seeds.len())];
                let from = chance.below(other.len());
                let to = from + chance.below((other.len() - from).min(40));
                data.splice(at..at, other[from..to].iter().copied());
            }
        }
    }
    data
}

fn run(check: impl Fn(&[u8])) {
    let seeds = seeds();
    seeds.iter().for_each(|seed| check(seed));
    let mut chance = Chance(0x9E37_79B9_7F4A_7C15);
    for _ in 0..CHANGED {
        check(&change(&mut chance, &seeds));
    }
}

#[test]
fn walk() {
    run(mixpress_fuzz::walk::check);
}

#[test]
fn quoted() {
    run(mixpress_fuzz::quoted::check);
}

#[test]
fn scan() {
    run(mixpress_fuzz::scan::check);
}

#[test]
fn json_text() {
    run(mixpress_fuzz::json_text::check);
}

#[test]
fn cutter() {
    run(mixpress_fuzz::cutter::check);
}

#[test]
fn press() {
    run(mixpress_fuzz::press::check);
}
