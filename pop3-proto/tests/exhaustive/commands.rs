//! The command lines of a client, for a server.

use pop3_proto::ServerConfig;

use crate::alphabets::OCTETS;
use crate::engine::Strings;
use crate::serving::{Answers, Serving};
use crate::table::check;

const LOGIN: Strings = Strings {
    name: "logins",
    prefix: b"",
    symbols: &[b"STLS", b"AUTH X", b"USER", b"PASS x", b" x", b"\r", b"\n", b"*"],
    length: 4,
};

const MESSAGES: Strings = Strings {
    name: "messages",
    prefix: b"",
    symbols: &[b"LIST", b"RETR", b"QUIT", b" ", b"1", b"0", b"\r", b"\n"],
    length: 4,
};

/// Lines about as long as the limit, which is 255 octets.
const LONG: Strings = Strings {
    name: "long lines",
    prefix: &[b'x'; 253],
    symbols: &[b"NOOP", b"x", b" ", b"\r", b"\n", b"\0"],
    length: 2,
};

#[test]
fn every_cut_of_a_command_line() {
    let open = ServerConfig::new().stls(true).plaintext_login(true);
    let few = open.max_refusals(2).max_before_login(9);
    let login = "USER u\r\nPASS p\r\n";
    let places = [
        Serving::new(open, Answers::Accept),
        Serving::new(open, Answers::Refuse),
        Serving::new(open, Answers::Challenge),
        Serving::new(few, Answers::Accept),
        Serving::new(few, Answers::Refuse),
        Serving::new(ServerConfig::new(), Answers::Accept),
    ];
    check("command line", &places, &[OCTETS, LOGIN]);
    let places = [Serving::new(open, Answers::Accept).hears(login), Serving::new(open, Answers::Refuse).hears(login)];
    check("command line, TRANSACTION", &places, &[OCTETS, MESSAGES]);
    let places = [
        Serving::new(open, Answers::Accept),
        Serving::new(open.max_before_login(258), Answers::Accept),
        Serving::new(open, Answers::Accept).hears(login),
    ];
    check("command line", &places, &[LONG]);
}
