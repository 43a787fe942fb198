//! The greeting.

use pop3_proto::Config;

use crate::alphabets::{OCTETS, WORDS};
use crate::receiving::Receiving;
use crate::table::check;

#[test]
fn every_cut_of_a_greeting() {
    let places = [
        Receiving::new(Config::new()),
        Receiving::new(Config::new().max_line(4)),
        Receiving::new(Config::new().tolerate_lf(false)),
        Receiving::new(Config::new()).does(|client| client.tls_established(b"").expect("nothing came before")),
    ];
    check("greeting", &places, &[OCTETS, WORDS]);
}
