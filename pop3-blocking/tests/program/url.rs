//! Valid and invalid URLs.

use crate::support::{Home, embedded, store};

/// Errors are reported in one line, without the URL, and with status 2.
#[test]
fn mistyped_urls_are_reported() {
    let home = Home::with_password();
    let wrong = [
        ("popp://u@h", "the scheme must be"),
        ("http://h", "the scheme must be"),
        ("imap://u@h", "the scheme must be"),
        ("pop:u@h", "`//` is missing"),
        ("pop:/u@h", "`//` is missing"),
        ("//u@h", "does not begin with pop3s://"),
        ("u@h", "does not begin with pop3s://"),
        ("statt", "neither a command nor a URL"),
        ("pop://", "the host is missing"),
        ("pop://u@", "the host is missing"),
        ("pop://u@:110", "the host is missing"),
        ("pop://@h", "the user name before `@` is missing"),
        ("pop://u@h:", "the port must be"),
        ("pop://u@h:0", "the port must be"),
        ("pop://u@h:65536", "the port must be"),
        ("pop://u@h:+110", "the port must be"),
        ("pop://u@h:pop3", "the port must be"),
        ("pop://u@h/inbox", "ends with the host or the port"),
        ("pop://u@h?x", "ends with the host or the port"),
        ("pop://u@h h", "the host name may have"),
        ("pop://u@hö", "not ASCII"),
        ("pop://u@::1", "in brackets"),
        ("pop://u@[::1", "the `]`"),
        ("pop://u@[h]", "no IPv6 address"),
        ("pop://u@[::1]110", "only a port"),
        ("pop://u@example.org@h", "must be written %40"),
        ("pop://u/v@h", "must be written %2F"),
        ("pop://u%4@h", "two hexadecimal digits"),
        ("pop://u%zz@h", "two hexadecimal digits"),
        ("pop://u%ff@h", "not UTF-8"),
        ("pop://u%0d%0aDELE 1@h", "control character"),
        ("pop://u%00@h", "control character"),
        ("pop://u%c2%85@h", "control character"),
        ("pop://u;v@h", "only AUTH= may follow"),
        ("pop://u;AUTH=@h", "after AUTH= is unknown"),
        ("pop://u;AUTH=APOP@h", "AUTH=+APOP"),
        ("pop://u;AUTH=SCRAM@h", "after AUTH= is unknown"),
        ("pop://u;AUTH=+X@h", "after AUTH= is unknown"),
        // It needs a token, which this program has not.
        ("pop://u;AUTH=OAUTHBEARER@h", "OAUTHBEARER in the URL needs --token-command"),
        ("pop://u;AUTH=%0a@h", "control character"),
        ("pop://u:hush@h", "a URL must not contain a password"),
        ("pop:u:hush@h", "a URL must not contain a password"),
        ("popp://u:hush@h", "a URL must not contain a password"),
        ("pop://u:hu@sh@h", "a URL must not contain a password"),
        ("pop://u:hu/sh@h", "a URL must not contain a password"),
    ];
    for (url, said) in wrong {
        let ended = home.run(&["--plaintext", url, "stat"]);
        ended.expect(2, said);
        assert!(ended.said.starts_with("error: ") && ended.said.trim_end().lines().count() == 1, "{url}: {ended:?}");
        assert!(!ended.said.contains("hu"), "{url}: {ended:?}");
    }
    // Also where a URL does not belong, or with nothing to do.
    for arguments in [&["stat", "pop://u:hush@h"][..], &["pop://u:hush@h"], &["--log", "pop://u:hush@h", "stat"]] {
        let ended = home.run(arguments);
        ended.expect(2, "a URL must not contain a password");
        assert!(!ended.said.contains("hush"));
    }
}

/// The parser of the command line would quote an argument that it does not understand.
#[test]
fn a_misplaced_password_is_not_shown() {
    let home = Home::with_password();
    for (arguments, kind) in [
        (&["stat", "mrose:hush@host"][..], "unexpected argument found"),
        (&["stat", "pop3s//mrose:hush@host"], "unexpected argument found"),
        (&["--pin", "mrose:hush@host", "pop3s://u@h", "stat"], "invalid value"),
        (&["--pin=mrose:hush@host", "pop3s://u@h", "stat"], "invalid value"),
        (&["pop3s://u@h", "mrose:hush@host"], "unexpected argument found"),
        (&["pop3s://u@h", "retr", "mrose:hush@host"], "invalid value"),
        (&["--mrose:hush@host"], "unexpected argument found"),
        (&["mrose:hush@host", "stat"], "the URL does not begin with pop3s://"),
    ] {
        let ended = home.run(arguments);
        ended.expect(2, kind);
        assert!(!ended.said.contains("hush") && ended.said.lines().count() == 1, "{arguments:?}: {ended:?}");
    }
    // Without one it is quoted.
    home.run(&["pop3s://u@h:995", "statt"]).expect(2, "'statt'");
    home.run(&["pop3s://u@[::1]:995", "retr", "first"]).expect(2, "'first'");
    assert_eq!(home.run(&["--help", "a:b@c"]).status, Some(0));
}

#[test]
fn what_rfc_2384_permits() {
    let maildrop = store(&[b"one\r\n"]);
    maildrop.add_user("a@b;c:d/e%f", crate::support::PASSWORD);
    let server = embedded(&maildrop);
    let home = Home::with_password();
    let odd = "a%40b%3bc%3Ad%2Fe%25f";
    for login in ["u", "u;AUTH=*", "u;auth=plain", "u;AUTH=PLAIN", "u;AUTH=%2BAPOP", "u;AUTH=+APOP", "%75"] {
        home.run(&["--plaintext", &server.url_of(login), "stat"]).expect_out("1 5\n");
    }
    for url in [server.url_of(odd), server.url_of(odd).to_uppercase().replace("POP://", "PoP3://").replace("U@", "u@")]
    {
        let ended = home.run(&["--plaintext", &url, "stat"]);
        let right = url.starts_with("pop:");
        // Names are not folded to one case: the second one is somebody else's.
        assert_eq!(ended.status, Some(if right { 0 } else { 5 }), "{url}: {ended:?}");
    }
    home.run(&["--plaintext", &(server.url() + "/"), "stat"]).expect_out("1 5\n");
}
