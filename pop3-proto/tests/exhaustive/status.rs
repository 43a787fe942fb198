//! The status line of an answer.

use pop3_proto::{Command, Config};

use crate::alphabets::{OCTETS, WORDS};
use crate::receiving::Receiving;
use crate::table::check;

#[test]
fn every_cut_of_a_status() {
    let user = |config, end| Receiving::greeted(config, end).sends(Command::User("u"));
    let three = |config, end| {
        Receiving::logged_in(config, end).sends(Command::Retr(1)).sends(Command::List(None)).sends(Command::Quit)
    };
    let small = Config::new().max_line(6).max_body(2).max_rows(1);
    let places = [
        user(Config::new(), "\r\n"),
        user(Config::new().max_line(5), "\r\n"),
        user(Config::new(), "\n"),
        three(Config::new(), "\r\n"),
        three(small, "\r\n"),
        three(Config::new(), "\n"),
    ];
    check("status", &places, &[OCTETS, WORDS]);
}
