//! Errors as a user sees them: their kinds, whether and when to try again, and their texts.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use pop3_proto::drive::{
    Acknowledge, Call, Conversation, Deadlines, Exchange, Io, ListOne, Retrieval, SettingsError, Stat, Step, Timeouts,
    UidlOne,
};
use pop3_proto::login::{Credentials, Login, LoginError, Policy, Progress, Security};
use pop3_proto::{Cause, Command, Config, Error, ErrorKind, QuitError, UsageError};

/// Returns the error of a client that reads the greeting and logs in. Each answer follows one write.
fn error_of(answers: &[&str]) -> Error {
    let mut conversation = Conversation::new(Config::default());
    let policy = Policy::new().security(Security::Plaintext).allow_plaintext(true);
    let mut login = Login::new(Credentials::new("mrose", "tanstaaf"), policy);
    let mut answers = answers.iter();
    let mut greeted = false;
    loop {
        let io = if greeted {
            login.step(&mut conversation).map(|step| if let Step::NeedIo(io) = step { Some(io) } else { None })
        } else {
            conversation.greet().map(|step| if let Step::NeedIo(io) = step { Some(io) } else { None })
        };
        match io {
            Ok(None) => greeted = true,
            Ok(Some(Io::Look)) => conversation.looked(),
            Ok(Some(Io::Transfer)) => {
                let said = conversation.pending().len();
                conversation.written(said);
                let answer = answers.next().map_or("", |answer| answer);
                conversation.spare()[..answer.len()].copy_from_slice(answer.as_bytes());
                conversation.filled(answer.len());
            }
            Err(error) => return error,
        }
    }
}

type Foreign = Box<dyn std::error::Error + Send + Sync>;

/// Returns the error of a STAT whose transport failed.
fn lost(error: impl Into<Foreign>) -> Error {
    let mut conversation = Conversation::new(Config::default());
    conversation.abort(error);
    conversation.step(&mut Call::new(Stat)).unwrap_err()
}

/// Returns the error of a login whose TLS handshake failed.
fn handshake(error: impl Into<Foreign>) -> Error {
    let mut conversation = Conversation::new(Config::default());
    let mut login = Login::new(Credentials::new("mrose", "tanstaaf"), Policy::new());
    assert_eq!(login.step(&mut conversation).unwrap(), Step::Done(Progress::StartTls));
    conversation.abort(error);
    let error = login.step(&mut conversation).unwrap_err();
    assert!(matches!(error.cause(), Cause::Handshake(_)), "{error:?}");
    let again = login.step(&mut conversation).unwrap_err();
    assert!(matches!(again.cause(), Cause::Usage(UsageError::Over)), "{again:?}");
    error
}

fn unreachable(error: io::Error) -> Error {
    let cause = Cause::Unreachable { host: "pop.example.org".into(), port: 995, error: error.into() };
    Error::new("connecting", cause)
}

/// Returns the text of an error and of its sources.
fn chain(error: &dyn std::error::Error) -> Vec<String> {
    let mut texts = vec![error.to_string()];
    let mut source = error.source();
    while let Some(error) = source {
        texts.push(error.to_string());
        source = error.source();
    }
    texts
}

#[test]
fn one_match_tells_errors_apart_in_every_phase() {
    const CAPA: &str = "+OK\r\nUSER\r\n.\r\n";
    for (answers, kind, transient) in [
        // In the greeting.
        (&["-ERR [IN-USE] locked\r\n"][..], ErrorKind::InUse, true),
        (&["-ERR [SYS/TEMP] later\r\n"], ErrorKind::Temporary, true),
        (&["-ERR go away\r\n"], ErrorKind::Refused, false),
        (&["220 mail.example.org ESMTP\r\n"], ErrorKind::Protocol, false),
        (&[""], ErrorKind::Disconnected, true),
        // In the login.
        (&["+OK\r\n", CAPA, "+OK\r\n", "-ERR [AUTH] no\r\n"], ErrorKind::Credentials, false),
        (&["+OK\r\n", CAPA, "+OK\r\n", "-ERR no\r\n"], ErrorKind::Credentials, false),
        (&["+OK\r\n", CAPA, "+OK\r\n", "-ERR [IN-USE] no\r\n"], ErrorKind::InUse, true),
        (&["+OK\r\n", CAPA, "+OK\r\n", "-ERR mailbox is locked\r\n"], ErrorKind::InUse, true),
        (&["+OK\r\n", CAPA, "+OK\r\n", "-ERR [SYS/TEMP] no\r\n"], ErrorKind::Temporary, true),
        (&["+OK\r\n", CAPA, "+OK\r\n", "-ERR [LOGIN-DELAY] no\r\n"], ErrorKind::Temporary, true),
        (&["+OK\r\n", CAPA, "+OK\r\n", "-ERR [SYS/PERM] no\r\n"], ErrorKind::Refused, false),
        (&["+OK\r\n", CAPA, "-ERR unknown command\r\n"], ErrorKind::Unsupported, false),
        (&["+OK\r\n", CAPA, "+OK\r\n", ""], ErrorKind::Disconnected, true),
        (&["+OK\r\n", CAPA, "+OK\r\n", "hello\r\n"], ErrorKind::Protocol, false),
    ] {
        let error = error_of(answers);
        assert_eq!((error.kind(), error.is_transient()), (kind, transient), "{answers:?}: {error}");
        assert_eq!(error.retry_after(), None);
    }
    let late = |deadlines: &mut Deadlines| {
        deadlines.spent(Duration::from_secs(1), 0);
        deadlines.answer(&Conversation::new(Config::default())).unwrap_err()
    };
    let mut deadlines = Deadlines::new(Timeouts::UNLIMITED.each(Duration::from_secs(1)));
    let _ = deadlines.answer(&Conversation::new(Config::default()));
    let late = late(&mut deadlines);
    let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
    let invalid = || io::Error::new(io::ErrorKind::InvalidData, "no such certificate");
    for (error, kind) in [
        (lost(late), ErrorKind::TimedOut),
        (lost(io::Error::from(late)), ErrorKind::TimedOut),
        (lost(io::Error::from(io::ErrorKind::WouldBlock)), ErrorKind::TimedOut),
        (lost(refused()), ErrorKind::Disconnected),
        (handshake(late), ErrorKind::TimedOut),
        (handshake(io::Error::from(late)), ErrorKind::TimedOut),
        (handshake(io::Error::from(io::ErrorKind::UnexpectedEof)), ErrorKind::Disconnected),
        (handshake(invalid()), ErrorKind::Tls),
        (unreachable(refused()), ErrorKind::Unreachable),
        (Error::from(SettingsError::NoHost), ErrorKind::Usage),
        (Error::from(LoginError::NoStartTls), ErrorKind::Unsupported),
        (Error::from(LoginError::Unprotected), ErrorKind::Usage),
    ] {
        assert_eq!(error.kind(), kind, "{error:?}");
    }
}

