//! Other people's servers, which `.ci/servers` starts: octets, deletions, wrong passwords, and logins over TLS.
#![cfg(feature = "tls")]
#![allow(missing_docs, reason = "a test")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use pop3_blocking::pop3_proto::tls::rustls::pki_types::CertificateDer;
use pop3_blocking::pop3_proto::tls::rustls::pki_types::pem::PemObject;
use pop3_blocking::pop3_proto::wire::KnownCapability;
use pop3_blocking::{
    Connect, Connection, Credentials, Fingerprint, LoginError, Method, Security, Session, Tls, connect,
};

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

fn mbox(messages: impl IntoIterator<Item: AsRef<[u8]>>) -> Vec<u8> {
    let enclose =
        |message| [b"From a@example.org Thu Jan  1 00:00:00 2026\n", AsRef::<[u8]>::as_ref(&message), b"\n"].concat();
    messages.into_iter().flat_map(enclose).collect()
}

/// As a line of an mbox that is none of a message.
fn quoted(message: &str) -> String {
    message.replace("\r\n", "\n").replace("\nFrom ", "\n>From ")
}

fn deliver_to_mailutils(user: &str) {
    let name = user.split('@').next().unwrap();
    fs::write(format!("{}/{name}/INBOX", variable("POP3_TEST_MAILUTILS_MAIL")), mbox(MESSAGES.map(quoted))).unwrap();
}

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

fn deliver_to_popa3d(user: &str, messages: impl IntoIterator<Item: AsRef<[u8]>>) {
    fs::write(format!("{}/{user}", variable("POP3_TEST_POPA3D_MAIL")), mbox(messages)).unwrap();
}

fn octets<S: Read + Write>(session: &mut Session<S>, n: u32) -> Vec<u8> {
    let mut octets = Vec::new();
    session.retrieve(n).unwrap().read_to_end(&mut octets).unwrap();
    octets
}

fn read<S: Read + Write>(session: &mut Session<S>, n: u32) -> String {
    String::from_utf8(octets(session, n)).unwrap()
}

/// Returns whether `shown` is the message, apart from header lines that a server adds, and `>From ` lines of mbox.
fn is(shown: &str, message: &str) -> bool {
    let (header, body) = message.split_once("\r\n\r\n").unwrap();
    let (shown_header, shown_body) = shown.split_once("\r\n\r\n").unwrap();
    let unquoted = shown_body.replace("\r\n>From ", "\r\nFrom ");
    header.lines().all(|line| shown_header.lines().any(|shown| shown == line)) && unquoted == body
}

/// Reads and deletes at a server. `before` is how many messages there were, which another test has left.
fn reads_and_deletes(server: &str, user: &str) {
    let failed = connect(to(server, user, "wrong")).unwrap_err();
    assert!(matches!(failed.login(), Some(LoginError::Credentials(_))), "{failed}");

    let mut session = connect(to(server, user, "pass")).unwrap();
    let listings = session.list().unwrap();
    assert_eq!(listings.len(), 4);
    let stat = session.stat().unwrap();
    assert_eq!((stat.messages, stat.octets), (4, listings.iter().map(|listing| listing.octets).sum()));
    let ids: BTreeMap<_, _> = session.uidl().unwrap().into_iter().collect();
    assert_eq!(ids.len(), 4);
    for (n, message) in (1..).zip(MESSAGES) {
        let shown = read(&mut session, n);
        assert!(is(&shown, message), "{server} {n}: {shown:?}");
        assert_eq!(session.uidl_one(n).unwrap(), ids[&n]);
        let top = session.header(n).unwrap();
        assert!(shown.starts_with(std::str::from_utf8(top.as_bytes()).unwrap().trim_end()), "{server} {n}");
    }
    // All at once, where the server pipelines.
    let mut batch = session.retrieve_all().unwrap();
    let mut count = 0;
    while let Some(message) = batch.next().unwrap() {
        let n = message.number() as usize;
        let octets = message.into_message().unwrap().into_bytes();
        assert!(is(std::str::from_utf8(&octets).unwrap(), MESSAGES[n - 1]), "{server} {n}");
        count += 1;
    }
    assert_eq!(count, 4);
    let missing = session.retrieve(9).unwrap_err();
    assert!(missing.refused().is_some() && missing.is_recoverable(), "{missing}");
    session.delete(1).unwrap();
    session.reset().unwrap();
    session.delete(2).unwrap();
    session.quit().unwrap();

    let mut session = connect(to(server, user, "pass")).unwrap();
    let left: Vec<_> = session.uidl().unwrap().into_iter().map(|(_, id)| id).collect();
    assert_eq!(left, [1, 3, 4].map(|n| ids[&n].clone()));
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
        let failed = |connect: Connect| pop3_blocking::connect(connect).unwrap_err();
        connect(secured("pass")).unwrap().quit().unwrap();
        for method in [Method::ScramSha256, Method::Plain, Method::UserPass] {
            connect(secured("pass").method(method)).unwrap().quit().unwrap();
            let error = failed(secured("wrong").method(method));
            assert!(matches!(error.login(), Some(LoginError::Credentials(_))), "{method}: {error}");
        }
        let error = failed(secured("wrong"));
        assert!(matches!(error.login(), Some(LoginError::Credentials(_))), "{error}");
        // By name it is used as named.
        let error = failed(secured("pass").method(Method::ScramSha256Plus));
        assert!(matches!(error.login(), Some(LoginError::Binding(_))), "{error}");
    }
}

