//! What may be done with a long text instead of cutting it, as the documents recommend: a URL is parsed into its parts,
//! JSON is flattened into properties, other text is left out.

use crate::event::EventWriter;
use crate::source::Sink;
use crate::source::json::{flatten, push_value};
use crate::truncate::Advice;

/// Which long texts are converted; the others are cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LongTexts {
    /// URLs become `<name>_host`, `<name>_path` and `<name>_param_<key>`.
    pub parse_urls: bool,
    /// JSON objects become `<name>_<key>`, likewise for objects in them; an array stays one.
    pub flatten_json: bool,
    /// Other text is left out.
    pub drop_text: bool,
}

impl EventWriter {
    /// Writes the members that stand in for one with a long text. False, with nothing written, where it is to be cut.
    pub(crate) fn convert(&mut self, text: &str, advice: Advice) -> bool {
        let Some(name) = self.name_to_convert() else { return false };
        let converts = match advice {
            Advice::Url => self.long_texts.parse_urls,
            Advice::Json => self.long_texts.flatten_json,
            Advice::Text => self.long_texts.drop_text,
        };
        let flat = if converts && advice == Advice::Json { flatten(text, &name) } else { Some(Vec::new()) };
        let (true, Some(flat)) = (converts, flat) else { return false };
        self.take_back_name();
        self.is_converting = true; // what is long in its turn is only cut
        if advice == Advice::Url {
            for (part, value) in parts_of_url(text) {
                self.key(&format!("{name}_{part}"));
                self.text(&value);
            }
        }
        for mut member in flat {
            if member.repaired {
                self.repaired_key(&member.name)
            } else {
                self.key(&member.name)
            }
            push_value(&mut member.value, self).expect("the text was seen to be JSON");
        }
        self.is_converting = false;
        self.names_may_repeat();
        true
    }
}

/// Host, path and parameters, the empty ones left out; of several parameters of one name the last, in its own place.
///
/// The host is without user, password and port; the path is as it stands; parameters are decoded as forms are.
fn parts_of_url(url: &str) -> Vec<(String, String)> {
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
    for piece in query.split('&').filter(|piece| !piece.is_empty()) {
        let (key, value) = piece.split_once('=').unwrap_or((piece, ""));
        let name = format!("param_{}", decode_form(key));
        parts.retain(|(other, _)| *other != name);
        parts.push((name, decode_form(value)));
    }
    parts
}

/// `+` is a space and `%xx` a byte; what is not UTF-8 then is U+FFFD.
fn decode_form(text: &str) -> String {
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
