//! Other people's servers, which `.ci/servers` starts: octets, deletions, wrong passwords, and logins over TLS.
#![cfg(feature = "tls")]
#![allow(missing_docs, reason = "a test")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::num::NonZeroU32;

use pop3_blocking::pop3_proto::tls::rustls::pki_types::CertificateDer;
use pop3_blocking::pop3_proto::tls::rustls::pki_types::pem::PemObject;
use pop3_blocking::{Connect, ConnectError, Fingerprint, LoginError, Method, Security, Session, Tcp, Tls, connect};

const MESSAGES: [&str; 4] = [
    "Subject: dots\r\nFrom: a@example.org\r\n\r\n.\r\n..\r\n.hidden\r\n...\r\nend\r\n",
    "Subject: empty lines\r\nFrom: a@example.org\r\n\r\n\r\n\r\ntext\r\n\r\n\r\n",
    "Subject: long\r\nFrom: a@example.org\r\n\r\n0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\r\n",
    "Subject: the last\r\nFrom: a@example.org\r\n\r\n-ERR no\r\n+OK yes\r\nFrom the beginning\r\n",
];

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

fn to(server: &str, user: &str, password: &str) -> Connect {
    let address = variable(server);
    let (host, port) = address.split_once(':').unwrap();
    let connect = Connect::new().host(host).port(port.parse().unwrap()).user(user).password(password);
    connect.security(Security::Plaintext).allow_plaintext(true)
}

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

/// Hands messages to Cyrus by LMTP (RFC 2033).
fn deliver_to_cyrus(user: &str) {
    let mut stream = TcpStream::connect(variable("POP3_TEST_CYRUS_LMTP")).unwrap();
    let mut answers = BufReader::new(stream.try_clone().unwrap());
    let mut answer = |wanted: &str| loop {
        let mut line = String::new();
        answers.read_line(&mut line).unwrap();
        assert!(line.starts_with(wanted), "{line} instead of {wanted}");
        if !line[3..].starts_with('-') {
            break;
        }
    };
    answer("220");
    stream.write_all(b"LHLO localhost\r\n").unwrap();
    answer("250");
    for message in MESSAGES {
        for (said, wanted) in [("MAIL FROM:<>", "250"), (&*format!("RCPT TO:<{user}>"), "250"), ("DATA", "354")] {
            stream.write_all(format!("{said}\r\n").as_bytes()).unwrap();
            answer(wanted);
        }
        let stuffed = message.replace("\r\n.", "\r\n..");
        stream.write_all(format!("{stuffed}.\r\n").as_bytes()).unwrap();
        answer("250");
    }
    stream.write_all(b"QUIT\r\n").unwrap();
}

fn deliver_to_mailutils(user: &str) {
    let name = user.split('@').next().unwrap();
    let mailbox = MESSAGES.map(|message| {
        format!(
            "From a@example.org Thu Jan  1 00:00:00 2026\n{}\n",
            message.replace("\r\n", "\n").replace("\nFrom ", "\n>From ")
        )
    });
    fs::write(format!("{}/{name}/INBOX", variable("POP3_TEST_MAILUTILS_MAIL")), mailbox.concat()).unwrap();
}

fn read(session: &mut Session<Tcp>, n: u32) -> String {
    let mut text = Vec::new();
    session.retrieve(number(n)).unwrap().read_to_end(&mut text).unwrap();
    String::from_utf8(text).unwrap()
}

/// What a server adds stands in the header. `>From ` is what mbox makes of a line.
fn is(shown: &str, message: &str) -> bool {
    let (header, body) = message.split_once("\r\n\r\n").unwrap();
    let (shown_header, shown_body) = shown.split_once("\r\n\r\n").unwrap();
    let unquoted = shown_body.replace("\r\n>From ", "\r\nFrom ");
    header.lines().all(|line| shown_header.lines().any(|shown| shown == line)) && unquoted == body
}

