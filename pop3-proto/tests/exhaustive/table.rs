//! Runs the searches of one place in the protocol, and compares their sizes with the table in `spec/proofs.md`.

use crate::engine::{Role, Size, Strings, search};

const PROOFS: &str = include_str!("../../spec/proofs.md");

/// The lengths that the document has sizes for.
const DOCUMENTED: u32 = 1;

/// Returns the number of symbols by which the strings are longer than by default.
fn longer() -> u32 {
    let longer = std::env::var("POP3_EXHAUSTIVE").unwrap_or_else(|_| "0".to_owned());
    longer.parse().unwrap_or_else(|_| panic!("POP3_EXHAUSTIVE={longer:?} is not a number"))
}

/// Searches the strings from each of the roles on.
pub(crate) fn check<R: Role>(place: &str, roles: &[R], alphabets: &[Strings]) {
    let longer = longer();
    let mut missing = String::new();
    for alphabet in alphabets {
        let strings = Strings { length: alphabet.length + longer, ..*alphabet };
        let mut sum = Size::default();
        for role in roles {
            let size = search(role, strings);
            sum.situations += size.situations;
            sum.comparisons += size.comparisons;
        }
        let row = format!(
            "| {place} | {} | {} | {} | {} | {} | {} |\n",
            roles.len(),
            strings.name,
            strings.length,
            strings.count(),
            sum.situations,
            sum.comparisons,
        );
        if longer > DOCUMENTED {
            print!("{row}");
        } else if !PROOFS.contains(&row) {
            missing.push_str(&row);
        }
    }
    assert!(missing.is_empty(), "spec/proofs.md needs these rows:\n{missing}");
}
