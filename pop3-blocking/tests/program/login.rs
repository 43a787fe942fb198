//! The sources of the password, the places where it never appears, and the results of logins that fail.

use crate::support::{Act, Home, PASSWORD, embedded, greeting_with, say, scripted, store};

#[test]
fn no_password_is_sent_unprotected_without_permission() {
    let server = embedded(&store(&[]));
    let home = Home::with_password();
    let ended = home.run(&[&server.url(), "stat"]);
    ended.expect(5, "use pop3s:// or --starttls");
    ended.expect(5, "--plaintext");
    home.run(&[&server.url_of("u;AUTH=PLAIN"), "stat"]).expect(5, "--plaintext");
    // APOP does not show it.
    home.run(&[&server.url_of("u;AUTH=+APOP"), "stat"]).expect_out("0 0\n");

    let server = scripted(|_| Act::Usual);
    home.run(&[&server.url(), "stat"]).expect(5, "--plaintext");
    assert!(!server.heard_any("USER"));
}

#[test]
fn no_other_mechanism_follows_a_named_one() {
    let server = scripted(|_| Act::Usual);
    let home = Home::with_password();
    home.run(&["--plaintext", &server.url_of("u;AUTH=+APOP"), "stat"]).expect(5, "does not offer APOP");
    assert!(!server.heard_any("USER") && !server.heard_any("AUTH"), "{:?}", server.heard());
    let server = greeting_with("+OK <1.2@x>\r\n", |line| match line {
        apop if apop.starts_with("APOP") => say("-ERR wrong\r\n"),
        _ => Act::Usual,
    });
    home.run(&["--plaintext", &server.url_of("u;AUTH=+APOP"), "stat"]).expect(5, "wrong");
    assert!(server.heard_any("APOP u ") && !server.heard_any("USER"), "{:?}", server.heard());
}

#[test]
fn each_failed_login_has_its_message() {
    for (answer, status, said) in [
        ("-ERR wrong\r\n", 5, "wrong user name or password"),
        ("-ERR [IN-USE] later\r\n", 75, "another session has locked the maildrop"),
        ("-ERR [LOGIN-DELAY] later\r\n", 75, "too soon"),
        ("-ERR [SYS/TEMP] later\r\n", 75, "not possible now"),
        ("-ERR [SYS/PERM] never\r\n", 5, "not possible"),
    ] {
        let server = scripted(move |line| if line.starts_with("PASS") { say(answer) } else { Act::Usual });
        Home::with_password().run(&["--plaintext", &server.url(), "stat"]).expect(status, said);
    }
    let refusing = greeting_with("-ERR not today\r\n", |_| Act::Usual);
    Home::with_password().run(&["--plaintext", &refusing.url(), "stat"]).expect(1, "not today");
    let server = scripted(|_| Act::Usual);
    let home = Home::new().set("POP3_PASSWORD", "two\nlines");
    home.run(&["--plaintext", &server.url(), "stat"]).expect(2, "control character");
    assert!(!server.heard_any("USER"));
}

/// The server may say the password again: it is in no output and no log.
#[test]
fn no_output_shows_the_password() {
    let echo = |line: &str| match line.strip_prefix("PASS ") {
        Some(password) => say(format!("-ERR what is {password}?\r\n")),
        None => Act::Usual,
    };
    let friendly = |line: &str| match line.strip_prefix("PASS ") {
        Some(password) => say(format!("+OK {password} it is\r\n")),
        None if line == "STAT" => say("+OK 0 0\r\n"),
        None => Act::Usual,
    };
    for (server, status) in [(scripted(echo), 5), (scripted(friendly), 0)] {
        let home = Home::with_password();
        let ended = home.run(&["--plaintext", "--log", "log", &server.url(), "stat"]);
        assert_eq!(ended.status, Some(status), "{ended:?}");
        assert!(server.heard_any(&format!("PASS {PASSWORD}")));
        let log = std::fs::read_to_string(home.path("log")).unwrap();
        assert!(log.contains("C: USER u\n") && log.contains("C: PASS ***\n"), "{log}");
        for shown in [&log, &ended.said, &String::from_utf8_lossy(&ended.out).into_owned()] {
            assert!(!shown.contains(PASSWORD), "{shown}");
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(home.path("log")).unwrap().permissions().mode() & 0o777, 0o600);
        }
        // It is appended to.
        home.run(&["--plaintext", "--log", "log", &server.url(), "stat"]);
        let both = std::fs::read_to_string(home.path("log")).unwrap();
        assert!(both.starts_with(&log) && both.lines().count() == 2 * log.lines().count(), "{both}");
    }
}