#[test]
fn a_delay_that_the_server_announced_is_reported() {
    let error =
        error_of(&["+OK\r\n", "+OK\r\nUSER\r\nLOGIN-DELAY 300\r\n.\r\n", "+OK\r\n", "-ERR [LOGIN-DELAY] no\r\n"]);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(300)));
    let error = error_of(&["+OK\r\n", "+OK\r\nUSER\r\nLOGIN-DELAY 300\r\n.\r\n", "+OK\r\n", "-ERR [AUTH] no\r\n"]);
    assert_eq!(error.retry_after(), None);
}

/// Whatever the cause, the error of a command for one message has its number, and no other error has one.
#[test]
fn an_error_about_one_message_has_its_number() {
    fn numbers(exchange: impl Exchange) -> [Option<u32>; 2] {
        let mut conversation = Conversation::new(Config::default());
        let mut call = Call::new(exchange);
        // It was not sent: the greeting has not arrived.
        let step = conversation.step(&mut call).map(drop);
        conversation.abort(io::Error::from(io::ErrorKind::ConnectionReset));
        let lost = conversation.step(&mut call).map(drop).unwrap_err();
        assert!(matches!(lost.cause(), Cause::Transport(_)), "{lost:?}");
        [step.unwrap_err().message_number(), lost.message_number()]
    }
    assert_eq!(numbers(Acknowledge(Command::Dele(7))), [Some(7); 2]);
    assert_eq!(numbers(ListOne(8)), [Some(8); 2]);
    assert_eq!(numbers(UidlOne(9)), [Some(9); 2]);
    assert_eq!(numbers(Stat), [None; 2]);
    assert_eq!(numbers(Acknowledge(Command::Raw("XDELE 7"))), [None; 2]);
    for mut retrieval in [Retrieval::retr(7), Retrieval::top(7, 1)] {
        let mut conversation = Conversation::new(Config::default());
        assert_eq!(conversation.read(&mut retrieval).map(drop).unwrap_err().message_number(), Some(7));
        conversation.abort(io::Error::from(io::ErrorKind::BrokenPipe));
        let lost = conversation.read(&mut retrieval).map(drop).unwrap_err();
        assert_eq!((lost.io().map(io::Error::kind), lost.message_number()), (Some(io::ErrorKind::BrokenPipe), Some(7)));
    }
    assert_eq!(error_of(&["-ERR go away\r\n"]).message_number(), None);
}

#[test]
fn a_chain_says_each_fact_once() {
    let reset = || io::Error::new(io::ErrorKind::ConnectionReset, "the peer reset it");
    let stat = || lost(reset());
    for (error, expected) in [
        (
            Box::new(stat()) as Box<dyn std::error::Error>,
            &["STAT failed: the connection failed", "the peer reset it"][..],
        ),
        (
            Box::new(QuitError::Unknown(stat())),
            &["it is unknown whether messages were deleted", "STAT failed: the connection failed", "the peer reset it"],
        ),
        (Box::new(handshake(reset())), &["TLS failed, nothing secret was sent", "the peer reset it"]),
        (Box::new(unreachable(reset())), &["cannot connect to pop.example.org, port 995", "the peer reset it"]),
        (
            Box::new(Error::from(SettingsError::Netrc("line 3 has no value".into()))),
            &["the netrc file cannot be read", "line 3 has no value"],
        ),
        (
            Box::new(error_of(&["-ERR go away\r\n"])),
            &["reading the greeting failed: without TLS, the server said -ERR go away"],
        ),
    ] {
        assert_eq!(chain(&*error), expected);
    }
    // Through `std::io::Read`, the kind and the error stay.
    let error = io::Error::from(stat());
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert!(error.downcast::<Error>().unwrap().source().is_some());
}
