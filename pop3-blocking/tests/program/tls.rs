//! TLS at once and after STLS, and everything that can be wrong with it.

use std::io::{BufRead, BufReader, Read, Write};
use std::sync::Arc;

use pop3_blocking::pop3_proto::tls::rustls::crypto::ring;
use pop3_blocking::pop3_proto::tls::rustls::pki_types::PrivateKeyDer;
use pop3_blocking::pop3_proto::tls::rustls::{ServerConfig, ServerConnection, StreamOwned};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};

use crate::support::{Act, Home, PASSWORD, Server, embedded, greeting_with, listen, say, scripted, store};

/// An authority's certificate in PEM, and the settings of a server for which it vouches.
fn certified(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> (String, Arc<ServerConfig>) {
    let (authority_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&authority_key).unwrap();
    let mut params = CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
    change(&mut params);
    let chain = vec![params.signed_by(&key, &authority, &authority_key).unwrap().der().clone()];
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    (authority.pem(), Arc::new(builder.with_single_cert(chain, key).unwrap()))
}

fn answer(stream: &mut (impl Read + Write), heard: &mut impl FnMut(&str)) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    while stream.read_line(&mut line)? > 0 {
        heard(line.trim_end());
        let answer = match line.trim_end() {
            "STAT" => "+OK 2 320\r\n",
            "CAPA" => "+OK\r\nUSER\r\nSTLS\r\nSASL EXTERNAL\r\n.\r\n",
            _ => "+OK\r\n",
        };
        stream.get_mut().write_all(answer.as_bytes())?;
        stream.get_mut().flush()?;
        if ["QUIT", "STLS"].contains(&line.trim_end()) {
            return Ok(());
        }
        line.clear();
    }
    Ok(())
}

/// A server that speaks TLS from the beginning, or after STLS.
pub(crate) fn secured(config: &Arc<ServerConfig>, stls: bool) -> Server {
    let config = Arc::clone(config);
    listen(move |mut stream, heard| {
        let mut hear = |line: &str| heard.lock().unwrap().push(line.to_owned());
        let mut talk = || -> std::io::Result<()> {
            if stls {
                stream.write_all(b"+OK in the clear\r\n")?;
                answer(&mut stream, &mut hear)?;
            }
            let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), &mut stream);
            if !stls {
                stream.write_all(b"+OK inside TLS\r\n")?;
            }
            answer(&mut stream, &mut hear)
        };
        // Failures here are seen by the other side.
        let _ = talk();
    })
}

pub(crate) fn pop3s(server: &Server, host: &str) -> String {
    format!("pop3s://u@{host}:{}", server.port())
}

#[test]
fn tls_begins_at_once_or_after_stls() {
    let (authority, config) = certified(&["localhost"], |_| ());
    let home = Home::with_password();
    let ca = home.file("ca.pem", &authority);
    let server = secured(&config, false);
    home.run(&["--ca", &ca, &pop3s(&server, "localhost"), "stat"]).expect_out("2 320\n");
    assert_eq!(server.heard(), ["CAPA", "USER u", &format!("PASS {PASSWORD}"), "STAT", "QUIT"]);

    let server = secured(&config, true);
    let url = format!("pop://u@localhost:{}", server.port());
    for url in [&url, &url.replace("pop:", "pop3:")] {
        home.run(&["--ca", &ca, "--starttls", "--log", "log", url, "stat"]).expect_out("2 320\n");
    }
    assert_eq!(server.heard()[..4], ["CAPA", "STLS", "CAPA", "USER u"]);
    let log = std::fs::read_to_string(home.path("log")).unwrap();
    assert!(log.contains("C: STLS\n") && log.contains(", STLS\n") && !log.contains(PASSWORD), "{log}");
}

#[test]
fn conflicting_options_are_rejected() {
    let home = Home::with_password();
    home.run(&["--starttls", "pop3s://u@h", "stat"]).expect(2, "use --starttls with pop://");
    home.run(&["--plaintext", "pop3s://u@h", "stat"]).expect(2, "use --plaintext with pop://");
    home.run(&["--starttls", "--plaintext", "pop://u@h", "stat"]).expect(2, "cannot be used with");
    home.run(&["--ca", "missing", "pop3s://u@h", "stat"]).expect(2, "missing cannot be used");
    let file = home.file("none", "no certificate");
    home.run(&["--ca", &file, "pop3s://u@h", "stat"]).expect(2, "the PEM text contains no certificate");
}