#[test]
fn passwords_come_from_the_file_then_the_environment_then_netrc() {
    let server = embedded(&store(&[]));
    let stat = ["--plaintext", &server.url(), "stat"];
    let netrc = |password: &str| format!("machine 127.0.0.1 login u password {password}\n");

    let home = Home::new();
    home.file(".netrc", &netrc(PASSWORD));
    home.run(&stat).expect_out("0 0\n");
    // The name too.
    home.run(&["--plaintext", &format!("pop://127.0.0.1:{}", server.port()), "stat"]).expect_out("0 0\n");
    // An entry for somebody else is not ours.
    home.file(".netrc", &netrc(PASSWORD).replace("login u", "login v"));
    if std::fs::File::open("/dev/tty").is_err() {
        home.run(&stat).expect(2, "there is no terminal for a prompt");
    }

    let home = Home::new().set("NETRC", "other");
    home.file(".netrc", &netrc("wrong"));
    home.file("other", &netrc(PASSWORD));
    home.run(&stat).expect_out("0 0\n");

    let home = Home::with_password();
    home.file(".netrc", &netrc("wrong"));
    home.run(&stat).expect_out("0 0\n");

    let home = Home::new().set("POP3_PASSWORD", "wrong");
    for end in ["", "\n", "\r\n", "\nwrong\n"] {
        let file = home.file("secret", &format!("{PASSWORD}{end}"));
        home.run(&["--password-file", &file, "--plaintext", &server.url(), "stat"]).expect_out("0 0\n");
    }
    let file = home.file("empty", "\n");
    home.run(&["--password-file", &file, "--plaintext", &server.url(), "stat"]).expect(2, "its first line is empty");
    home.run(&["--password-file", "missing", "--plaintext", &server.url(), "stat"]).expect(2, "missing");
    home.run(&stat).expect(5, "wrong user name or password");

    // A mistake in the host's name is reported in place of a prompt.
    let ended = Home::new().run(&["pop3s://u@mail.invalid", "stat"]);
    ended.expect(4, "error: cannot connect to mail.invalid, port 995: ");
    // Nobody to ask.
    Home::with_password()
        .run(&["--plaintext", "pop://127.0.0.1", "stat"])
        .expect(2, "no user name was given: put it in the URL");
}

/// A warning is printed if, and only if, others can read the password that is used.
#[cfg(unix)]
#[test]
fn a_netrc_file_that_others_can_read() {
    use std::os::unix::fs::PermissionsExt;
    let server = embedded(&store(&[]));
    let stat = ["--plaintext", &server.quick_url(), "stat"];
    let home = Home::new();
    let netrc = home.file(".netrc", &format!("machine 127.0.0.1 login u password {PASSWORD}\n"));
    let says =
        format!("warning: other users can read the passwords in {netrc}; run `chmod 600 {netrc}` to prevent this\n");
    for (mode, said) in [(0o600, ""), (0o644, &*says), (0o640, &says), (0o604, &says), (0o400, "")] {
        std::fs::set_permissions(&netrc, PermissionsExt::from_mode(mode)).unwrap();
        let ended = home.run(&stat);
        ended.expect_out("0 0\n");
        assert_eq!(ended.said, said, "{mode:o}");
    }
    // A password from elsewhere is not theirs to read, and another file is another file.
    std::fs::set_permissions(&netrc, PermissionsExt::from_mode(0o644)).unwrap();
    let home = home.set("POP3_PASSWORD", PASSWORD);
    assert_eq!(home.run(&stat).said, "");
    let other = home.file("other", &std::fs::read_to_string(&netrc).unwrap());
    std::fs::set_permissions(&other, PermissionsExt::from_mode(0o600)).unwrap();
    let home = home.set("POP3_PASSWORD", "").set("NETRC", &other);
    let ended = home.run(&stat);
    ended.expect_out("0 0\n");
    assert_eq!(ended.said, "");
}

#[test]
fn the_host_from_the_environment() {
    Home::new().run(&["--plaintext", "stat"]).expect(2, "MAILHOST");
    Home::with_password().set("MAILHOST", "not a host").run(&["--plaintext", "stat"]).expect(2, "MAILHOST");
    for more in ["mail.example.org:995", "u@mail.example.org", "pop3s://mail.example.org"] {
        let ended = Home::with_password().set("MAILHOST", more).run(&["stat"]);
        ended.expect(
            2,
            "error: MAILHOST cannot be used: it must be a host name only; with a port or a user name, use a URL",
        );
    }
    let home = Home::new().set("MAILHOST", "mail.invalid");
    home.file(".netrc", "machine mail.invalid login u password p\n");
    // By default the port is that of TLS.
    for (option, port) in [(&[][..], 995), (&["--starttls"], 110), (&["--plaintext"], 110)] {
        let ended = home.run(&[option, &["stat"]].concat());
        ended.expect(4, &format!("cannot connect to mail.invalid, port {port}"));
        // STLS does not help with a name that does not exist.
        assert!(!ended.said.contains("STLS") && !ended.said.contains("starttls"), "{ended:?}");
    }
}

/// A terminal that the program asks for the password, and what ends it there.
#[cfg(unix)]
#[test]
#[ignore = "needs python3, for a terminal"]
fn a_signal_at_the_prompt_leaves_the_echo_on() {
    const TERMINAL: &str = r"
import os, pty, signal, sys, termios
program, url, how = sys.argv[1:]
child, terminal = pty.fork()
if child == 0:
    os.execv(program, [program, '--plaintext', url, 'stat'])
said = b''
while b'Password for' not in said:
    said += os.read(terminal, 1000)
echo = lambda: bool(termios.tcgetattr(terminal)[3] & termios.ECHO)
while echo():
    pass
if how == 'typed':
    os.write(terminal, b'secr\x03')
else:
    os.kill(child, getattr(signal, how))
# Held open, so that the terminal is still there when the program is gone.
_, status = os.waitpid(child, 0)
assert os.WIFSIGNALED(status), status
assert echo(), 'the echo is off'
";
    let home = Home::new();
    let server = scripted(|_| Act::Usual);
    let script = home.file("terminal.py", TERMINAL);
    let program = home.command(&[]).get_program().to_owned();
    for how in ["typed", "SIGINT", "SIGTERM", "SIGHUP"] {
        let mut python = std::process::Command::new("python3");
        python.arg(&script).arg(&program).args([&server.url(), how]);
        let ended = crate::support::Ended::new(home.wrap(python).output().unwrap());
        assert_eq!(ended.status, Some(0), "{how}: {ended:?}");
    }
}
