//! The tables of `spec/` beside the code and the tests: each item and each test that a row names exists, each test
//! whose name has the number of a row stands in that row, and the figures are right.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The sections of the tables, each with the number of its rows.
const ATTACKS: [(&str, usize); 7] = [("A", 16), ("B", 10), ("C", 18), ("D", 20), ("E", 9), ("F", 7), ("G", 8)];
const REQUIREMENTS: [(&str, usize); 3] = [("C-", 136), ("V-", 65), ("T-", 10)];

/// The folders that hold tests. Those beside this crate are not in its package.
const FOLDERS: [&str; 4] = ["src", "tests", "../pop3-blocking/tests", "../pop3-async/tests"];

/// A test, or a row's reference to one: the file, from the folder of this crate on, and the function.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Test {
    file: String,
    function: String,
}

impl Test {
    /// The rows that the function is named by: `g03_v35_...` by G03 and V-35.
    fn rows(&self) -> Vec<String> {
        self.function.split('_').map_while(row).collect()
    }
}

/// The row that a word of a function's name stands for.
fn row(word: &str) -> Option<String> {
    let (letter, digits) = word.split_at_checked(1)?;
    let is_number = digits.bytes().all(|digit| digit.is_ascii_digit());
    match (letter, digits.len()) {
        ("a" | "b" | "c" | "d" | "e" | "f" | "g", 2) if is_number => Some(word.to_uppercase()),
        ("v", 1..=2) if is_number => Some(format!("V-{digits}")),
        _ => None,
    }
}

#[derive(Debug)]
struct Row {
    id: String,
    source: String,
    /// Items in backticks, or "none". Rows of attacks have no such cell.
    code: Option<String>,
    /// The last cell: tests and files in backticks, or a reason.
    cell: String,
}

