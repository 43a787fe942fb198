//! The README's table of tests names each example that the README mentions, and those tests run the examples.
#![allow(missing_docs, reason = "a test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The texts of a file, or of all files in a folder.
fn sources(path: &Path) -> String {
    if path.is_dir() {
        fs::read_dir(path).unwrap().map(|entry| sources(&entry.unwrap().path())).collect()
    } else {
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}

/// The texts between backticks.
fn names(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn each_example_that_the_readme_names_is_run_by_the_test_that_it_names() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let commands = readme.split("--example ").skip(1);
    let named: BTreeSet<&str> = commands.filter_map(|rest| rest.split([' ', '`', '\n']).next()).collect();
    assert!(named.len() >= 5, "{named:?}");

    let (_, table) = readme.split_once("| program | test |\n|---|---|\n").unwrap();
    let mut tested = BTreeSet::new();
    for row in table.lines().take_while(|line| line.starts_with('|')).filter(|row| row.contains("tests/")) {
        let (programs, tests) = row.trim_matches('|').split_once('|').unwrap();
        let tests: String = names(tests).map(|path| sources(&root.join(path))).collect();
        for program in names(programs) {
            assert!(tests.contains(program), "no test of {program} in: {row}");
            tested.insert(program);
        }
    }
    assert_eq!(named.difference(&tested).collect::<Vec<_>>(), Vec::<&&str>::new());
}
