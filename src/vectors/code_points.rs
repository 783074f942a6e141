//! The characters of a text as Python keeps them.

/// The code points of a text, in the narrowest form that has room for each. Surrogates are possible in the wider two.
#[derive(Clone, Copy, Debug)]
pub enum CodePoints<'a> {
    /// Each below 256.
    Latin1(&'a [u8]),
    /// Each below 65,536. There are no pairs of surrogates: each one is alone.
    Ucs2(&'a [u16]),
    /// Any.
    Ucs4(&'a [u32]),
}

impl CodePoints<'_> {
    /// The number of characters.
    #[inline(always)]
    pub fn count(self) -> usize {
        match self {
            CodePoints::Latin1(codes) => codes.len(),
            CodePoints::Ucs2(codes) => codes.len(),
            CodePoints::Ucs4(codes) => codes.len(),
        }
    }

    /// The text, with U+FFFD for each surrogate.
    #[cold]
    pub fn repaired(self) -> String {
        let character = |code: u32| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
        match self {
            CodePoints::Latin1(codes) => codes.iter().map(|&code| char::from(code)).collect(),
            CodePoints::Ucs2(codes) => codes.iter().map(|&code| character(code.into())).collect(),
            CodePoints::Ucs4(codes) => codes.iter().map(|&code| character(code)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serialize::naive;
    use crate::vectors::{Baseline, Vectors, Wide};

    /// The narrowest form.
    fn with_form<T>(codes: &[u32], take: impl FnOnce(CodePoints<'_>) -> T) -> T {
        match codes.iter().copied().max().unwrap_or(0) {
            0..0x100 => take(CodePoints::Latin1(&codes.iter().map(|&code| code as u8).collect::<Vec<_>>())),
            0x100..0x1_0000 => take(CodePoints::Ucs2(&codes.iter().map(|&code| code as u16).collect::<Vec<_>>())),
            _ => take(CodePoints::Ucs4(codes)),
        }
    }

    /// One character at a time; None if it has a surrogate.
    fn text_of(codes: &[u32]) -> Option<String> {
        codes.iter().map(|&code| char::from_u32(code)).collect()
    }

    fn check(vectors: impl Vectors, codes: &[u32]) {
        let text = text_of(codes);
        let quoted = text.as_ref().map(|text| naive::quoted(text));
        let is_plain = quoted.as_ref().is_some_and(|quoted| quoted.len() == text.as_ref().unwrap().len() + 2);
        let mut out = b"before".to_vec();
        let appended = with_form(codes, |codes| vectors.append_quoted_codes(&mut out, codes));
        assert_eq!(appended, is_plain, "{codes:x?}");
        let expected = quoted.filter(|_| appended).unwrap_or_default();
        assert_eq!(String::from_utf8(out).unwrap(), format!("before{expected}"));
        let mut decoded = "anything".to_owned();
        let is_whole = with_form(codes, |codes| vectors.decode(&mut decoded, codes));
        assert_eq!(is_whole, text.is_some());
        assert_eq!(decoded, text.unwrap_or_default());
        assert!(std::str::from_utf8(decoded.as_bytes()).is_ok());
    }

    fn agrees_with_a_character_at_a_time(vectors: impl Vectors) {
        const EDGES: [u32; 24] = [
            0, 0x1F, 0x20, 0x22, 0x23, 0x5C, 0x7F, 0x80, 0xFF, 0x100, 0x7FF, 0x800, 0xFFF, 0x1000, 0xD7FF, 0xD800,
            0xDBFF, 0xDC00, 0xDFFF, 0xE000, 0xFFFF, 0x1_0000, 0x1_F44D, 0x10_FFFF,
        ];
        for length in 0..80 {
            for place in 0..length.max(1) {
                for (number, edge) in EDGES.into_iter().enumerate() {
                    let others = [u32::from(b'x'), 0xE9, 0x436, 0x20AC, 0x1_F600];
                    let mut codes = vec![others[(length + place + number) % others.len()]; length];
                    codes.iter_mut().skip(place).take(1).for_each(|code| *code = edge);
                    check(vectors, &codes);
                }
            }
        }
    }

    fn writes_each_code_point(vectors: impl Vectors) {
        for start in (0..0x11_0000).step_by(31) {
            check(vectors, &(start..(start + 31).min(0x11_0000)).collect::<Vec<_>>());
        }
        assert!(!vectors.decode(&mut String::new(), CodePoints::Ucs4(&[0x61, 0x11_0000])), "no character");
        assert!(!vectors.decode(&mut String::new(), CodePoints::Ucs4(&[u32::MAX; 40])), "no character");
    }

    #[test]
    fn each_set_of_instructions_writes_what_one_character_at_a_time_is() {
        agrees_with_a_character_at_a_time(Baseline);
        writes_each_code_point(Baseline);
        if let Some(wide) = Wide::detect() {
            agrees_with_a_character_at_a_time(wide);
            writes_each_code_point(wide);
        }
    }

    #[test]
    fn each_surrogate_is_repaired_alone() {
        assert_eq!(CodePoints::Ucs2(&[0x61, 0xD83D, 0xDE00]).repaired(), "a\u{fffd}\u{fffd}");
        assert_eq!(CodePoints::Ucs4(&[0x1_F600, 0xDFFF, 0x11_0000]).repaired(), "😀\u{fffd}\u{fffd}");
    }
}
