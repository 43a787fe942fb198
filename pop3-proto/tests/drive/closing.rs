//! A server that closes the connection while the client writes.

use pop3_proto::drive::{Acknowledge, Call, Conversation, Exchange, Io, Stat, Step};
use pop3_proto::login::{Credentials, Login, Method, Policy, Security};
use pop3_proto::{Cause, Command, Config, Error, State};

use crate::scene::{hear, logged_in, pipelining};

/// Steps a call whose command was not written completely until it fails.
fn fails<E: Exchange>(conversation: &mut Conversation, call: &mut Call<E>, said: &[u8]) -> Error
where
    E::Value: std::fmt::Debug + PartialEq,
{
    conversation.write_failed();
    assert_eq!(conversation.pending(), b"");
    if !said.is_empty() {
        assert_eq!(conversation.step(call).unwrap(), Step::NeedIo(Io::Transfer));
        hear(conversation, said);
        if let Err(error) = conversation.step(call) {
            return error;
        }
    }
    conversation.spare();
    conversation.filled(0);
    conversation.step(call).unwrap_err()
}

/// Octets that the server sends while it closes the connection answer no command that it cannot have received.
#[test]
fn no_last_words_answer_a_command_that_was_not_written() {
    for (command, len) in [(Command::Stat, 6), (Command::Dele(1), 8), (Command::Quit, 6)] {
        for written in 0..len {
            for said in [&b""[..], b"-ERR Autologout\r\n", b"+OK autologout, bye\r\n", b"+OK 1 2", b"-ERR auto"] {
                let mut conversation = logged_in();
                let mut call = Call::new(Acknowledge(command));
                conversation.looked();
                assert_eq!(conversation.step(&mut call).unwrap(), Step::NeedIo(Io::Transfer));
                assert_eq!(conversation.pending().len(), len);
                conversation.written(written);
                let error = fails(&mut conversation, &mut call, said);
                assert!(error.refused().is_none() && !error.is_recoverable(), "{error}");
                if said == b"-ERR Autologout\r\n" {
                    assert!(error.to_string().ends_with("saying -ERR Autologout"), "{error}");
                }
                // No later command is sent either.
                let mut noop = Call::new(Acknowledge(Command::Noop));
                conversation.looked();
                conversation.step(&mut noop).unwrap_err();
                assert!(!noop.is_sent());
            }
        }
    }
}

/// Two commands in flight, not written yet.
fn stat_and_noop() -> (Conversation, Call<Stat>, Call<Acknowledge<'static>>) {
    let (mut conversation, mut stat, mut noop) = (pipelining(), Call::new(Stat), Call::new(Acknowledge(Command::Noop)));
    assert_eq!(conversation.begin(&mut stat).unwrap(), Step::Done(()));
    assert_eq!(conversation.begin(&mut noop).unwrap(), Step::Done(()));
    assert_eq!(conversation.pending(), b"STAT\r\nNOOP\r\n");
    (conversation, stat, noop)
}

/// Commands that were written completely are answered; those behind them are not.
#[test]
fn an_answer_before_the_failed_write_is_valid() {
    for written in 6..12 {
        let (mut conversation, mut stat, mut noop) = stat_and_noop();
        conversation.written(written);
        conversation.write_failed();
        hear(&mut conversation, b"+OK 2 320\r\n+OK bye\r\n");
        let Step::Done(listing) = conversation.step(&mut stat).unwrap() else { panic!("it is complete") };
        assert_eq!((listing.messages, listing.octets), (2, 320));
        let error = conversation.step(&mut noop).unwrap_err();
        assert!(!error.is_recoverable(), "{error}");
    }
}

/// A command that was transmitted may have been executed, even if one behind it was not.
#[test]
fn the_end_before_an_answer_is_not_idle() {
    let (mut conversation, mut stat, _) = stat_and_noop();
    conversation.written(6);
    conversation.spare();
    conversation.filled(0);
    let error = conversation.step(&mut stat).unwrap_err();
    assert!(error.is_truncated() && !matches!(error.cause(), Cause::ClosedWhileIdle(_)), "{error}");
}

/// A caller may repeat a command that an idle server did not receive, but not a QUIT.
#[test]
fn a_quit_that_finds_the_connection_closed_is_not_called_unreceived() {
    for (command, is_idle) in [(Command::Noop, true), (Command::Quit, false)] {
        let (mut conversation, mut call) = (logged_in(), Call::new(Acknowledge(command)));
        conversation.looked();
        assert_eq!(conversation.step(&mut call).unwrap(), Step::NeedIo(Io::Transfer));
        conversation.spare();
        conversation.filled(0);
        let error = conversation.step(&mut call).unwrap_err();
        assert_eq!(matches!(error.cause(), Cause::ClosedWhileIdle(_)), is_idle, "{error}");
    }
}

/// The answer to an earlier command may still arrive.
#[test]
fn no_command_is_sent_after_an_abort() {
    let mut conversation = logged_in();
    conversation.abort("the connection was reset");
    for command in [Command::Noop, Command::Quit] {
        let mut call = Call::new(Acknowledge(command));
        conversation.looked();
        conversation.step(&mut call).unwrap_err();
        assert!(!call.is_sent() && conversation.pending().is_empty());
    }
}

/// A login is neither refused nor accepted by a server that has not received the password.
#[test]
fn last_words_say_nothing_about_a_password_that_was_not_written() {
    for said in [&b"+OK bye\r\n"[..], b"-ERR autologout\r\n"] {
        let mut conversation = Conversation::new(Config::new());
        let policy = Policy::new().security(Security::Plaintext).allow_plaintext(true).method(Method::UserPass);
        let mut login = Login::new(Credentials::new("mrose", "tanstaaf"), policy);
        hear(&mut conversation, b"+OK ready\r\n");
        for answer in [&b"-ERR what?\r\n"[..], b"+OK\r\n", said] {
            while login.step(&mut conversation).unwrap() == Step::NeedIo(Io::Look) {
                conversation.looked();
            }
            let line = String::from_utf8(conversation.pending().to_vec()).unwrap();
            if line.starts_with("PASS") {
                conversation.written(line.len() - 1);
                conversation.write_failed();
                assert_eq!(conversation.pending(), b"");
            } else {
                conversation.written(line.len());
            }
            hear(&mut conversation, answer);
        }
        let error = login.step(&mut conversation).unwrap_err();
        assert!(error.login().is_none() && !error.is_recoverable(), "{error:?}");
        assert_ne!(conversation.client().state(), State::Transaction);
    }
}
