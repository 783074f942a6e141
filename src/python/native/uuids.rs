//! The field of a `uuid.UUID`, and its text.

use pyo3::prelude::*;

use crate::python::raw::fields::ObjectField;
use crate::python::raw::integers::Digits;

/// The slot `int` of the module's class.
pub fn field_of_int(module: &Bound<'_, PyAny>) -> PyResult<Option<ObjectField>> {
    let kind = module.getattr("UUID")?;
    let mut samples = Vec::new();
    for value in [u128::MAX, 1 << 127, 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef] {
        let value = format!("{value:032x}");
        let sample = kind.call1((value,))?;
        let integer = sample.getattr("int")?;
        samples.push((sample, integer));
    }
    Ok(ObjectField::find(&samples))
}

/// The text of a UUID with these digits; None if it is no number of 128 bits.
pub fn text_of((is_negative, digits): (bool, &[u32])) -> Option<[u8; 36]> {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    /// The places of the hexadecimal digits of each byte.
    const PLACES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
    const COUNT: usize = 128_usize.div_ceil(Digits::BITS as usize);
    let top_bits = 128 - Digits::BITS * (COUNT as u32 - 1);
    if is_negative || digits.len() > COUNT || digits.get(COUNT - 1).is_some_and(|&top| top >> top_bits != 0) {
        return None;
    }
    let number = digits.iter().rev().fold(0_u128, |number, &digit| number << Digits::BITS | u128::from(digit));
    let mut text = [b'-'; 36];
    for (byte, place) in number.to_be_bytes().into_iter().zip(PLACES) {
        text[place] = HEX[usize::from(byte >> 4)];
        text[place + 1] = HEX[usize::from(byte & 15)];
    }
    Some(text)
}
