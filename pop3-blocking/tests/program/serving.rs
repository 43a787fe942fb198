//! `serve`, `completions` and `man`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Child;

use crate::support::{Home, files, mail};

/// A server that ends with the test.
struct Serving {
    child: Child,
    url: String,
}

impl Serving {
    fn start(home: &Home, arguments: &[&str]) -> Serving {
        let mut child = home.command(&[&["serve"], arguments].concat()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Serving { child, url: url.trim_end().to_owned() }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The names and contents of all files in a folder.
fn contents(home: &Home, folder: &str) -> Vec<(String, Vec<u8>)> {
    let named =
        |path: std::path::PathBuf| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap());
    let mut all: Vec<_> = files(&home.path(folder)).into_iter().filter(|path| path.is_file()).map(named).collect();
    all.sort();
    all
}

fn eml(home: &Home) {
    fs::create_dir(home.path("box")).unwrap();
    home.file("box/2.eml", "Subject: two\n\n.\nlast line without end");
    home.file("box/1.eml", "Subject: one\r\n\r\nhello\r\n");
    home.file("box/3.EML", "");
    home.file("box/notes.txt", "no message");
    home.file("box/.4.eml", "hidden");
}

#[test]
fn a_folder_of_files_is_served_and_stays_as_it_is() {
    let home = Home::new().set("POP3_PASSWORD", "test");
    eml(&home);
    let before = contents(&home, "box");
    let server = Serving::start(&home, &["box"]);
    assert!(server.url.starts_with("pop://test@127.0.0.1:"), "{}", server.url);
    let run = |arguments: &[&str]| home.run(&[&["--plaintext", &server.url], arguments].concat());
    run(&["list"]).expect_out("1 23\n2 42\n3 0\n");
    run(&["retr", "2"]).expect_out("Subject: two\r\n\r\n.\r\nlast line without end\r\n");
    run(&["retr", "3"]).expect_out("");
    let ids = run(&["uidl"]).out;
    run(&["uidl"]).expect_out(&ids);
    run(&["dele", "2"]).expect(0, "1 deleted");
    // It is hidden, while the server runs.
    run(&["list"]).expect_out("1 23\n2 0\n");
    assert_eq!(contents(&home, "box"), before);
    let again = Serving::start(&home, &["box"]);
    home.run(&["--plaintext", &again.url, "stat"]).expect_out("3 65\n");
    // A file that appears is a message of the next session.
    home.file("box/0.eml", "x\r\n");
    home.run(&["--plaintext", &again.url, "stat"]).expect_out("4 68\n");
}

#[test]
fn the_url_of_any_user_can_be_used() {
    let home = Home::new().set("POP3_PASSWORD", "test");
    eml(&home);
    let server = Serving::start(&home, &["box", "--user", "ann@example.org"]);
    assert!(server.url.starts_with("pop://ann%40example.org@127.0.0.1:"), "{}", server.url);
    home.run(&["--plaintext", &server.url, "stat"]).expect_out("3 65\n");
}

#[test]
fn only_delete_files_removes_a_file() {
    let home = Home::new().set("POP3_PASSWORD", "secret");
    eml(&home);
    let server = Serving::start(&home, &["box", "--delete-files", "--user", "jo", "--password", "secret"]);
    home.run(&["--plaintext", &server.url, "dele", "1"]).expect(0, "1 deleted");
    let left: Vec<_> = contents(&home, "box").into_iter().map(|(name, _)| name).collect();
    assert_eq!(left, [".4.eml", "2.eml", "3.EML", "notes.txt"]);
    let other = Home::new().set("POP3_PASSWORD", "test");
    other.run(&["--plaintext", &server.url, "stat"]).expect(5, "wrong user name or password");
}

#[test]
fn what_fetch_stored_is_served_again() {
    let home = Home::new().set("POP3_PASSWORD", "test");
    eml(&home);
    let first = Serving::start(&home, &["box"]);
    home.run(&["--plaintext", &first.url, "fetch", "mail"]).expect(0, "3 new");
    let second = Serving::start(&home, &["mail"]);
    let ids = home.run(&["--plaintext", &second.url, "uidl"]).out;
    // A mail reader marks one as read.
    let path = files(&home.path("mail/new")).remove(0);
    let read = format!("{}:2,S", path.file_name().unwrap().to_str().unwrap());
    fs::rename(&path, home.path("mail/cur").join(read)).unwrap();
    home.run(&["--plaintext", &second.url, "uidl"]).expect_out(&ids);
    home.run(&["--plaintext", &second.url, "fetch", "copy"]).expect(0, "3 new");
    assert_eq!(mail(&home.path("mail")), mail(&home.path("copy")));
}

#[test]
fn tls_begins_at_once_or_after_stls() {
    let home = Home::new().set("POP3_PASSWORD", "test");
    eml(&home);
    let signed = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    home.file("cert.pem", &signed.cert.pem());
    home.file("key.pem", &signed.key_pair.serialize_pem());
    let pin = pop3_blocking::Fingerprint::of(signed.cert.der()).to_string();
    let options = ["box", "--cert", "cert.pem", "--key", "key.pem"];
    let server = Serving::start(&home, &options);
    assert!(server.url.starts_with("pop3s://"), "{}", server.url);
    home.run(&["--pin", &pin, &server.url, "stat"]).expect_out("3 65\n");
    let server = Serving::start(&home, &[&["--starttls"], &options[..]].concat());
    home.run(&["--pin", &pin, "--starttls", &server.url, "stat"]).expect_out("3 65\n");
    // With a certificate there, no password is taken without TLS.
    let plain = home.run(&["--plaintext", &server.url.replace("test@", "test;AUTH=PLAIN@"), "stat"]);
    assert_ne!(plain.status, Some(0), "{plain:?}");
    home.run(&["serve", "box", "--cert", "cert.pem"]).expect(2, "--key");
    home.run(&["serve", "box", "--cert", "key.pem", "--key", "cert.pem"]).expect(2, "cannot be used");
    home.run(&["serve", "box", "--starttls"]).expect(2, "--starttls needs --cert and --key");
    home.run(&["serve", "nowhere"]).expect(4, "nowhere cannot be served");
}

#[test]
fn completions_and_the_man_page_know_the_options() {
    let home = Home::new();
    let text = |arguments: &[&str]| {
        let ended = home.run(arguments);
        assert_eq!(ended.status, Some(0), "{ended:?}");
        String::from_utf8(ended.out).unwrap()
    };
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = text(&["completions", shell]);
        assert!(script.contains("keep-days") && script.contains("starttls"), "{shell}: {script}");
    }
    assert_eq!(home.run(&["completions", "cobol"]).status, Some(2));
    let page = text(&["man"]);
    for part in
        [".TH pop3 1", "\\-\\-keep\\-days", "\\-\\-starttls", "\\-\\-delete\\-files", ".SS fetch", "Exit status"]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
}