/// Returns messages that Courier and popa3d send as stored, except that each LF becomes CRLF, whatever precedes it.
fn what_comes_back() -> Vec<Vec<u8>> {
    let every: Vec<u8> = (0..=255).collect();
    let long =
        |octet: u8, octets: usize| [b"Subject: long\n\n".to_vec(), vec![octet; octets], b"\nend\n".to_vec()].concat();
    vec![
        [b"Subject: every octet\n\n", &every[..], b"\n", &every.repeat(300), b"\n"].concat(),
        b"Subject: bare CRs\n\na\rb\r\rc\n\r\r\nd\n\n\n".to_vec(),
        b"Subject: mixed\r\n\nCRLF\r\nLF\n\r\n".to_vec(),
        b"Subject: dots\n\n.\n..\n...\n.a\na.\n. \n\r.\r\n.\r.\n".to_vec(),
        b"Subject: a last line of a dot\n\n.\n".to_vec(),
        [b"Subject: many dots\n\n".to_vec(), b".\n".repeat(50_000)].concat(),
        long(b'a', 100_000),
        long(b'.', 100_000),
        long(b'\r', 100_000),
        long(0, 1_000_000),
        [b"X: ".to_vec(), vec![b'x'; 100_000], b"\n\na long line of a header\n".to_vec()].concat(),
        b"Subject: no body\n\n".to_vec(),
        b"\n\nno header\n".to_vec(),
        b"\n".to_vec(),
    ]
}

fn with_crlf(stored: &[u8]) -> Vec<u8> {
    stored
        .iter()
        .flat_map(|octet| if *octet == b'\n' { &b"\r\n"[..] } else { std::slice::from_ref(octet) })
        .copied()
        .collect()
}

fn comes_back(server: &str, user: &str, stored: &[Vec<u8>]) {
    let mut session = connect(to(server, user, "pass")).unwrap();
    let sizes: Vec<_> = session.list().unwrap().iter().map(|listing| listing.octets).collect();
    let sent: Vec<_> = stored.iter().map(|stored| with_crlf(stored)).collect();
    assert_eq!(sizes, sent.iter().map(|sent| sent.len() as u64).collect::<Vec<_>>());
    for (n, sent) in (1..).zip(&sent) {
        assert!(octets(&mut session, n) == *sent, "{server} {n}");
    }
    let mut batch = session.retrieve_all().unwrap();
    for sent in &sent {
        let message = batch.next().unwrap().unwrap().into_message().unwrap();
        assert!(message.as_bytes() == sent, "{server}: {message:?}");
    }
    assert!(batch.next().unwrap().is_none());
    session.quit().unwrap();
}

