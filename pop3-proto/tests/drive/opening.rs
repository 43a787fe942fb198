//! Logins that begin with the greeting.

use pop3_proto::Config;
use pop3_proto::drive::{Conversation, Io, Step};
use pop3_proto::login::{Connect, Credentials, Login, LoginError, Policy, Progress, Security};

use crate::scene::hear;

/// Steps until I/O is due, after looking as often as the login wants.
fn step(login: &mut Login, conversation: &mut Conversation) -> Step<Progress> {
    loop {
        match login.step(conversation).unwrap() {
            Step::NeedIo(Io::Look) => conversation.looked(),
            step => return step,
        }
    }
}

fn login(security: Security) -> Login {
    let to = Connect::new().host("pop.example.org").security(security).allow_plaintext(true);
    to.login(Credentials::new("mrose", "tanstaaf"))
}

#[test]
fn without_tls_the_greeting_comes_first() {
    for security in [Security::Plaintext, Security::StartTls] {
        let (mut conversation, mut login) = (Conversation::new(Config::new()), login(security));
        assert_eq!(step(&mut login, &mut conversation), Step::NeedIo(Io::Transfer));
        assert_eq!(conversation.pending(), b"", "nothing is sent before the greeting");
        hear(&mut conversation, b"+OK ready\r\n");
        assert_eq!(step(&mut login, &mut conversation), Step::NeedIo(Io::Transfer));
        assert_eq!(conversation.pending(), b"CAPA\r\n");
    }
}

#[test]
fn with_tls_the_handshake_comes_first() {
    let (mut conversation, mut login) = (Conversation::new(Config::new()), login(Security::Tls));
    for _ in 0..2 {
        assert_eq!(step(&mut login, &mut conversation), Step::Done(Progress::StartTls), "until it is done");
    }
    conversation.tls_established(None).unwrap();
    assert_eq!(step(&mut login, &mut conversation), Step::NeedIo(Io::Transfer));
    assert_eq!(conversation.pending(), b"");
    hear(&mut conversation, b"+OK ready\r\n");
    assert_eq!(step(&mut login, &mut conversation), Step::NeedIo(Io::Transfer));
    assert_eq!(conversation.pending(), b"CAPA\r\n");
}

/// A greeting outside TLS is not the beginning of a connection with TLS from the first octet.
#[test]
fn a_greeting_before_tls_ends_a_login_that_requires_tls() {
    let mut conversation = Conversation::new(Config::new());
    hear(&mut conversation, b"+OK ready\r\n");
    assert_eq!(conversation.greet().unwrap(), Step::Done(()));
    let error = login(Security::Tls).step(&mut conversation).unwrap_err();
    assert!(matches!(error.login(), Some(LoginError::Unprotected)), "{error}");
    // And one that was received unread is plaintext in front of TLS.
    let (mut conversation, mut login) = (Conversation::new(Config::new()), login(Security::Tls));
    hear(&mut conversation, b"+OK ready\r\n");
    assert_eq!(step(&mut login, &mut conversation), Step::Done(Progress::StartTls));
    conversation.tls_established(None).unwrap_err();
}

#[test]
fn a_server_that_refuses_service_ends_the_login() {
    let mut conversation = Conversation::new(Config::new());
    let policy = Policy::new().security(Security::Plaintext);
    let mut login = Login::new(Credentials::new("mrose", "tanstaaf"), policy);
    hear(&mut conversation, b"-ERR not today\r\n");
    let error = login.step(&mut conversation).unwrap_err();
    assert_eq!(error.refused().unwrap().text().to_string(), "not today");
    assert!(!error.is_recoverable());
}
