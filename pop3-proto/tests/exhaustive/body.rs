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
    check("message, CRLF", &[&no_limit[..], &[limit(3), limit(3).copies()]].concat(), &[LINES, WORDS]);
    check("message, CRLF", &[&no_limit[..], &[limit(68)]].concat(), &[FAR_LINES]);
}

#[test]
fn every_cut_of_a_message_in_lf() {
    let limit = |octets| place(Config::new().max_body(octets), "\n", "+OK\n");
    check("message, LF", &[limit(u64::MAX), limit(3), limit(u64::MAX).copies()], &[LINES, WORDS]);
    check("message, LF", &[limit(u64::MAX), limit(68)], &[FAR_LINES]);
}

/// The octets of a message are copied in blocks of 32 after a line that began with a dot, and in blocks of 64 after a
/// block of 32 with two such lines, if there are about 50 more octets. This puts each short string at each place of such
/// blocks.
#[test]
fn every_short_string_at_each_place_of_a_block() {
    let places = [place(Config::new(), "\r\n", "+OK\r\n"), place(Config::new(), "\n", "+OK\n")];
    let mut strings = vec![Vec::new()];
    for from in 0..(1 + 4 + 16 + 64) {
        strings.extend(LINES.symbols.iter().map(|symbol| [&strings[from], *symbol].concat()).collect::<Vec<_>>());
    }
    let mut count = 0;
    for string in strings {
        for (first, block) in [(b"\r\n..".as_slice(), 32), (b"\r\n..\r\n..", 64)] {
            for before in 0..block {
                let text = [first, &[b'x'; 64][..before], &string, &[b'x'; 150]].concat();
                for place in &places {
                    place.clone().copies_at_once(&text);
                    count += 1;
                }
            }
        }
    }
    assert_eq!(count, (1 + 4 + 16 + 64 + 256) * (32 + 64) * 2);
}
