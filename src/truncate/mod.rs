//! Truncate strings to the API's length, and find the documents' advice for a string that is too long.

mod joined;
mod url;

use crate::rules::limits::TruncateUnit;
use crate::scan;

pub(crate) use joined::JoinedName;
pub(crate) use url::parts_of_url;

/// What Import Events recommends for a string that is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// A URL: send its host, path and parameters as separate properties.
    Url,
    /// JSON encoded as a string: flatten it into properties.
    Json,
    /// Other text: drop it if it isn't useful for analysis.
    Text,
}

impl Advice {
    /// The stable word, as in the Python `Truncation.advice`.
    pub fn word(self) -> &'static str {
        match self {
            Advice::Url => "url",
            Advice::Json => "json",
            Advice::Text => "text",
        }
    }
}

/// Which long texts are converted; the others are truncated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LongTexts {
    /// URLs become `<name>_host`, `<name>_path` and `<name>_param_<key>`.
    pub parse_urls: bool,
    /// JSON objects become `<name>_<key>`, recursively; arrays stay arrays.
    pub flatten_json: bool,
    /// Other text is dropped.
    pub drop_text: bool,
}

/// A string that was truncated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truncation {
    /// Position of the event in the input.
    pub index: usize,
    /// The path of the string, like `properties.a.b[2]`.
    pub path: String,
    /// Its original length, in the unit of the limit.
    pub length: usize,
    /// What the documents recommend for such a string.
    pub advice: Advice,
}

/// The part of `text` that is kept, and its original length; None if it is short enough.
pub fn cut(text: &str, max: usize, unit: TruncateUnit) -> Option<(&str, usize)> {
    if text.len() <= max {
        return None; // never more characters than bytes
    }
    if text.is_ascii() {
        return Some((&text[..max], text.len()));
    }
    match unit {
        TruncateUnit::Bytes => Some((&text[..text.floor_char_boundary(max)], text.len())),
        TruncateUnit::Chars => {
            crate::steps::count(text.len());
            let (end, _) = text.char_indices().nth(max)?;
            Some((&text[..end], text.chars().count()))
        }
    }
}

/// The documents' advice for a text that is too long.
pub fn advise(text: &str) -> Advice {
    if is_url(text) {
        Advice::Url
    } else if scan::is_object_or_array(text) {
        Advice::Json
    } else {
        Advice::Text
    }
}

/// Whether a text is `scheme://` and at least one more character, without whitespace and control characters.
fn is_url(text: &str) -> bool {
    let is_of_scheme = |next: u8| next.is_ascii_alphanumeric() || b"+.-".contains(&next);
    let scheme = text.bytes().position(|next| !is_of_scheme(next)).unwrap_or(text.len());
    crate::steps::count(scheme);
    let Some(rest) = text[scheme..].strip_prefix("://") else { return false };
    crate::steps::count(rest.len());
    // Bytes are compared many at once; only a text with others than visible ASCII is read by its characters.
    let is_visible = |text: &str| text.bytes().fold(true, |visible, next| visible & (next > b' ') & (next < 0x7F));
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && !rest.is_empty()
        && (is_visible(rest) || !rest.contains(|next: char| next.is_whitespace() || next < ' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One character at a time.
    fn naive_cut(text: &str, max: usize, unit: TruncateUnit) -> String {
        let mut kept = String::new();
        for next in text.chars() {
            let length = match unit {
                TruncateUnit::Chars => kept.chars().count() + 1,
                TruncateUnit::Bytes => kept.len() + next.len_utf8(),
            };
            if length > max {
                break;
            }
            kept.push(next);
        }
        kept
    }

    #[test]
    fn truncation_agrees_with_the_naive_one_around_every_boundary() {
        for alphabet in ["a", "é", "€", "😀", "a😀", "é€a", "😀é"] {
            let text: String = alphabet.chars().cycle().take(12).collect();
            for max in 0..60 {
                for unit in [TruncateUnit::Chars, TruncateUnit::Bytes] {
                    let kept = cut(&text, max, unit).map_or(text.as_str(), |(kept, _)| kept);
                    assert_eq!(kept, naive_cut(&text, max, unit), "{text} {max} {unit:?}");
                }
            }
        }
    }

    /// By the description of a URL.
    fn naive_is_url(text: &str) -> bool {
        let Some((scheme, rest)) = text.split_once("://") else { return false };
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.chars().all(|next| next.is_ascii_alphanumeric() || "+.-".contains(next))
            && !rest.is_empty()
            && !rest.contains(|next: char| next.is_whitespace() || next < ' ')
    }

    #[test]
    fn a_url_is_recognised_as_by_the_naive_function() {
        let parts = ["", "a", "h+.-9", "1", ":", "/", "://", "é", " ", "\u{7f}", "\u{85}", "\u{3000}", "\n", "x/y?z"];
        for first in parts {
            for second in parts {
                for third in parts {
                    for fourth in parts {
                        let text = [first, second, third, fourth].concat();
                        assert_eq!(is_url(&text), naive_is_url(&text), "{text:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn advice_follows_from_what_the_text_parses_as() {
        assert_eq!(advise("https://example.com/a?b=c"), Advice::Url);
        assert_eq!(advise("https://example.com/a b"), Advice::Text);
        assert_eq!(advise("1x://a"), Advice::Text);
        assert_eq!(advise(" {\"a\": [1]} "), Advice::Json);
        assert_eq!(advise("[1, NaN]"), Advice::Text);
        assert_eq!(advise("\"[]\""), Advice::Text);
    }
}
