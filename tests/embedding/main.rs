//! A crate that depends on the packaged crate encodes without Python.
//!
//! The crate is packaged as for a registry and unpacked elsewhere. Another crate has the packaged example as its only source,
//! so the test fails if the package lacks a file.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn cargo(folder: &Path) -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    // A separate target folder: the running tests hold the lock of theirs.
    cargo.current_dir(folder).env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("built"));
    cargo
}

fn output_of(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Packages the crate and unpacks it into a folder.
fn unpacked(folder: &Path) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let packed = output_of(cargo(root).args(["package", "--list", "--offline", "--allow-dirty"]));
    let is_meant = |file: &str| file.starts_with("src/") || file.starts_with("examples/") || !file.contains('/');
    assert!(packed.lines().all(is_meant) && packed.contains("LICENSE") && packed.contains("README.md"), "{packed}");
    output_of(cargo(root).args(["package", "--quiet", "--offline", "--no-verify", "--allow-dirty"]));
    let archive = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("built/package/mixpress-{VERSION}.crate"));
    output_of(Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(folder));
    folder.join(format!("mixpress-{VERSION}"))
}

/// Writes another crate that depends on it.
fn embedding(folder: &Path, packed: &Path) {
    let (packed, example) = (packed.to_str().unwrap(), packed.join("examples/encode.rs"));
    let manifest = format!(
        "[package]\nname = \"embedding\"\nedition = \"2024\"\n[workspace]\n[dependencies]\nmixpress = {{ path = {packed:?} }}\n\
         [[bin]]\nname = \"embedding\"\npath = {example:?}\n"
    );
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    // The same versions, which are available offline.
    fs::copy(Path::new(packed).join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
}

#[test]
fn another_crate_embeds_the_packaged_one_without_python() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("embedding");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    embedding(&folder, &unpacked(&folder));

    let tree = output_of(cargo(&folder).args(["tree", "--offline", "--edges", "normal", "--prefix", "none"]));
    assert!(tree.contains("libdeflater") && !tree.contains("pyo3") && !tree.contains("arrow"), "{tree}");

    output_of(cargo(&folder).args(["build", "--quiet", "--offline"]));
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("built/debug/embedding");
    let mut encode =
        Command::new(program).arg(folder.join("bodies")).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let good = r#"{"event":"e","properties":{"time":1700000000,"distinct_id":"u","$insert_id":"i"}}"#;
    let text = format!("{good}\n{}\n{{]\n", good.replace("\"u\"", "\"NA\""));
    encode.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = encode.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = said.lines().collect();
    assert!(
        lines[0].starts_with("line 2: distinct-id-disallowed properties.distinct_id: 'distinct_id' is \"NA\""),
        "{said}"
    );
    assert!(lines[1].starts_with("line 3: invalid-json"), "{said}");
    assert_eq!((lines[2], output.status.code()), ("1 of 3 events in 1 bodies", Some(1)));
    let body = fs::read(folder.join("bodies/0001.json.gz")).unwrap();
    assert_eq!(mixpress::gzip::decompress(&body, 1000).unwrap(), format!("[{good}]").as_bytes());
}
