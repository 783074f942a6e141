//! The modules that a module imports, by the paths in its text.

use std::collections::{BTreeSet, HashMap};

use crate::files::Source;

/// A path as written, and whether it is re-exported under a name.
struct Found {
    /// From the crate's root.
    path: Vec<String>,
    /// The name of a re-export.
    exported: Option<String>,
}

/// The modules from which a module imports. Its re-exports are none: who imports them counts instead.
pub fn imports(source: &Source, sources: &[Source]) -> BTreeSet<String> {
    let modules: HashMap<&str, &Source> = sources.iter().map(|source| (source.module.as_str(), source)).collect();
    let imported = paths(source, &modules).into_iter().filter(|found| found.exported.is_none());
    let mut imported: BTreeSet<String> = imported.map(|found| defining_module(&found.path, &modules)).collect();
    imported.remove(&source.module);
    imported
}

/// The module that defines the item of a path, through re-exports.
fn defining_module(path: &[String], modules: &HashMap<&str, &Source>) -> String {
    let is_module = |length: &usize| modules.contains_key(path[..*length].join("::").as_str());
    let Some(length) = (1..=path.len()).rev().find(is_module) else { return String::new() };
    let module = path[..length].join("::");
    let Some(name) = path.get(length) else { return module };
    let exports = paths(modules[module.as_str()], modules);
    match exports.iter().find(|found| found.exported.as_ref() == Some(name) && found.path != path) {
        Some(export) => defining_module(&export.path, modules),
        None => module,
    }
}

/// All paths of a module that start with `crate`, `self`, `super` or a submodule.
fn paths(source: &Source, modules: &HashMap<&str, &Source>) -> Vec<Found> {
    let tokens: Vec<&str> = source.tokens.iter().map(String::as_str).collect();
    let mut found = Vec::new();
    let mut module: Vec<String> = source.module.split("::").map(str::to_owned).collect();
    let mut inline_modules = Vec::new();
    let (mut depth, mut at) = (0, 0);
    while at < tokens.len() {
        match (tokens[at], tokens.get(at + 1..at + 3)) {
            ("mod", Some([name, "{"])) => {
                inline_modules.push(depth);
                module.push((*name).to_owned());
            }
            ("{", _) => depth += 1,
            ("}", _) => {
                depth -= 1;
                if inline_modules.pop_if(|inline| *inline == depth).is_some() {
                    module.pop();
                }
            }
            ("use", _) => {
                let is_exported = at > 0 && matches!(tokens[at - 1], "pub" | ")");
                at = read_tree(&tokens, at + 1, &mut Vec::new(), &mut |path, name| {
                    let exported = is_exported.then(|| name.to_owned());
                    found.extend(resolve(path, &module, modules).map(|path| Found { path, exported }));
                });
                continue;
            }
            (_, Some(["::", _])) if at == 0 || tokens[at - 1] != "::" => {
                let length = tokens[at..].chunks(2).take_while(|pair| pair.get(1) == Some(&"::")).count();
                let path: Vec<&str> = tokens[at..].iter().step_by(2).take(length + 1).copied().collect();
                found.extend(resolve(&path, &module, modules).map(|path| Found { path, exported: None }));
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// Reads the tree of a `use` declaration and reports each path with the name that it gets. Returns where the tree ends.
fn read_tree<'a>(
    tokens: &[&'a str],
    mut at: usize,
    path: &mut Vec<&'a str>,
    report: &mut impl FnMut(&[&'a str], &str),
) -> usize {
    let outer = path.len();
    while let Some(&token) = tokens.get(at) {
        match token {
            "{" => {
                loop {
                    at = read_tree(tokens, at + 1, path, report);
                    if tokens.get(at) != Some(&",") {
                        break;
                    }
                }
                path.truncate(outer);
                return at + 1;
            }
            "," | "}" | ";" => break,
            "as" => {
                report(path, tokens[at + 1]);
                path.truncate(outer);
                return at + 2;
            }
            "::" => {}
            segment => path.push(segment),
        }
        at += 1;
    }
    if path.len() > outer {
        report(path, path.last().copied().unwrap_or_default());
    }
    path.truncate(outer);
    at
}

/// A path from the root of the crate; None if it leads to another crate.
fn resolve(path: &[&str], module: &[String], modules: &HashMap<&str, &Source>) -> Option<Vec<String>> {
    let supers = path.iter().take_while(|segment| **segment == "super").count();
    let is_submodule = || modules.contains_key([&module.join("::"), path[0]].join("::").as_str());
    let (base, rest) = match path[0] {
        "crate" => (&module[..0], &path[1..]),
        "self" => (module, &path[1..]),
        "super" => (&module[..module.len() - supers], &path[supers..]),
        _ if is_submodule() => (module, path),
        _ => return None,
    };
    Some(base.iter().cloned().chain(rest.iter().map(|segment| (*segment).to_owned())).collect())
}

#[test]
fn paths_are_read_from_use_trees_and_from_code() {
    let source = |module: &str, text: &str| Source { module: module.into(), tokens: crate::files::tokens(text) };
    let sources = [
        source("a", "mod b; pub use b::B as C; use self::b::D; mod inline { use super::b::E; }"),
        source("a::b", "use crate::{c::{self, X as Y}, a::C}; use std::fmt; fn f() { super::d::g::<u8>() }"),
        source("a::d", "use crate::a::C;"),
        source("c", "fn f() -> crate::a::d::Z { pyo3::x() }"),
    ];
    let imports = |module: usize| imports(&sources[module], &sources).into_iter().collect::<Vec<_>>();
    assert_eq!(imports(0), ["a::b"]);
    assert_eq!(imports(1), ["a::d", "c"], "the re-export is of the module itself");
    assert_eq!(imports(2), ["a::b"]);
    assert_eq!(imports(3), ["a::d"]);
}
