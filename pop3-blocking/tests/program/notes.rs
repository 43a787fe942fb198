//! The standard error with `--quiet` and `--verbose`.

use crate::support::{Act, Home, embedded, say, scripted, store};

#[test]
fn quiet_leaves_errors_and_warnings() {
    let server = scripted(|line| match line {
        "LIST" => say("+OK\r\n1 1\r\n2 1\r\n.\r\n"),
        "DELE 2" => say("-ERR no such message\r\n"),
        _ => Act::Usual,
    });
    let home = Home::with_password();
    let dele = |option: &[&str]| home.run(&[&["--plaintext", &server.url(), "dele", "1", "2"], option].concat());
    let usual = dele(&[]);
    usual.expect(1, "the server committed: 1 deleted, 1 refused\n");
    assert!(!usual.said.contains("marked"), "{usual:?}");
    for quiet in ["--quiet", "-q"] {
        let quiet = dele(&[quiet]);
        quiet.expect(1, "DELE 2 failed");
        assert!(!quiet.said.contains("committed"), "{quiet:?}");
    }
    for verbose in ["--verbose", "-v"] {
        let verbose = dele(&[verbose]);
        verbose.expect(1, "connecting to 127.0.0.1");
        verbose.expect(1, "logged in as u\n");
        verbose.expect(1, "message 1 is marked as deleted\n");
        verbose.expect(1, "committed");
    }
    dele(&["-v", "-q"]).expect(2, "cannot be used with");
}

/// Errors of this program look like those of the command line's parser.
#[test]
fn colors_are_for_terminals() {
    const RED: &str = "\x1b[1m\x1b[31merror:\x1b[0m ";
    let arguments = [&["--nonsense"][..], &["--plaintext", "pop://u@h:x", "stat"]];
    for arguments in arguments {
        let shown = |home: Home| home.run(arguments).said;
        let plain = shown(Home::new());
        assert!(plain.starts_with("error: ") && !plain.contains('\x1b'), "{plain:?}");
        let colored = shown(Home::new().set("CLICOLOR_FORCE", "1"));
        assert!(colored.starts_with(RED), "{colored:?}");
        assert_eq!(shown(Home::new().set("CLICOLOR_FORCE", "1").set("NO_COLOR", "1")), plain);
    }
}

#[test]
fn success_is_silent() {
    let server = embedded(&store(&[b"x\r\n"]));
    for command in [&["stat"][..], &["list"], &["retr", "1"]] {
        let ended = Home::with_password().run(&[&["--plaintext", &server.quick_url()], command].concat());
        assert!(ended.status == Some(0) && ended.said.is_empty(), "{ended:?}");
    }
}
