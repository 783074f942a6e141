//! The structure of `src`: its layers, no ring of modules, where pyo3 and `unsafe` may be used, and the size of files.
//!
//! Paths are read from the text of the files: `use` declarations and inline paths that start with `crate`, `super`, `self`
//! or a submodule. A name that a module re-exports counts as an import of the module that defines it. Test code is not
//! checked, and neither is `lib.rs`, which re-exports everything.

mod files;
mod paths;

use std::collections::{BTreeMap, BTreeSet};

use files::{Source, sources};

/// The layers, from the top. A module imports from layers below its own, and from its own module; not from the others in
/// its row. A subfolder without an entry belongs to its parent.
const LAYERS: &[&[&str]] = &[
    &["python"],
    &["encoder"],
    &["batch"],
    &["event"],
    &["gzip", "source", "validate"],
    &["truncate"],
    &["gzip::press", "rules", "scan", "serialize", "csv"],
    &["gzip::library", "vectors"],
    &["steps"],
];

/// Where `unsafe` may be used: instructions and buffers, the comparison of two places, CPython's objects, and the foreign
/// interfaces (Arrow's C data, Python's buffer).
const UNSAFE: &[&str] =
    &["vectors::", "gzip::press::alike", "python::raw", "python::walk", "python::input::arrow", "python::batch"];

/// The row of a module's layer, and the name of the layer.
fn layer_of(module: &str) -> (usize, &'static str) {
    let is_in = |layer: &str| module.strip_prefix(layer).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
    let rows = LAYERS.iter().enumerate().flat_map(|(row, layers)| layers.iter().map(move |layer| (row, *layer)));
    rows.filter(|(_, layer)| is_in(layer))
        .max_by_key(|(_, layer)| layer.len())
        .unwrap_or_else(|| panic!("{module} is in no layer: add it to LAYERS in tests/structure/main.rs"))
}

fn imports(sources: &[Source]) -> BTreeMap<&str, BTreeSet<String>> {
    let imports = sources.iter().map(|source| (source.module.as_str(), paths::imports(source, sources)));
    imports.collect()
}

#[test]
fn modules_import_only_from_layers_below_their_own() {
    let sources = sources();
    for (module, imported) in imports(&sources) {
        let (row, layer) = layer_of(module);
        for other in imported {
            assert!(!other.is_empty(), "{module} imports from the crate root: name the module that defines the item");
            let (other_row, other_layer) = layer_of(&other);
            assert!(other_row > row || other_layer == layer, "{module} imports {other}, which is not in a layer below");
        }
    }
}

#[test]
fn no_modules_import_each_other_in_a_ring() {
    let sources = sources();
    let imports = imports(&sources);
    let mut done = BTreeSet::new();
    for module in imports.keys() {
        find_ring(module, &imports, &mut Vec::new(), &mut done);
    }
}

fn find_ring<'a>(
    module: &'a str,
    imports: &'a BTreeMap<&str, BTreeSet<String>>,
    path: &mut Vec<&'a str>,
    done: &mut BTreeSet<&'a str>,
) {
    if let Some(start) = path.iter().position(|earlier| *earlier == module) {
        panic!("modules import each other: {} -> {module}", path[start..].join(" -> "));
    }
    if done.contains(module) {
        return;
    }
    path.push(module);
    for other in imports.get(module).into_iter().flatten() {
        find_ring(other, imports, path, done);
    }
    path.pop();
    done.insert(module);
}

#[test]
fn only_the_binding_uses_pyo3() {
    for source in sources().iter().filter(|source| source.tokens.iter().any(|token| token == "pyo3")) {
        assert_eq!(layer_of(&source.module).1, "python", "{} uses pyo3", source.module);
    }
}

#[test]
fn unsafe_is_only_in_its_places() {
    for source in sources().iter().filter(|source| source.tokens.iter().any(|token| token == "unsafe")) {
        let is_allowed = UNSAFE.iter().any(|place| source.module.starts_with(place));
        assert!(
            is_allowed,
            "{} uses unsafe: move it to a place in UNSAFE, or add a place with its reason",
            source.module
        );
    }
}

#[test]
fn a_file_of_more_than_400_lines_gives_a_reason() {
    for (file, text) in ["src", "fuzz/src", "tests/structure"].into_iter().flat_map(files::texts) {
        let has_reason = text.lines().take(12).any(|line| line.starts_with("//! More than 400 lines:"));
        assert!(text.lines().count() <= 400 || has_reason, "{} is long: split it", file.display());
    }
}
