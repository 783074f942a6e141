//! Twice the input takes at most 2.5 times the steps, whatever the input is: for each parser and each pass.
//!
//! A step is about one byte that is looked at. `benches/worst.py` runs these tests and prints the steps.

use crate::batch::{Batcher, Format, Origin};
use crate::gzip::Gzip;
use crate::gzip::press::{Effort, Hint, Press};
use crate::rules::limits::{Endpoint, Limits};
use crate::source::json::{JsonEvent, JsonReader, Next, Window};
use crate::steps;
use crate::truncate::LongTexts;

/// The size of the smaller input, in parts: beyond the sizes where a fixed buffer is full, which raises the ratio once.
pub(crate) const PARTS: usize = 1000;

/// Asserts the ratio of the steps of a pass with an input of some number of parts, and with twice as many.
pub(crate) fn check(pass: &str, input: &str, once: usize, twice: usize) {
    println!("steps: {pass}; {input}; {once}; {twice}");
    assert!(2 * twice <= 5 * once, "{pass}, {input}: {once} steps, then {twice}");
}

/// How a text is encoded.
#[derive(Clone, Copy, Default)]
pub(crate) struct Way {
    pub(crate) long_texts: LongTexts,
    pub(crate) derives_ids: bool,
    pub(crate) is_gzipped: bool,
    /// Bytes that are read at a time; 0 reads all at once.
    pub(crate) window: usize,
}

const CONVERTED: LongTexts = LongTexts { parse_urls: true, flatten_json: true, drop_text: false };

fn ways() -> [(&'static str, Way); 5] {
    let plain = Way::default();
    [
        ("JSON text", plain),
        ("JSON text in windows", Way { window: 64, ..plain }),
        ("JSON text, long texts converted", Way { long_texts: CONVERTED, ..plain }),
        ("JSON text, ids derived", Way { derives_ids: true, ..plain }),
        ("JSON text, gzipped", Way { is_gzipped: true, ..plain }),
    ]
}

impl Way {
    pub(crate) fn batcher(self) -> Batcher {
        let mut batcher = Batcher::new(Limits::documented(), Endpoint::Import, Format::Ndjson, None);
        batcher.convert_long_texts(self.long_texts);
        if self.derives_ids {
            batcher.derive_ids();
        }
        if self.is_gzipped {
            batcher.give_hints();
        }
        batcher
    }

    fn steps_of_text(self, text: &[u8]) -> usize {
        let (mut batcher, mut gzip) = (self.batcher(), Gzip::new(None));
        steps::of(|| {
            let (mut reader, mut index, mut read, mut bytes) = (JsonReader::new(), 0, 0, Vec::new());
            loop {
                let size = if self.window > 0 { self.window.max(bytes.len()) } else { text.len() };
                let end = text.len().min(read + size);
                bytes.extend_from_slice(&text[read..end]);
                read = end;
                let mut window = Window::new(&bytes, read == text.len());
                let add = |batcher: &mut Batcher, event: &JsonEvent<'_>, line, index| {
                    batcher.add(Origin { index, line: Some(line) }, event)
                };
                let next = loop {
                    match reader.next(&mut window, |event, line| add(&mut batcher, event, line, index)) {
                        Next::Event(_) | Next::Broken(_) => index += 1,
                        next => break next,
                    }
                    if let Some(packed) = batcher.take_full() {
                        gzip.compress(&packed.json, &packed.hints);
                    }
                };
                if next == Next::End {
                    break;
                }
                bytes.drain(..reader.release(&bytes));
            }
            let packed = batcher.finish();
            packed.map(|packed| gzip.compress(&packed.json, &packed.hints).len());
        })
    }
}

