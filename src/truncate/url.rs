//! Take a URL apart into properties.

use std::collections::HashMap;

/// Host, path and parameters, without the empty ones; of parameters with the same name only the last, at its place.
///
/// The host is without user, password and port, the path is unchanged, and parameters are decoded as in forms.
pub(crate) fn parts_of_url(url: &str) -> Vec<(String, String)> {
    crate::steps::count(url.len());
    let address = url.split_once("://").map_or(url, |(_, rest)| rest);
    let address = address.split_once('#').map_or(address, |(before, _)| before);
    let (location, query) = address.split_once('?').unwrap_or((address, ""));
    let (authority, path) = location.split_at(location.find('/').unwrap_or(location.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => host,
    };
    let mut parts = vec![("host".to_owned(), host.to_owned()), ("path".to_owned(), path.to_owned())];
    parts.retain(|(_, value)| !value.is_empty());
    let pieces = query.split('&').filter(|piece| !piece.is_empty());
    let parameters: Vec<_> = pieces
        .map(|piece| piece.split_once('=').unwrap_or((piece, "")))
        .map(|(key, value)| (format!("param_{}", decode_form(key)), value))
        .collect();
    let last: HashMap<&str, usize> = parameters.iter().enumerate().map(|(at, (name, _))| (name.as_str(), at)).collect();
    let last: Vec<bool> = parameters.iter().enumerate().map(|(at, (name, _))| last[name.as_str()] == at).collect();
    let kept = parameters.into_iter().zip(last).filter(|(_, is_last)| *is_last);
    parts.extend(kept.map(|((name, value), _)| (name, decode_form(value))));
    parts
}

/// Decodes `+` as a space and `%xx` as a byte; bytes that are not UTF-8 become U+FFFD.
fn decode_form(text: &str) -> String {
    crate::steps::count(text.len());
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = after.first_chunk::<2>().filter(|_| byte == b'%').and_then(|digits| {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            Some(digit(digits[0])? * 16 + digit(digits[1])?)
        });
        match escaped {
            Some(escaped) => {
                bytes.push(escaped as u8);
                rest = &after[2..];
            }
            None => {
                bytes.push(if byte == b'+' { b' ' } else { byte });
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        let parts = parts_of_url("https://me:pw@example.com:8080/a/b?x=1&y=a+b%21%zz&x=%C3%A9%ff&&z#frag?no=1");
        let expected = [
            ("host", "example.com"),
            ("path", "/a/b"),
            ("param_y", "a b!%zz"),
            ("param_x", "é\u{fffd}"),
            ("param_z", ""),
        ];
        assert_eq!(parts, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
