//! The sizes of the searches, which `spec/proofs.md` has.

const PROOFS: &str = include_str!("../../spec/proofs.md");

/// Returns true if `POP3_EXHAUSTIVE` asks for the long searches.
pub(crate) fn is_long() -> bool {
    std::env::var("POP3_EXHAUSTIVE").is_ok_and(|longer| longer != "0")
}

/// Checks that the document has the size of a search.
pub(crate) fn check(search: &str, states: usize, edges: usize) {
    let row = format!("| {search} | {states} | {edges} |\n");
    assert!(PROOFS.contains(&row), "spec/proofs.md needs this row:\n{row}");
}
