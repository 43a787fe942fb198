//! Passwords and tokens from commands and files.

use base64ct::{Base64, Encoding};

use crate::support::{Act, Ended, Home, PASSWORD, Server, embedded, say, scripted, store};

const TOKEN: &str = "ya29.token-of-the-user";

#[cfg(unix)]
#[test]
fn the_password_from_a_command() {
    let server = embedded(&store(&[]));
    // The option comes before the environment.
    let home = Home::new().set("POP3_PASSWORD", "wrong").set("SECRET", PASSWORD);
    let stat = |command: &str| home.run(&["--plaintext", &server.quick_url(), "--password-command", command, "stat"]);
    for command in [
        "echo open-sesame",
        "echo $SECRET",
        "printf open-sesame",
        "printf 'open-sesame\\r\\nlogin: u\\n'",
        "cat secret | head -n 1",
        "echo open-sesame; yes | head -c 60000",
    ] {
        home.file("secret", &format!("{PASSWORD}\nother\n"));
        stat(command).expect_out("0 0\n");
    }
    stat("echo wrong").expect(5, "wrong user name or password");
    // It may use the standard error and the standard input.
    let ended = stat("echo please wait >&2; cat; echo open-sesame");
    ended.expect_out("0 0\n");
    assert_eq!(ended.said, "please wait\n");
}

#[cfg(unix)]
#[test]
fn a_password_command_without_output_is_an_error() {
    let server = scripted(|_| Act::Usual);
    let home = Home::with_password();
    for (option, what) in [("--password-command", "password"), ("--token-command", "token")] {
        for (command, said) in [
            ("echo hush; exit 3", "failed: its exit status was 3\n"),
            ("echo hush; no-such-program-here", "failed: its exit status was 127\n"),
            ("echo hush; kill -9 $$", "failed: signal: 9 (SIGKILL)\n"),
            ("true hush", "succeeded, but the first line of its output is empty\n"),
            ("echo; echo hush", "succeeded, but the first line of its output is empty\n"),
            ("printf 'hush\\377\\n'", "succeeded, but the first line of its output is not UTF-8\n"),
            ("head -c 65536 /dev/zero | tr '\\0' h", "succeeded, but the first line of its output is too long\n"),
        ] {
            let ended = home.run(&["--plaintext", &server.url(), option, command, "stat"]);
            ended.expect(5, &format!("error: the {what} command {said}"));
            // Neither the output, nor the command, which may name the password.
            assert!(!ended.said.contains("hush"), "{ended:?}");
        }
    }
    assert!(server.heard().is_empty());
    let home = home.set("PATH", "/nowhere");
    let ended = home.run(&["--plaintext", &server.url(), "--password-command", "true", "stat"]);
    ended.expect(5, "error: the password command could not be run by `sh`: ");
}

/// A server that knows only logins with a token, and judges none.
fn oauth(mechanisms: &'static str) -> Server {
    scripted(move |line| match line {
        "CAPA" => say(format!("+OK\r\nSASL {mechanisms}\r\n.\r\n")),
        "STAT" => say("+OK 0 0\r\n"),
        _ if line.starts_with("AUTH ") && line.matches(' ').count() == 1 => say("+ \r\n"),
        _ => Act::Usual,
    })
}

/// The line after AUTH, decoded.
fn response(server: &Server) -> String {
    let heard = server.heard();
    let auth = heard.iter().position(|line| line.starts_with("AUTH ")).unwrap();
    let initial = heard[auth].split(' ').nth(2).map(str::to_owned);
    String::from_utf8(Base64::decode_vec(&initial.unwrap_or_else(|| heard[auth + 1].clone())).unwrap()).unwrap()
}

#[test]
fn a_token_logs_in() {
    let home = Home::with_password();
    let file = home.file("token", &format!(" {TOKEN} \n"));
    let command = format!("echo {TOKEN}");
    let sources = [["--token-file", &file], ["--token-command", &command]];
    for source in if cfg!(unix) { &sources[..] } else { &sources[..1] } {
        for (mechanisms, login) in [
            ("PLAIN OAUTHBEARER", "u"),
            ("PLAIN XOAUTH2", "u"),
            ("OAUTHBEARER XOAUTH2", "u;AUTH=XOAUTH2"),
            ("OAUTHBEARER XOAUTH2", "u;AUTH=OAUTHBEARER"),
        ] {
            let server = oauth(mechanisms);
            let ended =
                home.run(&[&["--plaintext", "--log", "log", &server.url_of(login)], &source[..], &["stat"]].concat());
            ended.expect_out("0 0\n");
            let response = response(&server);
            assert!(response.contains(&format!("auth=Bearer {TOKEN}\u{1}")), "{response:?}");
            let bearer = response.starts_with("n,a=u,");
            assert!(bearer || response.starts_with("user=u\u{1}"), "{response:?}");
            let wanted = login.split_once("AUTH=").map_or(mechanisms, |(_, method)| method);
            assert_eq!(bearer, wanted.contains("OAUTHBEARER"), "{wanted}");
            let log = std::fs::read_to_string(home.path("log")).unwrap();
            assert!(!log.contains(TOKEN) && !log.contains(PASSWORD), "{log}");
        }
    }
    // The name may come from the netrc file, whose password does not matter.
    let home = Home::new();
    home.file(".netrc", "machine 127.0.0.1 login v password x\n");
    let file = home.file("token", TOKEN);
    let server = oauth("XOAUTH2");
    let url = format!("pop://127.0.0.1:{}", server.port());
    home.run(&["--plaintext", "--token-file", &file, &url, "stat"]).expect_out("0 0\n");
    assert!(response(&server).starts_with("user=v\u{1}"));
}

