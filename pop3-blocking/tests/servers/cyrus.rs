//! Cyrus, also behind Perdition, and Mailutils.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use pop3_blocking::pop3_proto::tls::rustls::pki_types::CertificateDer;
use pop3_blocking::pop3_proto::tls::rustls::pki_types::pem::PemObject;
use pop3_blocking::{Connect, Fingerprint, LoginError, Method, Security, Tls, connect};

use crate::{MESSAGES, mbox, quoted, reads_and_deletes, to, variable};

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
    fs::write(format!("{}/{name}/INBOX", variable("POP3_TEST_MAILUTILS_MAIL")), mbox(MESSAGES.map(quoted))).unwrap();
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
        let failed = |connect: Connect| pop3_blocking::connect(connect).unwrap_err();
        connect(secured("pass")).unwrap().quit().unwrap();
        for method in [Method::ScramSha256, Method::Plain, Method::UserPass] {
            connect(secured("pass").methods([method])).unwrap().quit().unwrap();
            let error = failed(secured("wrong").methods([method]));
            assert!(matches!(error.login(), Some(LoginError::Credentials(_))), "{method}: {error}");
        }
        let error = failed(secured("wrong"));
        assert!(matches!(error.login(), Some(LoginError::Credentials(_))), "{error}");
        // By name it is used as named.
        let error = failed(secured("pass").methods([Method::ScramSha256Plus]));
        assert!(matches!(error.login(), Some(LoginError::Binding(_))), "{error}");
    }
}
