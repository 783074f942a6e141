//! Twice the text takes at most 2.5 times the steps, whatever the text is.

use super::*;
use crate::batch::{Batcher, Format, Origin};
use crate::rules::limits::{Endpoint, Limits};
use crate::steps;
use crate::truncate::LongTexts;

fn steps_of(text: &str) -> usize {
    let mut batcher = Batcher::new(Limits::documented(), Endpoint::Import, Format::Ndjson, None);
    batcher.convert_long_texts(LongTexts { parse_urls: true, flatten_json: true, drop_text: false });
    steps::of(|| {
        let (mut reader, mut index) = (JsonReader::new(), 0);
        let mut window = Window::new(text.as_bytes(), true);
        loop {
            let add = |event: &JsonEvent<'_>, line| batcher.add(Origin { index, line: Some(line) }, event);
            match reader.next(&mut window, add) {
                Next::Event(_) | Next::Broken(_) => index += 1,
                Next::MoreText => panic!("the window is the whole text"),
                Next::End => return,
            }
            batcher.take_full();
        }
    })
}

fn event_with(property: &str) -> String {
    let needed = r#""time":1700000000,"distinct_id":"u","$insert_id":"i""#;
    format!(r#"{{"event":"e","properties":{{{needed},{property}}}}}"#)
}

/// Texts of about `n` parts each.
fn texts(n: usize) -> Vec<(&'static str, String)> {
    let good = event_with("\"a\":1");
    let parts = |make: &dyn Fn(usize) -> String, between: &str| (0..n).map(make).collect::<Vec<_>>().join(between);
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let deep = "k".repeat(n);
    let nested = format!(
        "{}{{{}}}{}",
        format!("{{\"{deep}\":").repeat(60),
        parts(&|at| format!("\"l{at}\":1"), ","),
        "}".repeat(60)
    );
    let mut texts = vec![
        ("objects that are not closed", "{\"a\":\n".repeat(n)),
        ("arrays that are not closed", "[\n".repeat(n)),
        ("arrays and objects that are not closed", "[\n{\"a\":\r".repeat(n)),
        ("two on a line", "{\"a\":[{\"a\":\n".repeat(n)),
        ("indented objects", (0..n).map(|at| format!("{}{{\"a\":\n", " ".repeat(at % 7))).collect()),
        ("brackets on one line", "[{".repeat(n)),
        ("opened only", "[".repeat(n)),
        ("closed only", "}".repeat(n)),
        ("commas", ",".repeat(n)),
        ("quotes", "\"".repeat(n)),
        ("quotes on lines", "{\"a\n".repeat(n)),
        ("colons", ":{".repeat(n)),
        ("empty lines", format!("{{\"a\":\n{}x", "\n".repeat(n))),
        ("broken elements", format!("[{}]", vec!["{\"event\": tru}"; n].join(","))),
        ("broken values on lines", vec!["{\"a\":\ntru\n}"; n].join("\n")),
        ("cut events", format!("{}\n", &good[..40]).repeat(n)),
        ("events", format!("{good}\n").repeat(n)),
        ("repeated names", event_with(&parts(&|_| "\"a\":1".to_owned(), ","))),
        ("names", event_with(&parts(&|at| format!("\"a{at}\":1"), ","))),
        ("long names", event_with(&parts(&|at| format!("\"{}{at}\":1", "a".repeat(300)), ","))),
        ("NaN", event_with(&format!("\"{}\":[{}]", "k".repeat(250), vec!["NaN"; n].join(",")))),
        ("surrogates", event_with(&format!("\"a\":[{}]", vec!["\"\\ud800\""; n].join(",")))),
    ];
    let url = format!("https://x.y/?{}", parts(&|at| format!("p{at}={at}"), "&"));
    let same = format!("https://x.y/?{}", parts(&|at| format!("p={at}"), "&"));
    texts.push(("parameters", event_with(&format!("\"{}\":\"{url}\"", "k".repeat(n)))));
    texts.push(("parameters of one name", event_with(&format!("\"u\":\"{same}\""))));
    texts.push(("flattened names", event_with(&format!("\"j\":\"{}\"", quoted(&nested)))));
    texts
}

#[test]
fn twice_the_text_takes_at_most_two_and_a_half_times_the_steps() {
    for ((name, once), (_, twice)) in texts(1000).into_iter().zip(texts(2000)) {
        let (once, twice) = (steps_of(&once), steps_of(&twice));
        assert!(2 * twice <= 5 * once, "{name}: {once} steps, then {twice}");
    }
}
