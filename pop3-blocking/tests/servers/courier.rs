//! Courier, which sends the messages of a Maildir.

use std::fs;

use pop3_blocking::pop3_proto::tls::rustls::pki_types::CertificateDer;
use pop3_blocking::pop3_proto::tls::rustls::pki_types::pem::PemObject;
use pop3_blocking::pop3_proto::wire::KnownCapability;
use pop3_blocking::{Credentials, Fingerprint, LoginError, Method, Methods, Security, Tls, connect};

use crate::{MESSAGES, comes_back, connection, read, reads_and_deletes, to, variable, what_comes_back, with_crlf};

/// Fills the user's Maildir with nothing but these. Courier takes them in the order of their names.
fn deliver_to_courier(user: &str, messages: impl IntoIterator<Item: AsRef<[u8]>>) {
    let maildir = format!("{}/{user}/Maildir", variable("POP3_TEST_COURIER_MAIL"));
    for folder in ["cur", "new"] {
        for file in fs::read_dir(format!("{maildir}/{folder}")).unwrap() {
            fs::remove_file(file.unwrap().path()).unwrap();
        }
    }
    // Its memory of sizes, by names.
    let _ = fs::remove_file(format!("{maildir}/courierpop3dsizelist"));
    for (n, message) in (1..).zip(messages) {
        fs::write(format!("{maildir}/new/{}.M{n}P1.test", 1_600_000_000 + n), message).unwrap();
    }
}

#[test]
#[ignore = "needs the servers that .ci/servers starts"]
fn courier() {
    deliver_to_courier("u1", MESSAGES.map(|message| message.replace("\r\n", "\n")));
    reads_and_deletes("POP3_TEST_COURIER", "u1");
}

/// Courier converts, and does not count the line end that it adds to an unfinished line or to nothing.
#[test]
#[ignore = "needs the servers that .ci/servers starts"]
fn octets_of_courier() {
    let stored = what_comes_back();
    deliver_to_courier("u2", &stored);
    comes_back("POP3_TEST_COURIER", "u2", &stored);

    let unfinished: [(&[u8], _); 3] =
        [(b"", "\r\n"), (b"Subject: x\n\nend", "Subject: x\r\n\r\nend\r\n"), (b"\n.", "\r\n.\r\n")];
    deliver_to_courier("u2", unfinished.map(|(stored, _)| stored));
    let mut session = connect(to("POP3_TEST_COURIER", "u2", "pass")).unwrap();
    for (n, (_, sent)) in (1..).zip(unfinished) {
        assert_eq!(read(&mut session, n), sent);
        assert_eq!(session.list_one(n).unwrap().octets, sent.len() as u64 - 2);
    }
    session.quit().unwrap();
}

/// Courier does not stuff a dot that is a message's first octet, so a client takes it for stuffing (RFC 1939, section
/// 3) and drops it. A first line of one dot is the end, and the octets after it answer no command.
#[test]
#[ignore = "needs the servers that .ci/servers starts"]
fn a_dot_as_the_first_octet_is_lost_by_courier() {
    deliver_to_courier("u3", [".first\nsecond\n\n.third\n", "..first\n\nbody\n", ".\nSubject: x\n\nbody\n"]);
    let mut session = connect(to("POP3_TEST_COURIER", "u3", "pass")).unwrap();
    let sizes: Vec<_> = session.list().unwrap().iter().map(|listing| listing.octets).collect();
    assert_eq!(sizes, [26, 17, 23]);
    assert_eq!(read(&mut session, 1), "first\r\nsecond\r\n\r\n.third\r\n");
    assert_eq!(read(&mut session, 2), ".first\r\n\r\nbody\r\n");
    assert_eq!(read(&mut session, 3), "");
    let error = session.delete(3).unwrap_err();
    assert!(!error.is_recoverable(), "{error}");
}

