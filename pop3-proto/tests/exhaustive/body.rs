//! A message.

use pop3_proto::{Command, Config};

use crate::alphabets::{FAR_LINES, LINES, WORDS};
use crate::receiving::Receiving;
use crate::table::check;

/// Returns a client that receives a message. The greeting ends in `end`.
fn place(config: Config, end: &str, status: &str) -> Receiving {
    Receiving::logged_in(config, end).sends(Command::Retr(1)).sends(Command::Noop).hears(status)
}

#[test]
fn every_cut_of_a_message_in_crlf() {
    let limit = |octets| place(Config::new().max_body(octets), "\r\n", "+OK\r\n");
    // The second session has LF line ends, but this answer does not.
    let no_limit = [place(Config::new(), "\r\n", "+OK\r\n"), place(Config::new(), "\n", "+OK\r\n")];
    check("message, CRLF", &[&no_limit[..], &[limit(3)]].concat(), &[LINES, WORDS]);
    check("message, CRLF", &[&no_limit[..], &[limit(68)]].concat(), &[FAR_LINES]);
}

#[test]
fn every_cut_of_a_message_in_lf() {
    let limit = |octets| place(Config::new().max_body(octets), "\n", "+OK\n");
    check("message, LF", &[limit(u64::MAX), limit(3)], &[LINES, WORDS]);
    check("message, LF", &[limit(u64::MAX), limit(68)], &[FAR_LINES]);
}
