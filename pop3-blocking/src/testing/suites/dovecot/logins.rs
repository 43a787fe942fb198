//! Logins that succeed and that fail, and what the log shows of them.

use std::net::TcpStream;

use super::super::adapter::{Adapter, Connection, Reader as _, Session as _};
use super::traces::Log;
use super::user::{PASSWORD, User, address};
use crate::{Connect, Credentials, ErrorKind, LoginError, Method, Policy, Security};
use pop3_proto::BadArgument;
use pop3_proto::login::Methods;

/// All that prove a password.
const METHODS: [Method; 7] = [
    Method::Plain,
    Method::Login,
    Method::UserPass,
    Method::Apop,
    Method::CramMd5,
    Method::ScramSha1,
    Method::ScramSha256,
];

const CLEAR: Policy = Policy::new().security(Security::Plaintext).allow_plaintext(true);

fn connection<A: Adapter>(log: &Log, policy: Policy) -> impl Connection + use<A> {
    let to = Connect::new().policy(policy).log(log.sink());
    A::over(TcpStream::connect(address()).unwrap(), to).unwrap()
}

fn by(mechanism: Method) -> Policy {
    CLEAR.method(mechanism)
}

/// Base64, written here so that no code of the client's has a part in it.
fn base64(octets: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in octets.chunks(3) {
        let bits = three.iter().fold(0, |bits, &octet| bits << 8 | usize::from(octet)) << (8 * (3 - three.len()));
        for digit in 0..4 {
            text.push(if digit <= three.len() { char::from(DIGITS[bits >> (18 - 6 * digit) & 63]) } else { '=' });
        }
    }
    text
}

pub fn every_mechanism<A: Adapter>() {
    let user = User::with("mechanisms", &[b"Subject: x\n\nbody\n"]);
    let ways = [
        // The best that is offered.
        (CLEAR, "AUTH SCRAM-SHA-256 ***"),
        (by(Method::Plain), "AUTH PLAIN ***"),
        (by(Method::Login), "AUTH LOGIN"),
        (by(Method::UserPass), "USER"),
        (by(Method::Apop), "APOP"),
        (by(Method::CramMd5), "AUTH CRAM-MD5"),
        (by(Method::ScramSha1), "AUTH SCRAM-SHA-1 ***"),
        (by(Method::ScramSha256), "AUTH SCRAM-SHA-256 ***"),
        // A digest needs no leave.
        (by(Method::Apop).allow_plaintext(false), "APOP"),
        (CLEAR.allow_plaintext(false), "AUTH SCRAM-SHA-256 ***"),
    ];
    for (policy, command) in ways {
        let log = Log::default();
        let mut session = connection::<A>(&log, policy).login_as(Credentials::new(&user.name, PASSWORD)).unwrap();
        assert_eq!(session.stat().unwrap().messages, 1);
        session.quit().unwrap();
        let said = log.said();
        assert_eq!(said[0], "CAPA");
        assert!(said[1].starts_with(command), "{said:?}");
        assert_eq!(said.last().unwrap(), "QUIT");
    }
}

pub fn a_wrong_password_and_a_second_try_on_the_same_connection<A: Adapter>() {
    let user = User::with("secondtry", &[b"Subject: x\n\nbody\n"]);
    for mechanism in METHODS {
        let log = Log::default();
        let wrong = Credentials::new(&user.name, "wr0ngSecret");
        let failed = connection::<A>(&log, by(mechanism)).login_as(wrong).unwrap_err();
        assert!(matches!(failed.error.login(), Some(LoginError::Credentials(_))), "{mechanism}: {failed}");
        assert!(failed.to_string().starts_with("wrong user name or password; the server said -ERR"), "{failed}");
        let connection = failed.connection.expect("the connection can be used again");
        let mut session = connection.login_as(Credentials::new(&user.name, PASSWORD)).unwrap();
        assert_eq!(session.stat().unwrap().messages, 1);
        session.quit().unwrap();
        assert!(!log.lines().join("\n").contains("wr0ngSecret"));
    }
    let failed = A::connect(user.connect().password("wr0ngSecret")).unwrap_err();
    assert!(matches!(failed.login(), Some(LoginError::Credentials(_))), "{failed}");
}

pub fn no_password_is_sent_without_protection<A: Adapter>() {
    let user = User::new("unprotected");
    for mechanism in [Method::UserPass, Method::Plain, Method::Login] {
        let log = Log::default();
        let policy = Policy::new().security(Security::Plaintext).method(mechanism);
        let failed = connection::<A>(&log, policy).login_as(Credentials::new(&user.name, PASSWORD)).unwrap_err();
        assert!(matches!(failed.error.login(), Some(LoginError::Unprotected)), "{failed}");
        let mut connection = failed.connection.expect("the connection can be used again");
        assert!(connection.capabilities().is_ok());
        connection.quit().unwrap();
        assert_eq!(log.said(), ["CAPA", "QUIT"], "neither USER nor AUTH");

        // On a port without TLS, nothing is said at all.
        let log = Log::default();
        let to = user.connect().policy(Policy::new().method(mechanism)).log(log.sink());
        let error = A::over(TcpStream::connect(address()).unwrap(), to).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Tls, "{error}");
        assert!(log.said().is_empty());
    }
    let log = Log::default();
    let by_name = user.connect().allow_plaintext(false).methods([Method::Plain]);
    let failed = A::connect(by_name.log(log.sink())).unwrap_err();
    assert!(matches!(failed.login(), Some(LoginError::Unprotected)), "{failed}");
    assert_eq!(log.said(), ["QUIT"]);
}