fn event_with(property: &str) -> String {
    let needed = r#""time":1700000000,"distinct_id":"u","$insert_id":"i""#;
    format!(r#"{{"event":"e","properties":{{{needed},{property}}}}}"#)
}

fn parts(n: usize, make: impl Fn(usize) -> String, between: &str) -> String {
    (0..n).map(make).collect::<Vec<_>>().join(between)
}

/// A text as the inside of a JSON string.
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

type Texts = Vec<(&'static str, Vec<u8>)>;

/// Texts of about `n` parts each that are not JSON, or have no end.
fn broken_texts(n: usize) -> Texts {
    let good = event_with("\"a\":1");
    let inside = |start: &str, part: &str| event_with("\"a\":").replace("}}", "") + start + &part.repeat(n);
    let texts = vec![
        ("objects that are not closed", "{\"a\":\n".repeat(n)),
        ("arrays and objects that are not closed", "[\n{\"a\":\r".repeat(n)),
        ("indented objects", (0..n).map(|at| format!("{}{{\"a\":\n", " ".repeat(at % 7))).collect()),
        (
            "objects indented deeper and deeper",
            (0..n.isqrt()).map(|at| format!("{}{{\"a\":\n", " ".repeat(at))).collect(),
        ),
        ("quotes on lines", "{\"a\n".repeat(n)),
        ("empty lines", format!("{{\"a\":\n{}x", "\n".repeat(n))),
        ("broken elements", format!("[{}]", vec!["{\"event\": tru}"; n].join(","))),
        ("broken values on lines", vec!["{\"a\":\ntru\n}"; n].join("\n")),
        ("cut events", format!("{}\n", &good[..40]).repeat(n)),
        ("cut events without lines", good[..40].repeat(n)),
        ("arrays in an event that are not closed", inside("", "[")),
        ("objects in an event that are not closed", inside("", "{\"a\":")),
        ("a string that is not closed", inside("\"", "x")),
        ("a string that is not closed, of lines", inside("\"", "x\n")),
        ("a string that is not closed, of escapes", inside("\"", "\\n")),
        ("strings with a broken escape", inside("", "\"\\x\",")),
        ("events with a NUL", good.replace('e', "\0").repeat(n)),
        ("events in an array that is not closed", format!("[{}", format!("{good},\n").repeat(n))),
        ("events without commas in an array", format!("[{}", good.repeat(n))),
    ];
    let bytes: [(&str, &[u8]); 9] = [
        ("bytes that are not UTF-8", b"\xFF"),
        ("lines that are not UTF-8", b"{\"a\":\"\xFF\"}\n"),
        ("surrogates in UTF-8", b"{\"a\":\"\xED\xA0\x80\"}\n"),
        ("starts of characters", b"\xF0\x9F"),
        ("byte order marks", b"\xEF\xBB\xBF"),
        ("NUL bytes", b"\0"),
        ("CR LF", b"\r\n"),
        ("a byte on a line", b"1\n"),
        ("a byte and CR", b"{\r"),
    ];
    let texts = texts.into_iter().map(|(name, text)| (name, text.into_bytes()));
    texts.chain(bytes.map(|(name, part)| (name, part.repeat(n)))).collect()
}

/// Events of about `n` parts each.
fn events(n: usize) -> Texts {
    let good = event_with("\"a\":1");
    let list = |element: &str| event_with(&format!("\"a\":[{}]", vec![element; n].join(",")));
    let members = |make: &dyn Fn(usize) -> String| event_with(&parts(n, make, ","));
    let number = |digits: String| event_with(&format!("\"a\":{digits}"));
    let long = "a".repeat(300);
    let texts = vec![
        ("events", format!("{good}\n").repeat(n)),
        ("rejected events", "{\"event\":1}\n".repeat(n)),
        ("events without whitespace", good.repeat(n)),
        ("empty lists", format!("[{}]", vec!["[]"; n].join(","))),
        ("repeated names", members(&|_| "\"a\":1".to_owned())),
        ("names in pairs", members(&|at| format!("\"a{}\":1", at / 2))),
        ("repeated names of lists", members(&|_| "\"a\":[{\"b\":1,\"b\":2}]".to_owned())),
        ("repeated names in lists", list("{\"b\":1,\"b\":2}")),
        ("names", members(&|at| format!("\"a{at}\":1"))),
        ("names in lists", event_with(&format!("\"a\":[{}]", parts(n, |at| format!("{{\"a{at}\":1}}"), ",")))),
        ("long names", members(&|at| format!("\"{long}{at}\":1"))),
        ("names with escapes", members(&|at| format!("\"\\u0061\\n{at}\":1"))),
        ("names with surrogates", members(&|at| format!("\"\\ud800{at}\":1"))),
        ("one long name", event_with(&format!("\"{}\":[{}]", "k".repeat(n), vec!["NaN"; n].join(",")))),
        ("NaN", list("NaN")),
        ("surrogates", list("\"\\ud800\"")),
        ("a text of surrogates", event_with(&format!("\"a\":\"{}\"", "\\ud800".repeat(n)))),
        ("a text of pairs", event_with(&format!("\"a\":\"{}\"", "\\ud83d\\ude00".repeat(n)))),
        ("a text of escapes", event_with(&format!("\"a\":\"{}\"", "\\\"\\\\\\n".repeat(n)))),
        ("long texts", list(&format!("\"{long}\""))),
        ("empty objects", list("{}")),
        ("lists of depth 60", list(&format!("{}{}", "[".repeat(60), "]".repeat(60)))),
        ("too deep", event_with(&format!("\"a\":{}{}", "[".repeat(n), "]".repeat(n)))),
        ("objects too deep", event_with(&format!("\"a\":{}1{}", "{\"a\":".repeat(n), "}".repeat(n)))),
        ("whitespace", good.replace(',', &format!(",{}", " \t\r\n".repeat(n)))),
        ("an integer", number("7".repeat(n))),
        ("an integer as time", good.replace("1700000000", &"7".repeat(n))),
        ("a small number", number(format!("0.{}1", "0".repeat(n)))),
        ("a small number as time", good.replace("1700000000", &format!("17.{}", "0".repeat(n)))),
        ("an exponent", number(format!("1e{}", "9".repeat(n)))),
        ("long ids", good.replace("\"i\"", &format!("\"{}\"", "i".repeat(n)))),
        ("numbers as ids", good.replace("\"u\"", &"1".repeat(n))),
    ];
    texts.into_iter().map(|(name, text)| (name, text.into_bytes())).collect()
}

/// Events with long texts that are converted.
fn long_texts(n: usize) -> Texts {
    let text = |text: String| event_with(&format!("\"u\":\"{}\"", quoted(&text)));
    let url = |parameter: &dyn Fn(usize) -> String| format!("https://x.y/?{}", parts(n, parameter, "&"));
    let leaves = parts(n, |at| format!("\"l{at}\":1"), ",");
    let nested = |name: &str| format!("{}{{{leaves}}}{}", format!("{{\"{name}\":").repeat(60), "}".repeat(60));
    let short_url = format!("https://x.y/?{}", parts(50, |at| format!("p{at}={at}"), "&"));
    let texts = vec![
        ("parameters", text(url(&|at| format!("p{at}={at}")))),
        ("parameters of one name", text(url(&|at| format!("p={at}")))),
        ("parameters without value", text(url(&|_| String::new()))),
        ("percents", text(url(&|_| "%41%zz%+".to_owned()))),
        ("parameters whose names collide", text(url(&|at| format!("{}{at}=", "p".repeat(300))))),
        (
            "parameters under a long name",
            event_with(&format!("\"{}\":\"{}\"", "k".repeat(n), url(&|at| format!("p{at}=")))),
        ),
        ("URLs", event_with(&parts(n / 40, |at| format!("\"u{at}\":\"{short_url}\""), ","))),
        (
            "URLs under one name",
            event_with(&format!("\"a\":[{}]", vec![format!("{{\"u\":\"{short_url}\"}}"); n / 40].join(","))),
        ),
        ("a path", text(format!("https://x.y{}", "/@:".repeat(n)))),
        ("slashes", text("://".repeat(n))),
        ("flattened names", text(nested("k"))),
        ("long flattened names", text(nested(&"k".repeat(n)))),
        ("flattened names that repeat", text(nested("k").replace("\"l", "\"l\":1,\"l"))),
        ("lists in a text", text(format!("{{\"a\":{}{}}}", "[".repeat(n), "]".repeat(n)))),
        ("objects in a text, too deep", text(format!("{}1{}", "{\"a\":".repeat(n), "}".repeat(n)))),
        ("objects in a text that are not closed", text("{\"a\":".repeat(n))),
        ("JSON in JSON in a text", text(format!("{{\"a\":\"{}\"}}", quoted(&format!("{{{leaves}}}"))))),
        ("surrogates in a text", text(format!("{{{}}}", parts(n, |at| format!("\"\\ud800{at}\":\"\\udfff\""), ",")))),
    ];
    texts.into_iter().map(|(name, text)| (name, text.into_bytes())).collect()
}

#[test]
fn json_text_takes_steps_in_proportion_to_its_length() {
    for make in [broken_texts, events, long_texts] {
        for ((input, once), (_, twice)) in make(PARTS).iter().zip(make(2 * PARTS)) {
            for (pass, way) in ways() {
                check(pass, input, way.steps_of_text(once), way.steps_of_text(&twice));
            }
        }
    }
}

/// All texts of up to three tokens, again and again.
#[test]
fn repeated_tokens_take_steps_in_proportion_to_their_number() {
    let tokens = ["{", "[", "}", "]", "\"", "\\", ":", ",", "\n", "\r", " ", "{\"a\":", "1"];
    let longer = |units: &[String]| -> Vec<String> {
        units.iter().flat_map(|unit| tokens.map(|token| format!("{unit}{token}"))).collect()
    };
    let one = tokens.map(str::to_owned);
    let two = longer(&one);
    let three = longer(&two);
    let [(_, whole), (_, in_windows), ..] = ways();
    for (at, unit) in one.iter().chain(&two).chain(&three).enumerate() {
        let way = if at % 2 == 0 { whole } else { in_windows };
        for end in ["", "\n\"]}x"] {
            let input = format!("{unit:?}, again and again, and {end:?}");
            let steps_of = |n| way.steps_of_text((unit.repeat(n) + end).as_bytes());
            check("JSON text", &input, steps_of(PARTS / 8), steps_of(PARTS / 4));
        }
    }
}

/// Texts that repeat themselves, and hints that are right, wrong, or too many.
#[test]
fn the_press_takes_steps_in_proportion_to_the_text() {
    let row = |n: usize, part: &str| part.repeat(n).into_bytes();
    let growing =
        |n: usize| (0..n).map(|at| format!("\"n\":\"{}\",", "ab".repeat(at % 90))).collect::<String>().into_bytes();
    let mixed = |n: usize| (0..n).flat_map(|at| ((at * at * 2_654_435_761) >> 7).to_le_bytes()).collect::<Vec<u8>>();
    type Text<'a> = &'a dyn Fn(usize) -> Vec<u8>;
    let texts: [(&str, Text<'_>); 5] = [
        ("one byte", &|n| row(n, "aaaaaaaa")),
        ("events", &|n| row(n, "{\"event\":\"e\",\"properties\":{\"a\":1}},")),
        ("two kinds", &|n| row(n, "\"a\":\"xxxxxxxxxxxx\",\"b\":\"xxxxxxxxxxxxx\",")),
        ("growing values", &growing),
        ("random bytes", &mixed),
    ];
    type Like = fn(u32) -> u32;
    let hints: [(&str, Like); 5] = [
        ("one byte back", |at| at.saturating_sub(1)),
        ("35 bytes back", |at| at.saturating_sub(35)),
        ("half back", |at| at / 2),
        ("scattered", |at| at.saturating_sub(1 + at.wrapping_mul(2_654_435_761) % 30_000)),
        ("forward", |at| at + 7),
    ];
    for (text, make) in texts {
        for (hint, like) in hints {
            for (step, lie) in [(1, 0), (3, 0), (40, 0), (3, 1), (40, 1), (40, 2)] {
                for effort in [Effort::Hints, Effort::Search] {
                    let steps_of = |n| {
                        let text = make(n);
                        let places = (0..text.len() as u32).step_by(step);
                        let true_hints = places.map(|at| Hint { at, like: like(at) });
                        // Between them, hints at the same place and hints that are out of order.
                        let lies = [Hint { at: 0, like: 0 }, Hint { at: 0, like: u32::MAX }];
                        let hints: Vec<Hint> = match lie {
                            0 => true_hints.collect(),
                            1 => true_hints.flat_map(|hint| [hint, Hint { like: 0, ..hint }]).collect(),
                            _ => true_hints.flat_map(|hint| [hint, lies[hint.at as usize % 2]]).collect(),
                        };
                        let mut press = Press::new(effort);
                        steps::of(|| assert!(!press.gzip(&text, &hints).is_empty()))
                    };
                    let input = format!("{text}, a hint for {step} bytes, {hint}, lies {lie}, {effort:?}");
                    // Beyond the window of the matches, where the ratio is higher once.
                    check("gzip", &input, steps_of(3000), steps_of(6000));
                }
            }
        }
    }
}
