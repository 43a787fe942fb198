//! The lines of a client inside AUTH, for a server.

use pop3_proto::ServerConfig;

use crate::alphabets::OCTETS;
use crate::engine::Strings;
use crate::serving::{Answers, Serving};
use crate::table::check;

const RESPONSES: Strings = Strings {
    name: "responses",
    prefix: b"",
    symbols: &[b"eHg=", b"*", b"NOOP", b" ", b"\r", b"\n", b"x", b"\0"],
    length: 4,
};

/// Lines about as long as the least limit.
const LONG: Strings =
    Strings { name: "long lines", prefix: &[b'x'; 253], symbols: &[b"x", b"*", b"\r", b"\n"], length: 3 };

#[test]
fn every_cut_of_a_response() {
    let config = ServerConfig::new();
    let place = |config, answers| Serving::new(config, answers).hears("AUTH X\r\n");
    let places = [
        place(config, Answers::Accept),
        place(config, Answers::Refuse),
        place(config, Answers::Challenge),
        place(config.max_refusals(2).max_before_login(14), Answers::Refuse),
    ];
    check("line of AUTH", &places, &[OCTETS, RESPONSES]);
    let places = [
        place(config.max_response(255), Answers::Challenge),
        place(config.max_response(255).max_before_login(266), Answers::Refuse),
    ];
    check("line of AUTH", &places, &[LONG]);
}
