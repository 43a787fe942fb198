//! The tables of `spec/` beside the tests: each test that a row names exists, and each test whose name has the number of a
//! row stands in that row.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The sections of the tables, each with the number of its rows.
const ATTACKS: [(&str, usize); 7] = [("A", 16), ("B", 10), ("C", 18), ("D", 20), ("E", 9), ("F", 7), ("G", 8)];
const REQUIREMENTS: [(&str, usize); 3] = [("C-", 124), ("V-", 50), ("T-", 10)];

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
    /// The last cell: tests and files in backticks, or a reason.
    cell: String,
}

impl Row {
    fn marked(&self) -> impl Iterator<Item = &str> {
        self.cell.split('`').skip(1).step_by(2)
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

fn table(name: &str) -> Vec<Row> {
    let text = fs::read_to_string(here("spec").join(name)).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let rows = rows.map(|line| {
        let cells: Vec<_> = line.split(" | ").collect();
        assert_eq!(cells.len(), 4, "{line}");
        assert!(cells.iter().all(|cell| !cell.trim().is_empty()), "an empty cell: {line}");
        Row { id: cells[0].to_owned(), cell: cells[3].to_owned() }
    });
    rows.filter(|row| row.id != "Row").collect()
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
