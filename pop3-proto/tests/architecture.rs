//! The layers of the crate, read from its sources: each module uses only those above it, and no file uses another in a
//! circle. A module and its submodules may use each other. A path counts wherever it stands, and leads through
//! re-exports to the file that has the item.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The modules in the order that the front page of the crate gives.
const LAYERS: [&str; 12] =
    ["wire", "state", "error", "client", "server", "message", "sasl", "drive", "tls", "login", "serve", "testing"];

/// The sources by module path, such as `wire::line`, without documentation, comments and unit tests.
fn sources() -> BTreeMap<String, String> {
    let code = |text: &str| {
        let code = text.split("\nmod tests {").next().unwrap_or_default();
        let is_code = |line: &&str| !line.trim_start().starts_with("//") && !line.contains("doc = \"");
        let code = code.lines().filter(is_code).collect::<Vec<_>>().join("\n");
        let mut parts = code.split("#[cfg(doc)]\n");
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |code, part| code + part.split_once(';').unwrap().1)
    };
    texts().into_iter().map(|(module, text)| (module, code(&text))).collect()
}

/// The texts of the source files by module path. `lib.rs` has the empty path.
fn texts() -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut texts);
    texts
}

fn collect(folder: &Path, module: &str, texts: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let inner = join(module, name);
        if path.is_dir() {
            collect(&path, &inner, texts);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let module = if name == "mod" || inner == "lib" { module } else { &inner };
            texts.insert(module.to_owned(), fs::read_to_string(&path).unwrap());
        }
    }
}

/// The modules of the crate, to resolve paths.
struct Modules(BTreeMap<String, Module>);

struct Module {
    /// The paths that the names of its `use` declarations stand for.
    names: BTreeMap<String, Vec<String>>,
    /// The other paths.
    paths: Vec<Vec<String>>,
}

impl Modules {
    fn read() -> Modules {
        Modules(sources().into_iter().map(|(module, code)| (module, Module::of(&code))).collect())
    }

    /// The modules other than itself that each module uses.
    fn edges(&self) -> BTreeMap<&String, BTreeSet<String>> {
        let uses = |at: &String, module: &Module| {
            let names = module.names.values().filter_map(|path| self.declared(at, path));
            let paths = module.paths.iter().filter_map(|path| self.used(at, path));
            names.chain(paths).filter(|used| used != at).collect()
        };
        self.0.iter().filter(|(at, _)| !at.is_empty()).map(|(at, module)| (at, uses(at, module))).collect()
    }

    /// The module of the item that `path` names outside declarations. `None` if it belongs to another crate, or is the
    /// module's own.
    fn used(&self, at: &str, path: &[String]) -> Option<String> {
        let is_declared = self.0[at].names.contains_key(&path[0]);
        if is_declared { Some(self.follow(at, path)) } else { self.declared(at, path) }
    }

    /// The same for the path of a `use` declaration.
    fn declared(&self, at: &str, path: &[String]) -> Option<String> {
        match path[0].as_str() {
            "crate" => Some(self.follow("", &path[1..])),
            "self" => Some(self.follow(at, &path[1..])),
            "super" => Some(self.follow(at, path)),
            child => self.0.contains_key(&join(at, child)).then(|| self.follow(at, path)),
        }
    }

    /// Follows `path` from the module `at`, also through re-exports.
    fn follow(&self, at: &str, path: &[String]) -> String {
        let Some((first, rest)) = path.split_first() else { return at.to_owned() };
        let child = join(at, first);
        if first == "super" {
            self.follow(at.rsplit_once("::").map_or("", |(parent, _)| parent), rest)
        } else if self.0.contains_key(&child) {
            self.follow(&child, rest)
        } else {
            let named = self.0[at].names.get(first);
            named.and_then(|path| self.declared(at, &[path, rest].concat())).unwrap_or_else(|| at.to_owned())
        }
    }
}

impl Module {
    fn of(code: &str) -> Module {
        let mut module = Module { names: BTreeMap::new(), paths: Vec::new() };
        let mut declaration: Option<String> = None;
        for line in code.lines().map(str::trim) {
            let line = line.strip_prefix("pub ").or_else(|| line.strip_prefix("pub(crate) ")).unwrap_or(line);
            match (&mut declaration, line.strip_prefix("use ")) {
                (Some(declaration), _) => declaration.push_str(line),
                (None, Some(tree)) => declaration = Some(tree.to_owned()),
                (None, None) => module.paths.extend(
                    line.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
                        .map(|word| word.split("::").map(str::to_owned).collect::<Vec<_>>())
                        .filter(|path| path.len() > 1 && !path[0].is_empty()),
                ),
            }
            if let Some(tree) = declaration.take_if(|tree| tree.ends_with(';')) {
                module.declare(&[], tree.trim_end_matches(';'));
            }
        }
        module
    }

    /// Adds the names of a `use` declaration, whose `{}` may be nested.
    fn declare(&mut self, before: &[String], tree: &str) {
        let (head, group) = tree.split_once('{').map_or((tree, None), |(head, group)| (head, Some(group)));
        let (head, name) = head.split_once(" as ").map_or((head, None), |(head, name)| (head, Some(name)));
        let segments = head.split("::").map(str::trim).filter(|segment| !["", "*"].contains(segment));
        let mut path: Vec<_> = before.iter().cloned().chain(segments.map(str::to_owned)).collect();
        if let Some(group) = group {
            let mut depth = 0;
            let comma = |c: char| {
                depth += i32::from(c == '{') - i32::from(c == '}');
                depth == 0 && c == ','
            };
            for tree in group.rsplit_once('}').unwrap().0.split(comma).filter(|tree| !tree.trim().is_empty()) {
                self.declare(&path, tree);
            }
        } else {
            if path.last().is_some_and(|last| last == "self") {
                path.pop();
            }
            let name = name.filter(|name| *name != "_").or(path.last().map(String::as_str)).unwrap().to_owned();
            self.names.insert(name, path);
        }
    }
}

fn join(module: &str, name: &str) -> String {
    if module.is_empty() { name.to_owned() } else { format!("{module}::{name}") }
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
    for (module, used) in Modules::read().edges() {
        for used in used {
            assert!(layer(&used) <= layer(module), "{module} uses {used}, which lies below it");
        }
    }
}

#[test]
fn no_file_uses_another_in_a_circle() {
    let modules = Modules::read();
    let mut edges = modules.edges();
    for (module, used) in &mut edges {
        used.retain(|used| !is_parent_and_child(module, used));
    }
    for start in edges.keys() {
        let mut seen = BTreeSet::new();
        let mut next: Vec<_> = edges[start].iter().map(|used| vec![start, used]).collect();
        while let Some(path) = next.pop() {
            let last = path[path.len() - 1];
            assert!(last != *start, "a circle: {path:?}");
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
