//! Rows of the attack table that concern a program: text that a URL may inject, and files that a unique-id may name.

use std::path::{Path, PathBuf};

use crate::support::{Act, Home, files, mail, say, scripted};

#[test]
fn b08_no_url_injects_a_line() {
    let server = scripted(|_| Act::Usual);
    let home = Home::with_password();
    for ending in ["%0d%0a", "%0D%0A", "%0a", "%0d", "%00", "%0d%0aDELE 1", "%0a%0aQUIT", "%C2%85", "\r\n", "\n"] {
        for login in
            [format!("{ending}bob"), format!("bo{ending}b"), format!("bob{ending}"), format!("bob;AUTH={ending}")]
        {
            home.run(&["--plaintext", &server.url_of(&login), "stat"]).expect(2, "error: ");
        }
    }
    // A login that is only unusual is one argument.
    for login in ["bob%20PASS%20x", "bob%20"] {
        home.run(&["--plaintext", &server.url_of(login), "stat"]).expect(2, "contains a space");
    }
    assert!(server.heard().iter().all(|line| line == "QUIT" || line == "CAPA"), "{:?}", server.heard());
}

/// Everything below a folder.
fn all_below(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for path in files(folder) {
        if path.is_dir() {
            all.extend(all_below(&path));
        }
        all.push(path);
    }
    all
}

#[test]
fn f05_no_unique_id_names_a_file() {
    let ids =
        ["../../../evil", "/tmp/evil", "..", ".", "new/evil", "cur", "evil:2,S", "~/evil", "$(touch evil)", "evil;x"];
    let listing = ids.iter().zip(1..).map(|(id, number)| format!("{number} {id}\r\n")).collect::<Vec<_>>().concat();
    let sizes = (1..=ids.len()).map(|number| format!("{number} 6\r\n")).collect::<Vec<_>>().concat();
    let server = scripted(move |line| match line {
        "LIST" => say(format!("+OK\r\n{sizes}.\r\n")),
        "UIDL" => say(format!("+OK\r\n{listing}.\r\n")),
        _ if line.starts_with("RETR ") => say("+OK\r\nevil\r\n.\r\n"),
        _ if line.starts_with("UIDL ") => {
            let row = listing.lines().find(|row| row.starts_with(&format!("{} ", &line[5..]))).unwrap();
            say(format!("+OK {row}\r\n"))
        }
        _ => Act::Usual,
    });
    let home = Home::with_password();
    let fetch = || home.run(&["--plaintext", &server.url(), "fetch", "deep/mail"]);
    std::fs::create_dir(home.path("deep")).unwrap();
    fetch().expect(0, "10 new, 0 already here");
    assert_eq!(mail(&home.path("deep/mail")), vec![b"evil\r\n".to_vec(); ids.len()]);
    // The folder has what a Maildir has, and whatever is beside it was there before.
    let new = home.path("deep/mail/new");
    for path in all_below(&home.path(".")) {
        let name = path.to_str().unwrap();
        assert!(!name.contains("evil"), "{name}");
        assert!(path.parent() == Some(&new) || path.starts_with(home.path("./deep")), "{name}");
    }
    assert_eq!(files(&new).len(), ids.len());
    // They are told apart all the same.
    fetch().expect(0, "0 new, 10 already here");
}
