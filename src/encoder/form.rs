//! Encode and decode the body of a form: `data=` and a percent-encoded text.

/// Encodes a text as `data=` and the text with every byte percent-encoded, except RFC 3986's unreserved ones.
pub(super) fn form(json: &[u8]) -> Vec<u8> {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = Vec::with_capacity(json.len() * 2);
    out.extend_from_slice(b"data=");
    for &byte in json {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(byte);
        } else {
            out.extend_from_slice(&[b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
    }
    out
}

/// Decodes the text of a form.
pub(super) fn unform(body: &[u8]) -> Option<Vec<u8>> {
    let mut rest = body.strip_prefix(b"data=")?;
    let mut json = Vec::with_capacity(rest.len());
    while let Some((&byte, after)) = rest.split_first() {
        let digits = if byte == b'%' { after.get(..2) } else { None };
        match digits {
            Some(digits) => {
                json.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
                rest = &after[2..];
            }
            None => {
                json.push(byte);
                rest = after;
            }
        }
    }
    Some(json)
}