fn marked(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

impl Row {
    fn marked(&self) -> impl Iterator<Item = &str> {
        marked(&self.cell)
    }

    fn has_reason(&self) -> bool {
        self.cell.starts_with("none: ")
    }

    /// Returns the RFCs of the source, each with the key words of RFC 2119 for which the row stands.
    fn rfcs(&self) -> impl Iterator<Item = (&str, usize)> {
        self.source.split("; ").filter_map(|part| {
            let rfc = part.strip_prefix("RFC ")?.split([',', ' ']).next()?;
            let words = part.split_once('(').map_or("", |(_, words)| words.trim_end_matches(')'));
            Some((rfc, words.split(", ").filter(|word| !word.is_empty()).count()))
        })
    }

    fn tests(&self) -> Vec<Test> {
        let test = |(file, function): (&str, &str)| Test { file: file.to_owned(), function: function.to_owned() };
        self.marked().filter_map(|marked| marked.split_once("::")).map(test).collect()
    }
}

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Returns true if the file lies in a folder that there is.
fn is_expected(file: &str) -> bool {
    let folder = FOLDERS.iter().find(|folder| file.strip_prefix(**folder).is_some_and(|rest| rest.starts_with('/')));
    here(folder.unwrap_or_else(|| panic!("{file} lies in none of the folders"))).exists()
}

fn lines(name: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(here("spec").join(name)).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let rows = rows.map(|line| line.split(" | ").map(str::to_owned).collect::<Vec<_>>());
    rows.inspect(|cells| assert!(cells.iter().all(|cell| !cell.trim().is_empty()), "an empty cell: {cells:?}"))
        .collect()
}

/// Returns true for the first cell of a row of the table of figures.
fn is_rfc(cell: &str) -> bool {
    cell.starts_with("RFC")
}

fn table(name: &str) -> Vec<Row> {
    let has_code = name == "requirements.md";
    let rows = lines(name).into_iter().filter(|cells| cells[0] != "Row" && !is_rfc(&cells[0]));
    let rows = rows.map(|mut cells| {
        assert_eq!(cells.len(), if has_code { 5 } else { 4 }, "{cells:?}");
        let cell = cells.pop().unwrap();
        let code = has_code.then(|| cells.pop().unwrap());
        Row { id: cells[0].clone(), source: cells[1].clone(), code, cell }
    });
    rows.collect()
}

fn tables() -> Vec<Row> {
    let mut rows = table("attacks.md");
    rows.extend(table("requirements.md"));
    rows
}

/// All tests in the folders that there are.
fn tests() -> BTreeSet<Test> {
    let mut tests = BTreeSet::new();
    for folder in FOLDERS {
        if here(folder).exists() {
            collect(folder, &mut tests);
        }
    }
    tests
}

fn collect(folder: &str, tests: &mut BTreeSet<Test>) {
    for entry in fs::read_dir(here(folder)).unwrap() {
        let path = entry.unwrap().path();
        let file = format!("{folder}/{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() && !path.ends_with("target") {
            collect(&file, tests);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let mut is_test = false;
            for line in fs::read_to_string(&path).unwrap().lines().map(str::trim) {
                let function = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
                if let Some(name) = function.and_then(|rest| rest.split(['(', '<']).next()).filter(|_| is_test) {
                    tests.insert(Test { file: file.clone(), function: name.to_owned() });
                }
                // Other attributes and comments may stand between the attribute and the function.
                let goes_on = is_test && (line.starts_with('#') || line.starts_with("//"));
                is_test = line == "#[test]" || line.starts_with("#[tokio::test") || goes_on;
            }
        }
    }
}

#[test]
fn no_row_is_missing() {
    let attacks = ATTACKS.iter().flat_map(|(section, rows)| (1..=*rows).map(move |n| format!("{section}{n:02}")));
    let found: Vec<_> = table("attacks.md").into_iter().map(|row| row.id).collect();
    assert_eq!(found, attacks.collect::<Vec<_>>());
    let requirements = REQUIREMENTS.iter().flat_map(|(part, rows)| (1..=*rows).map(move |n| format!("{part}{n}")));
    let found: Vec<_> = table("requirements.md").into_iter().map(|row| row.id).collect();
    assert_eq!(found, requirements.collect::<Vec<_>>());
}

#[test]
fn each_row_has_a_test_or_a_reason() {
    for row in tables() {
        let tests = row.tests();
        if let Some(reason) = row.cell.strip_prefix("none: ") {
            assert!(tests.is_empty() && reason.len() > 30, "{}: {reason}", row.id);
        } else {
            assert!(!tests.is_empty(), "{} has no test", row.id);
            assert!(row.code.as_deref() != Some("none"), "{} has a test, and no code", row.id);
            assert_eq!(tests.iter().collect::<BTreeSet<_>>().len(), tests.len(), "{}: a test twice", row.id);
            // Tests of attacks are found by their names alone.
            let own = row.id.contains('-') || tests.iter().any(|test| test.rows().contains(&row.id));
            assert!(own, "{} has no test that is named by it", row.id);
        }
    }
}

#[test]
fn each_test_that_a_row_names_exists() {
    let tests = tests();
    for row in tables() {
        for test in row.tests().iter().filter(|test| is_expected(&test.file)) {
            assert!(tests.contains(test), "{}: there is no test {} in {}", row.id, test.function, test.file);
        }
        for file in row.marked().filter(|marked| Path::new(marked).extension().is_some_and(|end| end == "rs")) {
            assert!(!is_expected(file) || here(file).is_file(), "{}: there is no file {file}", row.id);
        }
    }
}

/// The words after which an item has its name.
const ITEMS: [&str; 8] = ["fn", "struct", "enum", "trait", "const", "static", "type", "mod"];

fn defines(text: &str, name: &str) -> bool {
    let code = text.lines().map(str::trim).filter(|line| !line.starts_with("//"));
    code.into_iter().any(|line| {
        let words: Vec<_> = line.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        words.windows(2).any(|pair| ITEMS.contains(&pair[0]) && pair[1] == name)
    })
}

#[test]
fn each_item_that_a_row_names_exists() {
    for row in table("requirements.md") {
        let code = row.code.expect("a cell of code");
        assert!(code == "none" || marked(&code).count() == code.split(", ").count(), "{}: {code}", row.id);
        for item in marked(&code) {
            let (file, name) = item.split_once("::").unwrap_or_else(|| panic!("{}: {item} is no item", row.id));
            let is_beside = file.starts_with("../");
            assert!(is_beside || file.starts_with("src/"), "{}: {file} is not code", row.id);
            // The other crates are not in the package.
            if is_beside && !here(file.split("/src/").next().unwrap().split("/examples/").next().unwrap()).exists() {
                continue;
            }
            let text = fs::read_to_string(here(file)).unwrap_or_else(|error| panic!("{}: {file}: {error}", row.id));
            assert!(defines(&text, name), "{}: there is no item {name} in {file}", row.id);
        }
    }
}

#[test]
fn the_figures_are_those_of_the_rows() {
    let mut figures = BTreeMap::new();
    for row in table("requirements.md") {
        for (rfc, words) in row.rfcs() {
            let [client, server, rows, tested, reasons] = figures.entry(rfc.to_owned()).or_insert([0; 5]);
            *(if row.id.starts_with('V') { server } else { client }) += words;
            assert!(words == 0 || !row.id.starts_with('T'), "{}: a trap is no requirement", row.id);
            *rows += 1;
            *(if row.has_reason() { reasons } else { tested }) += 1;
        }
    }
    let stated = lines("requirements.md").into_iter().filter(|cells| cells[0].starts_with("RFC "));
    let mut count = 0;
    for cells in stated {
        let numbers: Vec<usize> = cells[1..].iter().map(|cell| cell.parse().unwrap()).collect();
        let [words, elsewhere, both, ref rest @ ..] = numbers[..] else { panic!("{cells:?}") };
        let expected = &figures[&cells[0]["RFC ".len()..]];
        assert_eq!(rest, expected, "{}: client, server, rows, tested, reasons", cells[0]);
        assert_eq!(words + both, elsewhere + expected[0] + expected[1], "{}: a key word has no row", cells[0]);
        count += 1;
    }
    assert_eq!(count, 7, "one row for each RFC of POP3");
}

#[test]
fn each_test_with_a_number_stands_in_its_row() {
    let table = tables();
    for test in tests() {
        for id in test.rows() {
            let row = table.iter().find(|row| row.id == id);
            let row = row.unwrap_or_else(|| panic!("{}: {} has no row {id}", test.file, test.function));
            assert!(row.tests().contains(&test), "row {id} does not name `{}::{}`", test.file, test.function);
        }
    }
}
