//! Sessions that have reached TRANSACTION.

use pop3_proto::drive::{Acknowledge, Call, Retrieval};
use pop3_proto::{Cause, Command, Config, Error, QuitError, Violation};

use crate::play::{CLEAR, Cut, Play, Script};

pub(crate) const ONE: u32 = 1;
pub(crate) const RETR: Command<'static> = Command::Retr(ONE);
pub(crate) const LOGIN: [(&str, &[u8]); 4] =
    [("", b"+OK hi\r\n"), ("CAPA", b"-ERR\r\n"), ("USER mrose", b"+OK\r\n"), ("PASS tanstaaf", b"+OK\r\n")];
/// The same with a server that pipelines.
pub(crate) const PIPELINING: [(&str, &[u8]); 4] =
    [("", b"+OK hi\r\n"), ("CAPA", b"+OK\r\nPIPELINING\r\n.\r\n"), LOGIN[2], LOGIN[3]];

/// Returns a conversation in TRANSACTION that will play this script.
pub(crate) fn inside(login: Script<'_>, script: Script<'_>, cut: Cut) -> Play {
    let mut play = Play::of(&[login, script].concat(), Config::default(), cut);
    play.login(CLEAR).unwrap();
    play
}

pub(crate) fn message(play: &mut Play) -> Result<Vec<u8>, Error> {
    let mut octets = Vec::new();
    play.retrieve(Retrieval::retr(ONE), &mut octets).map(|()| octets)
}

pub(crate) fn violation(error: &Error) -> Option<Violation> {
    match error.cause() {
        Cause::Protocol(error) | Cause::ClosedWhileIdle(error) => Some(error.violation()),
        _ => None,
    }
}

/// Checks that the session is over, and that nothing more is sent.
pub(crate) fn is_poisoned(play: &mut Play) {
    let before = play.sent();
    for command in [Command::Noop, Command::Dele(ONE), Command::Quit] {
        assert!(!play.call(Acknowledge(command)).unwrap_err().is_recoverable());
    }
    assert_eq!(play.sent(), before);
}

pub(crate) fn quit(play: &mut Play) -> Result<(), QuitError> {
    let mut call = Call::new(Acknowledge(Command::Quit));
    play.finish(&mut call).map_err(|error| call.quit_error(error))
}
