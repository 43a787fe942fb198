//! `--json`: one object in each line, whatever the server sends.

use serde_json::{Value, json};

use crate::support::{Act, Ended, Home, embedded, say, scripted, store};

/// The objects, each of which is a line.
#[track_caller]
pub(crate) fn objects(ended: &Ended) -> Vec<Value> {
    let text = std::str::from_utf8(&ended.out).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{ended:?}");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn each_listing_has_its_objects() {
    let maildrop = store(&[]);
    maildrop.deliver_as("u", "first-id", "Subject: a\r\n\r\n");
    maildrop.deliver_as("u", "second-id", "x\r\n");
    let (server, home) = (embedded(&maildrop), Home::with_password());
    let run = |command: &[&str]| {
        let ended = home.run(&[&["--plaintext", "--json", &server.quick_url()], command].concat());
        assert!(ended.status == Some(0) && ended.said.is_empty(), "{ended:?}");
        objects(&ended)
    };
    assert_eq!(run(&["stat"]), [json!({"messages": 2, "octets": 17})]);
    assert_eq!(run(&["list"]), [json!({"number": 1, "octets": 14}), json!({"number": 2, "octets": 3})]);
    assert_eq!(run(&["list", "2"]), [json!({"number": 2, "octets": 3})]);
    let ids = [json!({"number": 1, "unique_id": "first-id"}), json!({"number": 2, "unique_id": "second-id"})];
    assert_eq!(run(&["uidl"]), ids);
    assert_eq!(run(&["uidl", "2"]), ids[1..]);
    assert_eq!(run(&["uidl", "last:2"]), ids);
    let field = json!({"name": "Subject", "value": "a"});
    assert_eq!(run(&["headers", "1-"]), [json!({"number": 1, "fields": [field]}), json!({"number": 2, "fields": []})]);
    let capabilities = run(&["capa"]);
    assert!(capabilities.contains(&json!({"capability": "UIDL", "arguments": []})), "{capabilities:?}");
    let sasl = capabilities.iter().find(|capability| capability["capability"] == "SASL").unwrap();
    assert!(sasl["arguments"].as_array().unwrap().contains(&json!("PLAIN")), "{sasl}");

    let server = scripted(|line| if line == "LAST" { say("+OK 3\r\n") } else { Act::Usual });
    let ended = home.run(&["--plaintext", "--json", &server.url(), "last"]);
    assert_eq!(objects(&ended), [json!({"last": 3})]);
}

#[test]
fn dele_has_objects_after_the_commit() {
    let dele = |quit: fn() -> Act| {
        let server = scripted(move |line| match line {
            "LIST" => say("+OK\r\n1 1\r\n2 1\r\n.\r\n"),
            "DELE 2" => say("-ERR no\r\n"),
            "QUIT" => quit(),
            _ => Act::Usual,
        });
        Home::with_password().run(&["--plaintext", "--json", &server.url(), "dele", "1-2"])
    };
    let done = dele(|| Act::Usual);
    done.expect(1, "the server refused 1 of 2 deletions");
    assert_eq!(objects(&done), [json!({"number": 1, "deleted": true}), json!({"number": 2, "deleted": false})]);
    let unknown = dele(|| Act::Hang(Vec::new()));
    unknown.expect(4, "it is unknown whether");
    assert!(unknown.out.is_empty(), "{unknown:?}");
}

#[test]
fn messages_are_not_json() {
    for command in [&["retr", "1"][..], &["top", "1", "0"]] {
        Home::with_password()
            .run(&[&["--plaintext", "--json", "pop://u@127.0.0.1"], command].concat())
            .expect(2, "--json is for commands that list");
    }
}

/// An error is no object, so that scripts look at the status.
#[test]
fn errors_are_text() {
    let server = embedded(&store(&[]));
    let ended = Home::with_password().run(&["--plaintext", "--json", &server.quick_url(), "list", "3"]);
    ended.expect(1, "error: LIST 3 failed");
    assert!(ended.out.is_empty());
}

#[test]
fn no_text_from_the_server_leaves_its_string() {
    let server = scripted(|line| match line {
        "UIDL" => say(b"+OK\r\n1 \"},{\\\x1b[2J\x07\xff\xe2\x80\xae\xc2\x9b\xf3\xa0\x80\x81\r\n.\r\n"),
        _ => Act::Usual,
    });
    let ended = Home::with_password().run(&["--plaintext", "--json", &server.url(), "uidl"]);
    let listed = objects(&ended);
    assert_eq!(listed.len(), 1);
    let id = listed[0]["unique_id"].as_str().unwrap();
    assert!(id.starts_with("\"},{\\"), "{id}");
    assert!(ended.out.iter().all(|octet| octet.is_ascii_graphic() || *octet == b'\n'), "{ended:?}");
}
