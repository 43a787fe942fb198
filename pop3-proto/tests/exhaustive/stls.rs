//! STLS, and what follows it.

use pop3_proto::{Command, Config};

use crate::alphabets::{OCTETS, WORDS};
use crate::receiving::Receiving;
use crate::table::check;

#[test]
fn every_cut_around_stls() {
    let sent = |end| Receiving::greeted(Config::new(), end).sends(Command::Stls);
    let begun = || sent("\r\n").hears("+OK\r\n");
    let inside = || begun().does(|client| client.tls_established(b"").expect("nothing came"));
    let places = [sent("\r\n"), sent("\n"), begun(), inside(), inside().sends(Command::Capa)];
    check("STLS", &places, &[OCTETS, WORDS]);
}
