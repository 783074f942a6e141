//! The files of `src` as modules, without comments, literals and test code.

use std::fs;
use std::path::{Path, PathBuf};

/// A module and its tokens.
pub struct Source {
    /// Its path in the crate, like `source::json::reader`.
    pub module: String,
    pub tokens: Vec<String>,
}

/// Every module of the crate but its root and those for tests.
pub fn sources() -> Vec<Source> {
    let mut sources: Vec<_> = texts("src").iter().map(|(file, text)| source(file, text)).collect();
    let tests: Vec<String> = sources.iter_mut().flat_map(remove_tests).collect();
    sources.retain(|source| !source.module.is_empty() && !tests.contains(&source.module));
    assert!(sources.len() > 50, "the sources are missing");
    sources
}

/// Every Rust file in a folder of the repository, by its path in the folder, and its text.
pub fn texts(folder: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = files(&folder).into_iter();
    files.map(|file| (file.strip_prefix(&folder).unwrap().to_owned(), fs::read_to_string(&file).unwrap())).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    let files = entries.into_iter().flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

fn source(file: &Path, text: &str) -> Source {
    let path = file.with_extension("");
    let mut names: Vec<_> = path.iter().map(|name| name.to_str().unwrap()).collect();
    if matches!(names.last(), Some(&("mod" | "lib"))) {
        names.pop();
    }
    Source { module: names.join("::"), tokens: tokens(text) }
}

/// Words, `::`, and other characters one by one.
pub fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(length) = literal_length(rest) {
            length
        } else if first.is_alphanumeric() || first == '_' {
            let length = rest.find(|next: char| !next.is_alphanumeric() && next != '_').unwrap_or(rest.len());
            tokens.push(rest[..length].to_owned());
            length
        } else {
            let length = if rest.starts_with("::") { 2 } else { first.len_utf8() };
            tokens.extend((!first.is_whitespace()).then(|| rest[..length].to_owned()));
            length
        };
        rest = &rest[length..];
    }
    tokens
}

/// The length of the string or character literal at the start of a text.
fn literal_length(text: &str) -> Option<usize> {
    let prefix = text.find(|next| !"bcr".contains(next))?;
    let hashes = text[prefix..].find(|next| next != '#')?;
    let is_raw = text[..prefix].contains('r');
    let quote = prefix + hashes;
    match text.as_bytes().get(quote)? {
        b'"' if is_raw => {
            let end = format!("\"{}", "#".repeat(hashes));
            text[quote + 1..].find(&end).map(|at| quote + 1 + at + end.len())
        }
        b'"' if hashes == 0 => Some(quote + 1 + end_of_escaped(&text[quote + 1..], '"')),
        b'\'' if hashes == 0 => {
            let mut inside = text[quote + 1..].chars();
            let is_character = inside.next() == Some('\\') || inside.next() == Some('\'');
            is_character.then(|| quote + 1 + end_of_escaped(&text[quote + 1..], '\''))
        }
        _ => None,
    }
}

fn end_of_escaped(text: &str, quote: char) -> usize {
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        if character == '\\' {
            characters.next();
        } else if character == quote {
            return at + 1;
        }
    }
    text.len()
}

/// Removes what follows each `#[cfg(test)]`; returns the modules in files that are for tests only.
fn remove_tests(source: &mut Source) -> Vec<String> {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut modules = Vec::new();
    while let Some(at) = source.tokens.windows(MARK.len()).position(|tokens| tokens == MARK) {
        let item = &source.tokens[at + MARK.len()..];
        if let [word, name, end, ..] = item
            && (word.as_str(), end.as_str()) == ("mod", ";")
        {
            modules.push(format!("{}::{name}", source.module));
        }
        let end = at + MARK.len() + item_length(item);
        source.tokens.drain(at..end);
    }
    modules
}

/// The length of the item at the start: up to a semicolon, or the end of its braces.
fn item_length(tokens: &[String]) -> usize {
    let is_use = tokens.first().is_some_and(|word| word == "use");
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate() {
        match token.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 && (token == ";" || (token == "}" && !is_use)) {
            return at + 1;
        }
    }
    tokens.len()
}

#[test]
fn literals_and_comments_are_no_tokens() {
    let text = "a::b // c::d\n \"e::\\\"f\" b'\\'' '\"' r#\"g::\"h\"# &'static k::l";
    assert_eq!(tokens(text), ["a", "::", "b", "&", "'", "static", "k", "::", "l"]);
}

#[test]
fn test_code_is_removed() {
    let text = "a #[cfg(test)] use b::{c}; #[cfg(test)] mod d; #[cfg(test)] mod e { use f::g; fn h() {} } i";
    let mut source = Source { module: "m".into(), tokens: tokens(text) };
    assert_eq!((remove_tests(&mut source), source.tokens), (vec!["m::d".to_owned()], vec!["a".into(), "i".into()]));
}