/// Reads and deletes at a server. `before` is how many messages there were, which another test has left.
fn reads_and_deletes(server: &str, user: &str) {
    let failed = connect(to(server, user, "wrong")).unwrap_err();
    assert!(matches!(failed, ConnectError::Login(LoginError::Credentials(_))), "{failed}");

    let mut session = connect(to(server, user, "pass")).unwrap();
    let listings = session.list().unwrap();
    assert_eq!(listings.len(), 4);
    let stat = session.stat().unwrap();
    assert_eq!((stat.messages, stat.octets), (4, listings.iter().map(|listing| listing.octets).sum()));
    let ids: BTreeMap<_, _> = session.unique_ids().unwrap().into_iter().collect();
    assert_eq!(ids.len(), 4);
    for (n, message) in (1..).zip(MESSAGES) {
        let shown = read(&mut session, n);
        assert!(is(&shown, message), "{server} {n}: {shown:?}");
        assert_eq!(session.unique_id(number(n)).unwrap(), ids[&number(n)]);
        let top = session.retrieve_headers(number(n)).unwrap();
        assert!(shown.starts_with(std::str::from_utf8(top.as_bytes()).unwrap().trim_end()), "{server} {n}");
    }
    // All at once, where the server pipelines.
    let mut batch = session.retrieve_all().unwrap();
    let mut count = 0;
    while let Some(message) = batch.next().unwrap() {
        let n = message.number().get() as usize;
        let octets = message.into_message().unwrap().into_bytes();
        assert!(is(std::str::from_utf8(&octets).unwrap(), MESSAGES[n - 1]), "{server} {n}");
        count += 1;
    }
    assert_eq!(count, 4);
    let missing = session.retrieve(number(9)).unwrap_err();
    assert!(missing.refused().is_some() && missing.is_recoverable(), "{missing}");
    session.delete(number(1)).unwrap();
    session.reset().unwrap();
    session.delete(number(2)).unwrap();
    session.quit().unwrap();

    let mut session = connect(to(server, user, "pass")).unwrap();
    let left: Vec<_> = session.unique_ids().unwrap().into_iter().map(|(_, id)| id).collect();
    assert_eq!(left, [1, 3, 4].map(|n| ids[&number(n)].clone()));
    assert!(is(&read(&mut session, 2), MESSAGES[2]));
    session.delete_all().unwrap().for_each(|deletion| assert!(deletion.is_ok()));
    session.quit().unwrap();
    assert_eq!(connect(to(server, user, "pass")).unwrap().stat().unwrap().messages, 0);
}

#[test]
#[ignore = "needs the servers that .ci/servers starts"]
fn cyrus() {
    connect(to("POP3_TEST_CYRUS", "u1", "pass")).unwrap().quit().unwrap();
    deliver_to_cyrus("u1");
    reads_and_deletes("POP3_TEST_CYRUS", "u1");
}

#[test]
#[ignore = "needs the servers that .ci/servers starts"]
fn perdition_in_front_of_cyrus() {
    connect(to("POP3_TEST_CYRUS", "u2", "pass")).unwrap().quit().unwrap();
    deliver_to_cyrus("u2");
    reads_and_deletes("POP3_TEST_PERDITION", "u2");
}

#[test]
#[ignore = "needs the servers that .ci/servers starts"]
fn mailutils() {
    deliver_to_mailutils("u1@test");
    reads_and_deletes("POP3_TEST_MAILUTILS", "u1@test");
}

/// Cyrus 3.6 announces SCRAM-SHA-256-PLUS, and knows no binding that TLS 1.3 has.
#[test]
#[ignore = "needs the servers that .ci/servers starts"]
fn cyrus_over_tls() {
    let pem = fs::read(variable("POP3_TEST_SERVERS_CERT")).unwrap();
    let pin = Fingerprint::of(&CertificateDer::from_pem_slice(&pem).unwrap());
    for (server, security) in [("POP3_TEST_CYRUS_TLS", Security::Tls), ("POP3_TEST_CYRUS", Security::StartTls)] {
        let secured = |password: &str| {
            to(server, "u3", password).security(security).allow_plaintext(false).tls(Tls::new().pin(pin))
        };
        let failed = |connect: Connect| match pop3_blocking::connect(connect).unwrap_err() {
            ConnectError::Login(error) => error,
            error => panic!("{error}"),
        };
        connect(secured("pass")).unwrap().quit().unwrap();
        for method in [Method::ScramSha256, Method::Plain, Method::UserPass] {
            connect(secured("pass").method(method)).unwrap().quit().unwrap();
            let error = failed(secured("wrong").method(method));
            assert!(matches!(error, LoginError::Credentials(_)), "{method}: {error}");
        }
        let error = failed(secured("wrong"));
        assert!(matches!(error, LoginError::Credentials(_)), "{error}");
        // By name it is used as named.
        let error = failed(secured("pass").method(Method::ScramSha256Plus));
        assert!(matches!(error, LoginError::Binding(_)), "{error}");
    }
}
