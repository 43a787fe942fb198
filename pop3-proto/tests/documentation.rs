//! Every public module outside the guide has an example or names the one that shows it, and every call of a session or
//! a connection has one.

use std::fs;
use std::path::{Path, PathBuf};

/// The source folders. Those beside this crate are not in its package.
const SOURCES: [&str; 3] = ["src", "../pop3-blocking/src", "../pop3-async/src"];

/// The files of the adapters that are only the inner workings of the others.
const INTERNAL: [&str; 6] = ["clock.rs", "driver.rs", "lib.rs", "stream.rs", "transport.rs", "turn.rs"];

fn sources() -> impl Iterator<Item = PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    SOURCES.into_iter().map(|folder| here.join(folder)).filter(|folder| folder.exists())
}

/// Returns the file of a module that `parent` declares.
fn file(parent: &Path, name: &str) -> PathBuf {
    let is_root = ["lib", "mod"].iter().any(|root| parent.file_stem().is_some_and(|stem| stem == *root));
    let folder = if is_root { parent.parent().unwrap().to_owned() } else { parent.with_extension("") };
    let alone = folder.join(format!("{name}.rs"));
    if alone.exists() { alone } else { folder.join(name).join("mod.rs") }
}

/// Adds the public modules inside `parent` whose documentation has no code and does not name an example.
fn modules_without_example(parent: &Path, found: &mut Vec<PathBuf>) {
    let text = fs::read_to_string(parent).unwrap();
    let mut is_hidden = false;
    for line in text.lines() {
        let name = line.strip_prefix("pub mod ").and_then(|line| line.strip_suffix(';'));
        // The chapters of the guide are text.
        if let Some(name) = name.filter(|name| !is_hidden && *name != "guide") {
            let module = file(parent, name);
            let text = fs::read_to_string(&module).unwrap();
            let documentation: String = text.lines().take_while(|line| line.starts_with("//!")).collect();
            let documentation = documentation.replace("for example ", "").replace("for example,", "");
            if !documentation.contains("```") && !documentation.contains("example") {
                found.push(module.clone());
            }
            modules_without_example(&module, found);
        }
        is_hidden = line == "#[doc(hidden)]";
    }
}

#[test]
fn every_public_module_has_an_example() {
    let mut found = Vec::new();
    for folder in sources() {
        modules_without_example(&folder.join("lib.rs"), &mut found);
    }
    assert_eq!(found, Vec::<PathBuf>::new());
}

/// Returns the lines that begin a public type or function, or the call of a session or a connection, without an example
/// in the documentation above.
fn items_without_example(text: &str, with_methods: bool) -> Vec<&str> {
    let mut has_example = false;
    let mut found = Vec::new();
    for line in text.lines() {
        let code = line.trim_start();
        if let Some(documentation) = code.strip_prefix("///") {
            has_example |= documentation.contains("```");
        } else if !code.starts_with("#[") {
            let is_call = code.starts_with("pub fn ") || code.starts_with("pub async fn ");
            let is_type = line.starts_with("pub struct ");
            if (is_type || is_call && (with_methods || code == line)) && !has_example {
                found.push(code);
            }
            has_example = false;
        }
    }
    found
}

#[test]
fn every_call_of_a_session_has_an_example() {
    let adapters = sources().skip(1);
    for folder in adapters {
        for entry in fs::read_dir(&folder).unwrap().chain(fs::read_dir(folder.join("session")).unwrap()) {
            let path = entry.unwrap().path();
            if path.is_dir() || INTERNAL.iter().any(|name| path.ends_with(name)) {
                continue;
            }
            let with_methods = path.ends_with("connection.rs") || path.parent().unwrap().ends_with("session");
            let text = fs::read_to_string(&path).unwrap();
            assert_eq!(items_without_example(&text, with_methods), Vec::<&str>::new(), "{}", path.display());
        }
    }
}