fn connection(server: &str) -> Connection<TcpStream> {
    let to = Connect::new().security(Security::Plaintext).allow_plaintext(true);
    Connection::over(TcpStream::connect(variable(server)).unwrap(), to).unwrap()
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

/// In place of a message with a header that is not ASCII Courier sends a notice of its own, with the message in it, of a size
/// that LIST does not tell. After UTF8 it sends the message.
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
            connect(secured("pass").method(method)).unwrap().quit().unwrap();
        }
        let error = connect(secured("wrong").method(failing)).unwrap_err();
        assert!(matches!(error.login(), Some(LoginError::Credentials(_))), "{error}");
    }
    for method in [Method::Login, Method::CramMd5] {
        let mut connection = connection("POP3_TEST_COURIER");
        connection.set_methods(Some(method.only()));
        let failed = connection.login_as(Credentials::new("u5", "wrong")).unwrap_err();
        assert!(matches!(failed.error.login(), Some(LoginError::Credentials(_))), "{method}: {failed}");
        let again = failed.connection.expect("the connection can be used again");
        again.login_as(Credentials::new("u5", "pass")).unwrap().quit().unwrap();
    }
}

/// popa3d makes a unique-id of the fields Message-ID, Date and Received.
#[test]
#[ignore = "needs the servers that .ci/servers starts"]
fn popa3d() {
    let messages =
        (1..).zip(MESSAGES).map(|(n, message)| format!("Message-ID: <{n}@example.org>\n{}", quoted(message)));
    deliver_to_popa3d("u1", messages);
    reads_and_deletes("POP3_TEST_POPA3D", "u1");
}

/// popa3d stuffs every dot. The end of an mbox's message is a blank line, unless it is what ends the header.
#[test]
#[ignore = "needs the servers that .ci/servers starts"]
fn octets_of_popa3d() {
    let mut stored = what_comes_back();
    stored.extend([b".first\nsecond\n\n.third\n".to_vec(), b".\nSubject: x\n\nbody\n".to_vec()]);
    deliver_to_popa3d("u2", &stored);
    comes_back("POP3_TEST_POPA3D", "u2", &stored);

    let headers: [&[u8]; 3] = [b"", b"Subject: x\n", b".\n"];
    deliver_to_popa3d("u2", headers);
    comes_back("POP3_TEST_POPA3D", "u2", &headers.map(|header| [header, b"\n"].concat()));
}

/// Messages without the fields that popa3d makes it of have one unique-id together. They are told apart by their numbers.
#[test]
#[ignore = "needs the servers that .ci/servers starts"]
fn one_unique_id_for_all_from_popa3d() {
    deliver_to_popa3d("u3", MESSAGES.map(quoted));
    let mut session = connect(to("POP3_TEST_POPA3D", "u3", "pass")).unwrap();
    let ids = session.uidl().unwrap();
    assert_eq!(ids.len(), 4);
    assert!(ids.iter().all(|(_, id)| *id == ids[0].1), "{ids:?}");
    assert!(is(&read(&mut session, 3), MESSAGES[2]));
    assert_eq!(session.last().unwrap(), 3);
    session.delete(2).unwrap();
    session.quit().unwrap();

    let mut session = connect(to("POP3_TEST_POPA3D", "u3", "pass")).unwrap();
    assert_eq!(session.last().unwrap(), 0);
    for (n, message) in [(1, MESSAGES[0]), (2, MESSAGES[2]), (3, MESSAGES[3])] {
        assert!(is(&read(&mut session, n), message), "{n}");
    }
    session.quit().unwrap();
}

#[test]
#[ignore = "needs the servers that .ci/servers starts"]
fn popa3d_announces_nothing_and_hangs_up_on_a_wrong_password() {
    let mut capa = connection("POP3_TEST_POPA3D");
    let error = capa.capabilities().unwrap_err();
    assert!(error.refused().is_some() && error.is_recoverable(), "{error}");
    capa.login_as(Credentials::new("u4", "pass")).unwrap().quit().unwrap();

    let failed = connection("POP3_TEST_POPA3D").login_as(Credentials::new("u4", "wrong")).unwrap_err();
    assert!(matches!(failed.error.login(), Some(LoginError::Credentials(_))), "{failed}");
    let mut again = failed.connection.expect("nothing tells yet that it is closed");
    let error = again.capabilities().unwrap_err();
    assert!(!error.is_recoverable(), "{error}");
}
