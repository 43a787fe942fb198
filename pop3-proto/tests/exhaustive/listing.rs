//! The lines of a listing.

use pop3_proto::{Command, Config};

use crate::alphabets::{OCTETS, WORDS};
use crate::receiving::Receiving;
use crate::table::check;

#[test]
fn every_cut_of_a_listing() {
    let place = |config, end: &str| {
        let asked = Receiving::logged_in(config, end).sends(Command::Uidl(None)).sends(Command::Noop);
        asked.hears(&format!("+OK{end}"))
    };
    let small = Config::new().max_line(5).max_rows(2);
    let places = [place(Config::new(), "\r\n"), place(small, "\r\n"), place(Config::new(), "\n")];
    check("listing", &places, &[OCTETS, WORDS]);
}