/// In place of a message with a header that is not ASCII Courier sends a notice of its own, with the message in it, of
/// a size that LIST does not tell. After UTF8 it sends the message.
#[test]
#[ignore = "needs the servers that .ci/servers starts"]
fn courier_encloses_a_header_that_is_not_ascii() {
    let message = "Subject: caf\u{e9}\r\n\r\nbody\r\n";
    deliver_to_courier("u4", [message.replace("\r\n", "\n")]);
    for utf8 in [false, true] {
        let mut connection = connection("POP3_TEST_COURIER");
        connection.capabilities().unwrap();
        if utf8 {
            connection.utf8().unwrap();
        }
        let mut session = connection.login_as(Credentials::new("u4", "pass")).unwrap();
        assert_eq!(session.list_one(1).unwrap().octets, message.len() as u64);
        let shown = read(&mut session, 1);
        if utf8 {
            assert_eq!(shown, message);
        } else {
            let notice = "From: Mail Delivery Subsystem <postmaster>\r\nSubject: Cannot display Unicode content\r\n";
            assert!(shown.starts_with(notice) && shown.contains(&format!("\r\n\r\n{message}\r\n--")), "{shown}");
        }
        session.quit().unwrap();
    }
}

#[test]
#[ignore = "needs the servers that .ci/servers starts"]
fn courier_announces() {
    let mut connection = connection("POP3_TEST_COURIER");
    let capabilities = connection.capabilities().unwrap();
    let known: Vec<_> = capabilities.iter().map(|capability| capability.known().unwrap()).collect();
    let Some(KnownCapability::Implementation(name)) = known.last() else { panic!("{known:?}") };
    assert_eq!(name.as_bytes(), b"Courier Mail Server");
    let delay = KnownCapability::LoginDelay { seconds: 10, per_user: false };
    let utf8 = KnownCapability::Utf8 { user: true };
    let announced = [
        KnownCapability::Sasl,
        KnownCapability::Stls,
        KnownCapability::Top,
        KnownCapability::User,
        delay,
        KnownCapability::Pipelining,
        KnownCapability::Uidl,
        utf8,
    ];
    assert_eq!(known[..known.len() - 1], announced);
    assert!(capabilities.mechanisms().eq([&b"PLAIN"[..], b"LOGIN", b"CRAM-MD5"]));
    connection.quit().unwrap();
}

/// Courier's TLS is `GnuTLS`. A wrong password costs five seconds, and the connection stays.
#[test]
#[ignore = "needs the servers that .ci/servers starts"]
fn courier_over_tls() {
    let pem = fs::read(variable("POP3_TEST_SERVERS_CERT")).unwrap();
    let pin = Fingerprint::of(&CertificateDer::from_pem_slice(&pem).unwrap());
    deliver_to_courier("u5", what_comes_back());
    let ways = [
        ("POP3_TEST_COURIER_TLS", Security::Tls, Method::Plain),
        ("POP3_TEST_COURIER", Security::StartTls, Method::UserPass),
    ];
    for (server, security, failing) in ways {
        let secured = |password: &str| {
            to(server, "u5", password).security(security).allow_plaintext(false).tls(Tls::new().pin(pin))
        };
        let mut session = connect(secured("pass")).unwrap();
        assert!(!session.capabilities().unwrap().any(|known| known == KnownCapability::Stls));
        let mut batch = session.retrieve_all().unwrap();
        for stored in what_comes_back() {
            let message = batch.next().unwrap().unwrap().into_message().unwrap();
            assert!(message.as_bytes() == with_crlf(&stored), "{server}: {message:?}");
        }
        assert!(batch.next().unwrap().is_none());
        session.quit().unwrap();
        for method in [Method::Plain, Method::Login, Method::CramMd5, Method::UserPass] {
            connect(secured("pass").methods([method])).unwrap().quit().unwrap();
        }
        let error = connect(secured("wrong").methods([failing])).unwrap_err();
        assert!(matches!(error.login(), Some(LoginError::Credentials(_))), "{error}");
    }
    for method in [Method::Login, Method::CramMd5] {
        let mut connection = connection("POP3_TEST_COURIER");
        connection.set_methods(Some(Methods::from(method)));
        let failed = connection.login_as(Credentials::new("u5", "wrong")).unwrap_err();
        assert!(matches!(failed.error.login(), Some(LoginError::Credentials(_))), "{method}: {failed}");
        let again = failed.connection.expect("the connection can be used again");
        again.login_as(Credentials::new("u5", "pass")).unwrap().quit().unwrap();
    }
}