/// Whatever is wrong, the password is not said, and it is plain what may help.
#[test]
fn bad_certificates_are_refused() {
    let home = Home::with_password();
    let pin = ". To accept the certificate after you have compared it, use --pin FINGERPRINT.\n";
    let refused = |(authority, config): (String, Arc<ServerConfig>), trusts: bool, says: &str, help: &str| {
        let ca = home.file("ca.pem", &if trusts { authority } else { certified(&[], |_| ()).0 });
        let plain = secured(&config, true);
        let server = secured(&config, false);
        let begin = "error: TLS failed, nothing secret was sent: the server's certificate ";
        for ended in [
            home.run(&["--ca", &ca, &pop3s(&server, "localhost"), "stat"]),
            home.run(&["--ca", &ca, "--starttls", &format!("pop://u@localhost:{}", plain.port()), "stat"]),
        ] {
            ended.expect(5, &format!("{begin}{says}"));
            assert!(ended.said.ends_with(help), "{ended:?}");
            assert_eq!(ended.said.contains("its SHA-256 fingerprint is "), help == pin, "{ended:?}");
            assert_eq!(ended.said.lines().count(), 1);
        }
        assert_eq!((server.heard(), plain.heard()), (vec![], vec!["CAPA".to_owned(), "STLS".to_owned()]));
    };
    refused(certified(&["pop.example.org"], |_| ()), true, "is not for localhost, but for pop.example.org; ", pin);
    refused(certified(&["localhost"], |params| params.not_after = date_time_ymd(2000, 1, 1)), true, "expired ", pin);
    refused(
        certified(&["localhost"], |params| params.not_before = date_time_ymd(2900, 1, 1)),
        true,
        "will be valid in ",
        "; is the clock right?\n",
    );
    let unknown = certified(&["localhost"], |_| ());
    let says = ". To trust a private authority, use --ca FILE. To accept the certificate after you have compared it, use --pin FINGERPRINT.\n";
    let server = secured(&unknown.1, false);
    let ended = home.run(&[&pop3s(&server, "localhost"), "stat"]);
    ended.expect(5, says);
    assert!(server.heard().is_empty());
    // Another one of the same name.
    refused(unknown, false, "names a trusted authority, but is not signed by it", pin);
}

#[test]
fn servers_without_tls_are_reported() {
    let home = Home::with_password();
    let clear = embedded(&store(&[]));
    let ended = home.run(&[&pop3s(&clear, "127.0.0.1"), "stat"]);
    ended.expect(
        5,
        "the server did not answer with TLS; it may speak plaintext on this port. Try pop://… with --starttls.",
    );

    let without = scripted(|line| if line == "CAPA" { say("+OK\r\nUSER\r\n.\r\n") } else { Act::Usual });
    let ended = home.run(&["--starttls", &without.url(), "stat"]);
    ended.expect(5, "the server does not offer STLS; nothing secret was sent. Try pop3s://, which does not use STLS.");
    let refusing = scripted(|line| match line {
        "CAPA" => say("+OK\r\nSTLS\r\nUSER\r\n.\r\n"),
        "STLS" => say("-ERR not today\r\n"),
        _ => Act::Usual,
    });
    home.run(&["--starttls", &refusing.url(), "stat"])
        .expect(5, "-ERR not today. Try pop3s://, which does not use STLS.");
    home.run(&["--starttls", &scripted(|_| Act::Usual).url(), "stat"])
        .expect(5, "Try pop3s://, which does not use STLS.");
    for server in [&without, &refusing] {
        assert!(!server.heard_any("USER") && !server.heard_any("AUTH"), "{:?}", server.heard());
    }

    let silent = listen(|mut stream, _| {
        std::thread::spawn(move || std::io::copy(&mut stream, &mut std::io::sink()));
    });
    let ended = home.run(&["--timeout", "1", &pop3s(&silent, "127.0.0.1"), "stat"]);
    ended.expect(4, "the TLS handshake took longer than 1 s");
    let gone = listen(|stream, _| drop(stream));
    assert_eq!(home.run(&[&pop3s(&gone, "127.0.0.1"), "stat"]).status, Some(4));
}

/// The whole job at a real server: fetch, delete, and find nothing left.
#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn a_fetch_from_dovecot() {
    let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name}: run `.ci/dovecot start DIR`"));
    let port = |name: &str| variable(name).rsplit_once(':').unwrap().1.to_owned();
    let (pop3s, pop) = (port("POP3_TEST_TLS_ADDR"), port("POP3_TEST_ADDR"));
    for (scheme, port) in [("pop3s", pop3s), ("pop", pop)] {
        let user = format!("program-{scheme}-{}", std::process::id());
        let maildir = std::path::Path::new(&variable("POP3_TEST_MAIL")).join(&user);
        std::fs::create_dir_all(maildir.join("new")).unwrap();
        for number in 1..=20 {
            let message = format!("Subject: {number}\n\n{}", "a line of it\n".repeat(1000 * number));
            std::fs::write(maildir.join(format!("new/{}.test", 1_600_000_000 + number)), message).unwrap();
        }
        let home = Home::new().set("POP3_PASSWORD", "pass");
        let ca = variable("POP3_TEST_CA");
        let url = format!("{scheme}://{user}@localhost:{port}");
        let mut arguments = vec!["--ca", &ca, &url, "fetch", "mail"];
        if scheme == "pop" {
            arguments.insert(0, "--starttls");
        }
        home.run(&arguments).expect(0, "20 new, 0 already here, 0 refused; 0 deleted");
        arguments.push("--delete");
        home.run(&arguments).expect(0, "0 new, 20 already here, 0 refused; 20 deleted");
        let mail = crate::support::mail(&home.path("mail"));
        assert_eq!(mail.len(), 20);
        assert!(mail.iter().all(|message| message.starts_with(b"Subject: ")));
        assert_eq!(std::fs::read_dir(maildir.join("new")).unwrap().count(), 0);
        let _ = std::fs::remove_dir_all(maildir);
    }
}