pub fn no_invalid_credentials_are_sent<A: Adapter>() {
    let name = || "mrose".to_owned();
    let unsendable = [
        (name() + " x", PASSWORD.to_owned(), Method::UserPass, BadArgument::Blank),
        (name() + " x", PASSWORD.to_owned(), Method::Apop, BadArgument::Blank),
        (name() + "\r\nDELE 1", PASSWORD.to_owned(), Method::UserPass, BadArgument::Control),
        (name(), "pa\nss".to_owned(), Method::UserPass, BadArgument::Control),
        (name(), "pa\0ss".to_owned(), Method::Plain, BadArgument::Control),
        // Dovecot does not announce UTF8.
        ("m\u{fc}ller".to_owned(), PASSWORD.to_owned(), Method::UserPass, BadArgument::NotAscii),
    ];
    for (user, password, mechanism, bad) in unsendable {
        let log = Log::default();
        let failed = connection::<A>(&log, by(mechanism)).login_as(Credentials::new(user, password)).unwrap_err();
        assert!(matches!(failed.error.login(), Some(LoginError::Unsendable(reason)) if *reason == bad), "{failed}");
        failed.connection.expect("the connection can be used again").quit().unwrap();
        assert!(log.said().iter().all(|line| line == "CAPA" || line == "QUIT"), "{:?}", log.said());
    }
    let log = Log::default();
    let too_long = Credentials::new("mrose", "x".repeat(300));
    let failed = connection::<A>(&log, by(Method::UserPass)).login_as(too_long).unwrap_err();
    assert_eq!(failed.to_string(), "the login failed: the command line would have 307 octets; the limit is 255");
    assert_eq!(log.said(), ["CAPA"]);
}

pub fn the_log_shows_everything_except_secrets_and_bodies<A: Adapter>() {
    let body = "never to be seen in a log";
    let user = User::with("logged", &[format!("Subject: x\n\n{body}\n").as_bytes()]);
    let secrets = [
        base64(PASSWORD.as_bytes()),
        base64(format!("\0{}\0{PASSWORD}", user.name).as_bytes()),
        base64(user.name.as_bytes()),
    ];
    assert_eq!(base64(b"\0user\0pass"), "AHVzZXIAcGFzcw==", "the test's own Base64");
    for mechanism in METHODS {
        let log = Log::default();
        let mut session =
            connection::<A>(&log, by(mechanism)).login_as(Credentials::new(&user.name, PASSWORD)).unwrap();
        let octets = session.retrieve(1).unwrap().into_message().unwrap().as_bytes().len();
        session.header(1).unwrap();
        session.quit().unwrap();

        let lines = log.lines();
        let text = lines.join("\n");
        assert!(lines.contains(&format!("S: ({octets} octets)")), "{text}");
        assert!(!text.contains(body) && !text.contains("Subject"), "{text}");
        assert!(!text.contains(PASSWORD), "{text}");
        assert!(secrets.iter().all(|secret| !text.contains(secret.trim_end_matches('='))), "{text}");
        let digits = |word: &str| word.len() == 32 && word.bytes().all(|b| b.is_ascii_hexdigit());
        assert!(!text.split(|c: char| !c.is_ascii_alphanumeric()).any(digits), "a digest: {text}");
        let expected: &[&str] = match mechanism {
            Method::UserPass => &["C: USER", "C: PASS ***"],
            Method::Apop => &["C: APOP"],
            _ => &["C: AUTH "],
        };
        for command in expected {
            assert!(lines.iter().any(|line| line.starts_with(command)), "{text}");
        }
    }
}

pub fn good_tokens_log_in_and_bad_tokens_do_not<A: Adapter>() {
    let env = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
    let name = env("POP3_TEST_TOKEN_USER");
    for method in [None, Some(Method::OauthBearer), Some(Method::Xoauth2)] {
        let policy = CLEAR.methods(method.map(Methods::from));
        let log = Log::default();
        let token = env("POP3_TEST_TOKEN");
        let mut session = connection::<A>(&log, policy).login_as(Credentials::token(&name, &token)).unwrap();
        session.stat().unwrap();
        session.quit().unwrap();
        assert!(!log.lines().join("\n").contains(&token[..16]));

        for bad in [env("POP3_TEST_WRONG_TOKEN"), env("POP3_TEST_EXPIRED_TOKEN")] {
            let failed = connection::<A>(&log, policy).login_as(Credentials::token(&name, &bad)).unwrap_err();
            let Some(LoginError::Token(refused)) = failed.error.login() else { panic!("{failed}") };
            let said = refused.explanation().expect("the server says why, in JSON").to_string();
            assert!(said.starts_with('{') && said.contains("status"), "{said}");
            // The same connection takes a good one.
            let connection = failed.connection.expect("the connection can be used again");
            let session = connection.login_as(Credentials::token(&name, &token)).unwrap();
            session.quit().unwrap();
        }
    }
}
