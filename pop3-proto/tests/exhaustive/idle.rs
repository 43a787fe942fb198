//! Octets that arrive while no command is in flight.

use pop3_proto::{Command, Config};

use crate::alphabets::{OCTETS, WORDS};
use crate::receiving::Receiving;
use crate::table::check;

#[test]
fn every_cut_between_answers() {
    let quit = Receiving::logged_in(Config::new(), "\r\n").sends(Command::Quit);
    let places = [
        Receiving::greeted(Config::new(), "\r\n"),
        Receiving::logged_in(Config::new(), "\r\n"),
        Receiving::logged_in(Config::new().max_line(5), "\r\n"),
        Receiving::logged_in(Config::new(), "\n"),
        // A blank line has been skipped before the answer.
        Receiving::logged_in(Config::new(), "\r\n").sends(Command::Noop).hears("\r\n"),
        quit.hears("+OK\r\n"),
        Receiving::new(Config::new()).hears("-ERR\r\n"),
    ];
    check("nothing in flight", &places, &[OCTETS, WORDS]);
}