#[test]
fn a_pin_instead_of_an_authority() {
    // As `openssl req -x509` makes it, which no --ca can help.
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).unwrap();
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let chain = vec![certificate.der().clone()];
    let config =
        Arc::new(builder.with_single_cert(chain, PrivateKeyDer::try_from(key.serialize_der()).unwrap()).unwrap());
    let home = Home::with_password();
    let server = secured(&config, false);
    let url = pop3s(&server, "localhost");
    let ended = home.run(&["--ca", &home.file("ca.pem", &certificate.pem()), &url, "stat"]);
    let begin = "error: TLS failed, nothing secret was sent: the server presented an authority's certificate as its own, which \
                 is not accepted even if the authority is trusted; ";
    assert!(ended.said.starts_with(begin) && !ended.said.contains("--ca"), "{ended:?}");
    ended.expect(5, ". To accept the certificate after you have compared it, use --pin FINGERPRINT.\n");
    let shown = ended.said.split("fingerprint is ").nth(1).unwrap()[..95].to_owned();
    home.run(&["--pin", &shown, &url, "stat"]).expect_out("2 320\n");
    home.run(&["--pin", &shown.replace(':', "").to_lowercase(), &url, "stat"]).expect_out("2 320\n");
    let other = if shown.starts_with('0') { shown.replacen('0', "1", 1) } else { shown.replacen(&shown[..1], "0", 1) };
    let ended = home.run(&["--pin", &other, &url, "stat"]);
    ended.expect(
        5,
        &format!("is not the pinned one, so this may be an attack; its SHA-256 fingerprint is {shown} (before"),
    );
    ended.expect(5, "only if the operator of the server confirms it.\n");
    home.run(&["--pin", "1234", &url, "stat"]).expect(2, "64 hexadecimal digits");
    home.run(&["--pin", &shown, "--ca", "x", &url, "stat"]).expect(2, "cannot be used with");
}

#[test]
fn mistakes_have_hints() {
    let home = Home::with_password();
    home.run(&["stat", "pop3s://u@h"]).expect(2, "put the URL before the command");
    home.run(&["--plaintext", "stat", "pop3s://u@h"]).expect(2, "put the URL before the command");
    for mistyped in [["stats", "1"], ["fetch", "--dryrun"], ["stat", "foo"]] {
        let ended = home.run(&[&["pop3s://u@h"], &mistyped[..]].concat());
        assert!(ended.status == Some(2) && !ended.said.contains("put the URL"), "{ended:?}");
    }
    // A server that waits for TLS says nothing.
    let silent = listen(|mut stream, _| drop(stream.read(&mut [0; 1])));
    let closed = listen(|stream, _| drop(stream));
    for port in [silent.port(), closed.port()] {
        let url = format!("pop://u@localhost:{port}");
        for option in ["--plaintext", "--starttls"] {
            let ended = home.run(&[option, "--timeout", "1", &url, "stat"]);
            ended.expect(4, "The server may expect TLS from the beginning: try pop3s://.\n");
        }
    }
    // One that says something does not wait.
    for other in ["SSH-2.0-OpenSSH_9.6\r\n", "220 mail.example.org ESMTP\r\n", "* OK IMAP4rev1\r\n"] {
        let ended = home.run(&["--plaintext", &greeting_with(other, |_| Act::Usual).url(), "stat"]);
        ended.expect(3, ". The server does not speak POP3: check the port.\n");
    }
}

#[test]
fn a_host_that_does_not_answer() {
    let home = Home::with_password();
    let ended = home.run(&["pop3s://u@mail.invalid", "stat"]);
    ended.expect(4, "cannot connect to mail.invalid, port 995");
    assert!(!ended.said.contains("STLS"), "no other port helps: {ended:?}");
    if std::net::TcpListener::bind("127.0.0.9:995").is_ok() {
        let ended = home.run(&["pop3s://u@127.0.0.9", "stat"]);
        ended.expect(4, ". If the server offers only STLS, try pop://… with --starttls.\n");
    }
}
