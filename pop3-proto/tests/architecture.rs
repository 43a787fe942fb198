//! The layers of the crate, read from its sources: each module uses only those above it, and no file uses another in a
//! circle. A module and its submodules may use each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The modules in the order that the front page of the crate gives.
const LAYERS: [&str; 12] =
    ["wire", "state", "error", "client", "server", "message", "sasl", "drive", "tls", "login", "serve", "testing"];

/// The sources by module path, such as `wire::line`, without comments and unit tests.
fn sources() -> BTreeMap<String, String> {
    let code = |text: &str| {
        let code = text.split("\n#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let code: Vec<_> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        code.join("\n").replace("#[cfg(doc)]\nuse crate::", "// ")
    };
    texts().into_iter().map(|(module, text)| (module, code(&text))).collect()
}

/// The texts of the source files by module path.
fn texts() -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut texts);
    texts
}

fn collect(folder: &Path, module: &str, texts: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let inner = if module.is_empty() { name.to_owned() } else { format!("{module}::{name}") };
        if path.is_dir() {
            collect(&path, &inner, texts);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let module = if name == "mod" { module } else { &inner };
            texts.insert(module.to_owned(), fs::read_to_string(&path).unwrap());
        }
    }
}

/// The modules that `module` uses, as far down as there are files.
fn uses(code: &str, sources: &BTreeMap<String, String>) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let path: Vec<_> = code[at + "crate::".len()..]
            .split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
            .next()
            .unwrap_or_default()
            .split("::")
            .collect();
        let deepest = (1..=path.len()).rev().map(|len| path[..len].join("::")).find(|path| sources.contains_key(path));
        used.insert(deepest.unwrap_or_else(|| panic!("crate::{} is in no file", path.join("::"))));
    }
    used
}

fn is_parent_and_child(a: &str, b: &str) -> bool {
    let under = |a: &str, b: &str| a.strip_prefix(b).is_some_and(|rest| rest.starts_with("::"));
    a == b || under(a, b) || under(b, a)
}

#[test]
fn each_module_uses_only_those_above_it() {
    let layer = |module: &str| {
        let top = module.split("::").next().unwrap();
        LAYERS.iter().position(|layer| *layer == top).unwrap_or_else(|| panic!("{top} has no place in the order"))
    };
    let sources = sources();
    for (module, code) in sources.iter().filter(|(module, _)| *module != "lib") {
        for used in uses(code, &sources) {
            assert!(layer(&used) <= layer(module), "{module} uses {used}, which lies below it");
        }
    }
}

#[test]
fn no_file_uses_another_in_a_circle() {
    let sources = sources();
    let edges: BTreeMap<_, _> = sources
        .iter()
        .filter(|(module, _)| *module != "lib")
        .map(|(module, code)| {
            let used = uses(code, &sources).into_iter().filter(|used| !is_parent_and_child(module, used));
            (module.clone(), used.collect::<BTreeSet<_>>())
        })
        .collect();
    for start in edges.keys() {
        let mut seen = BTreeSet::new();
        let mut next: Vec<_> = edges[start].iter().map(|used| vec![start, used]).collect();
        while let Some(path) = next.pop() {
            let last = path[path.len() - 1];
            assert!(last != start, "a circle: {path:?}");
            if seen.insert(last) {
                next.extend(edges[last].iter().map(|used| [&path[..], &[used]].concat()));
            }
        }
    }
}

#[test]
fn the_front_page_gives_the_same_order() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("//! | ")).skip(1);
    let order: Vec<_> = rows
        .flat_map(|row| row.split(" | ").next().unwrap_or_default().split(", ").map(str::to_owned).collect::<Vec<_>>())
        .map(|name| name.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase())
        .collect();
    // The errors are not a module in the public documentation.
    let documented: Vec<_> = LAYERS.into_iter().filter(|layer| *layer != "error").collect();
    assert_eq!(order, documented);
}

/// The enums that callers may match without a wildcard: those that a loop, a server or a user has to handle completely,
/// and those that the RFCs have closed. Another variant is a breaking change. All others are `#[non_exhaustive]`.
const EXHAUSTIVE: [&str; 19] = [
    "BadRequest",
    "Binding",
    "Charset",
    "Command",
    "Event",
    "Hash",
    "Header",
    "Io",
    "LoginAttempt",
    "Outcome",
    "Payload",
    "Progress",
    "QuitError",
    "Request",
    "Response",
    "Security",
    "Shape",
    "State",
    "Step",
];

#[test]
fn an_enum_is_open_unless_callers_have_to_handle_all_of_it() {
    let sources = sources();
    let mut found = BTreeSet::new();
    for code in sources.iter().filter(|(module, _)| !module.starts_with("testing")).map(|(_, code)| code) {
        let mut attributes = Vec::new();
        for line in code.lines() {
            if let Some(name) = line.strip_prefix("pub enum ") {
                let name = name.split(|c: char| !c.is_alphanumeric()).next().unwrap();
                if !attributes.contains(&"#[non_exhaustive]") {
                    found.insert(name.to_owned());
                }
            }
            if line.starts_with('#') { attributes.push(line) } else { attributes.clear() }
        }
    }
    assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), EXHAUSTIVE);
}

/// The documentation of an item begins with a verb or a noun, as in the standard library.
#[test]
fn no_documentation_begins_with_a_question_word() {
    const WORDS: [&str; 10] = ["What", "Whether", "Which", "Where", "Who", "Whose", "When", "How", "Why", "Whatever"];
    for (module, text) in texts() {
        let mut is_first = true;
        for line in text.lines().map(str::trim_start) {
            let documentation = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"));
            let word = documentation.and_then(|line| line.split_whitespace().next());
            assert!(!is_first || word.is_none_or(|word| !WORDS.contains(&word)), "{module}: {line}");
            is_first = documentation.is_none();
        }
    }
}