#[test]
fn a_refused_token_is_not_called_a_password() {
    let server = scripted(|line| match line {
        "CAPA" => say("+OK\r\nSASL XOAUTH2\r\n.\r\n"),
        _ if line.starts_with("AUTH ") => say("-ERR [AUTH] web login required\r\n"),
        _ => Act::Usual,
    });
    let home = Home::new();
    let file = home.file("token", TOKEN);
    let ended = home.run(&["--plaintext", "--token-file", &file, &server.url(), "stat"]);
    ended.expect(
        5,
        "error: the token was refused; the server said -ERR [AUTH] web login required. The token may have expired, or \
         belong to another user.\n",
    );
}

#[test]
fn tokens_stay_safe() {
    let home = Home::with_password();
    let file = home.file("token", TOKEN);
    let run = |server: &Server, options: &[&str], login: &str| -> Ended {
        home.run(&[options, &["--token-file", &file, &server.url_of(login), "stat"]].concat())
    };
    // Not over an unprotected connection.
    let server = oauth("OAUTHBEARER");
    run(&server, &[], "u").expect(5, "nothing secret was sent");
    run(&server, &[], "u;AUTH=XOAUTH2").expect(5, "nothing secret was sent");
    assert!(server.heard().is_empty());
    // Not as a password, and the password not after it.
    let server = scripted(|line| if line == "CAPA" { say("+OK\r\nUSER\r\nSASL PLAIN\r\n.\r\n") } else { Act::Usual });
    run(&server, &["--plaintext"], "u").expect(5, "");
    assert!(!server.heard_any("USER") && !server.heard_any("AUTH"), "{:?}", server.heard());
    // A refused token is not shown.
    let refusing = scripted(|line| match line {
        "CAPA" => say("+OK\r\nSASL XOAUTH2\r\n.\r\n"),
        "AUTH XOAUTH2" => say("+ \r\n"),
        _ if line.len() > 20 => say(format!("-ERR [AUTH] {TOKEN} expired\r\n")),
        _ => Act::Usual,
    });
    let ended = run(&refusing, &["--plaintext", "--log", "-"], "u");
    ended.expect(5, ". The token may have expired, or belong to another user.\n");
    assert!(!ended.said.contains(TOKEN), "{ended:?}");
}

#[test]
fn conflicting_options_are_rejected() {
    let home = Home::with_password();
    let file = home.file("token", TOKEN);
    for others in [["--password-file", "x"], ["--password-command", "x"], ["--token-command", "x"]] {
        home.run(&[&["--token-file", &file], &others[..], &["pop3s://u@h", "stat"]].concat())
            .expect(2, "cannot be used with");
    }
    let token = |url: &str| home.run(&["--token-file", &file, url, "stat"]);
    token("pop3s://u;AUTH=PLAIN@h").expect(2, "PLAIN in the URL does not use a token");
    for method in ["OAUTHBEARER", "XOAUTH2"] {
        home.run(&[&format!("pop3s://u;AUTH={method}@h"), "stat"])
            .expect(2, &format!("the mechanism {method} in the URL needs --token-command or --token-file"));
    }
    home.run(&["pop3s://u;AUTH=EXTERNAL@h", "stat"]).expect(2, "EXTERNAL in the URL needs --client-cert");
    home.run(&["--token-file", "missing", "pop3s://u@h", "stat"]).expect(2, "the token file missing cannot be used");
}

/// The real thing: tokens that Dovecot accepts and refuses, and the certificate of a client.
#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn tokens_and_certificates_at_dovecot() {
    let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name}: run `.ci/dovecot start DIR`"));
    let address = variable("POP3_TEST_TLS_ADDR");
    let (ca, user) = (variable("POP3_TEST_CA"), variable("POP3_TEST_TOKEN_USER"));
    let (_, port) = address.rsplit_once(':').unwrap();
    let run = |options: &[&str], login: &str, host: &str| {
        let url = format!("pop3s://{login}@{host}:{port}");
        Home::new().run(&[&["--ca", &ca, "-v"], options, &[&url, "stat"]].concat())
    };
    for method in ["", ";AUTH=OAUTHBEARER", ";AUTH=XOAUTH2"] {
        let login = format!("{user}{method}");
        let token = |name: &str| run(&["--token-command", &format!("echo ${name}")], &login, "localhost");
        token("POP3_TEST_TOKEN").expect(0, &format!("logged in as {user}\n"));
        for bad in ["POP3_TEST_EXPIRED_TOKEN", "POP3_TEST_WRONG_TOKEN"] {
            token(bad).expect(5, "The token may have expired, or belong to another user.\n");
        }
    }
    let (cert, key) = (variable("POP3_TEST_CLIENT_CERT"), variable("POP3_TEST_CLIENT_KEY"));
    let certificate = ["--client-cert", &cert, "--client-key", &key];
    run(&certificate, ";AUTH=EXTERNAL", "127.0.0.5").expect(0, "logged in with the client certificate\n");
}
