//! C05 to C10: numbers and names that a server makes up.

use pop3_proto::drive::{
    Acknowledge, Batch, Call, Exchange, ListAll, ListOne, Retrieval, Selection, Stat, UidlAll, UidlOne,
};
use pop3_proto::wire::UniqueId;
use pop3_proto::{Cause, Command, Config, Malformed};

use crate::memory::{Usage, used};
use crate::play::{CLEAR, Cut, Play, Script};
use crate::stream::{ONE, Stream, drain, feed, inside, waiting};

/// Returns a reader of these octets, and then of the end of the stream.
fn says(octets: &[u8]) -> impl FnMut(&mut [u8]) -> usize + '_ {
    let mut stream = Stream { first: octets, pattern: b"", last: b"", total: octets.len(), given: 0 };
    move |space| stream.fill(space)
}

/// Returns the result of `exchange` for this answer, and checks that the session continues, for the end of the answer
/// was known.
fn answered<E: Exchange>(exchange: E, says: &[u8]) -> Result<E::Value, Option<Malformed>> {
    // None of these commands has a secret to hide.
    let line = &exchange.command().to_string();
    let login: Script<'_> =
        &[("", b"+OK\r\n"), ("CAPA", b"-ERR\r\n"), ("USER mrose", b"+OK\r\n"), ("PASS tanstaaf", b"+OK\r\n")];
    let script = [login, &[(line, says), ("NOOP", b"+OK\r\n")]].concat();
    let mut play = Play::of(&script, Config::default(), Cut::Whole);
    play.login(CLEAR).unwrap();
    let value = play.call(exchange).map_err(|error| match error.cause() {
        Cause::Malformed(malformed) => Some(*malformed),
        _ => None,
    });
    play.call(Acknowledge(Command::Noop)).unwrap();
    play.sent_only(&["CAPA", "USER mrose", "PASS tanstaaf", line, "NOOP"]);
    value
}

#[test]
fn c05_a_drop_listing_is_two_numbers() {
    let malformed = [
        "+OK 18446744073709551616 1",
        "+OK 4294967296 1",
        "+OK 1 18446744073709551616",
        "+OK 1 99999999999999999999999999999999999999999999999999",
        "+OK -1 5",
        "+OK 1 -5",
        "+OK +1 5",
        "+OK 1e3 5",
        "+OK 0x10 5",
        "+OK 1.0 5",
        "+OK 1,000 5",
        "+OK 1",
        "+OK 1 ",
        "+OK",
        "+OK ",
        "+OK many few",
        "+OK \u{661} 5",
        "+OK 1\0 5",
        "+OK %n%n %s",
    ];
    for says in malformed {
        let value = answered(Stat, format!("{says}\r\n").as_bytes());
        assert_eq!(value.unwrap_err(), Some(Malformed::DropListing), "{says}");
    }
    // The numbers are certain despite spaces, zeros and text after them.
    for says in ["+OK 1 5", "+OK  1 5", "+OK 1\t  5", "+OK 001 05 messages", "+ok 1 5 -7"] {
        let value = answered(Stat, format!("{says}\r\n").as_bytes()).unwrap();
        assert_eq!((value.messages, value.octets), (1, 5), "{says}");
    }
    assert!(matches!(answered(Stat, b"-ERR 1 5\r\n"), Err(None)));
}

/// Returns the memory it takes to hear one STAT, LIST and RETR of these numbers.
fn usage_of(stat: &str, list: &str, retr: &str) -> Usage {
    let mut conversation = inside(Config::default());
    let ((), usage) = used(|| {
        let mut call = Call::new(Stat);
        feed(&mut conversation, 64, says(stat.as_bytes()), |conversation| conversation.step(&mut call)).unwrap();
        let mut call = Call::new(ListAll::default());
        let listings =
            feed(&mut conversation, 64, says(list.as_bytes()), |conversation| conversation.step(&mut call)).unwrap();
        let mut batch = Batch::retrieve(Selection::from_iter(listings), 1000);
        while let Some(mut item) =
            feed(&mut conversation, 64, says(b""), |conversation| Ok(batch.next(conversation))).unwrap()
        {
            feed(&mut conversation, 64, says(retr.as_bytes()), drain(&mut item.call)).unwrap();
        }
    });
    usage
}

#[test]
fn c06_an_announced_count_reserves_no_memory() {
    let listing = "+OK\r\n1 10\r\n.\r\n";
    let message = "+OK\r\n12345678\r\n.\r\n";
    let honest = usage_of("+OK 1 10\r\n", listing, message);
    assert_eq!(usage_of("+OK 4000000000 10\r\n", listing, message), honest);
    assert_eq!(usage_of("+OK 4294967295 18446744073709551615\r\n", listing, message), honest);
    assert_eq!(answered(Stat, b"+OK 4000000000 1\r\n").unwrap().messages, 4_000_000_000);
}

#[test]
fn c07_malformed_scan_listings_are_rejected() {
    let rows = |rows: &str| answered(ListAll::default(), format!("+OK\r\n{rows}.\r\n").as_bytes());
    let malformed = [
        "0 100",
        "1 99999999999999999999",
        "99999999999999999999 1",
        "4294967296 1",
        "-1 100",
        "1 -100",
        "1",
        "x 1",
        "1 x",
        "1\0 1",
        "18446744073709551615 1",
    ];
    for row in malformed {
        for all in [format!("{row}\r\n"), format!("1 5\r\n{row}\r\n2 5\r\n")] {
            assert_eq!(rows(&all).unwrap_err(), Some(Malformed::ScanListing), "{row}");
        }
    }
    // Odd but valid rows are passed on as they came: in any order, twice, beyond every count.
    let listings = rows("7 100\r\n3 1\r\n7 100\r\n4294967295 18446744073709551615\r\n1 0\r\n").unwrap();
    let numbers: Vec<u32> = listings.iter().map(|listing| listing.number).collect();
    assert_eq!(numbers, [7, 3, 7, u32::MAX, 1]);
    // None of the numbers is used as an index: a batch requests each, and the server decides.
    let retr = |number: &str| format!("RETR {number}");
    let lines = ["7", "3", "7", "4294967295", "1"].map(retr);
    let login: Script<'_> =
        &[("", b"+OK\r\n"), ("CAPA", b"-ERR\r\n"), ("USER mrose", b"+OK\r\n"), ("PASS tanstaaf", b"+OK\r\n")];
    let script: Vec<(&str, &[u8])> =
        login.iter().copied().chain(lines.iter().map(|line| (line.as_str(), &b"-ERR\r\n"[..]))).collect();
    let mut play = Play::of(&script, Config::default(), Cut::Whole);
    play.login(CLEAR).unwrap();
    let mut batch = Batch::retrieve(Selection::from_iter(listings), 1000);
    while let Some(item) = play.next(&mut batch) {
        let error = play.retrieve(item.call, &mut Vec::new()).unwrap_err();
        assert!(error.refused().is_some() && error.is_recoverable(), "{error}");
    }
    assert!(play.sent().ends_with("RETR 7\\r\\nRETR 3\\r\\nRETR 7\\r\\nRETR 4294967295\\r\\nRETR 1\\r\\n"));
}

#[test]
fn c08_an_answer_about_another_message_is_rejected() {
    let three = 3;
    for says in ["+OK 5 100", "+OK 4294967295 100", "+OK 30 100", "+OK 1 3"] {
        let says = format!("{says}\r\n").into_bytes();
        assert_eq!(answered(ListOne(three), &says).unwrap_err(), Some(Malformed::OtherMessage));
        assert_eq!(answered(UidlOne(three), &says).unwrap_err(), Some(Malformed::OtherMessage));
    }
    assert_eq!(answered(ListOne(three), b"+OK 0 100\r\n").unwrap_err(), Some(Malformed::ScanListing));
    assert_eq!(answered(ListOne(three), b"+OK 3 100\r\n").unwrap().octets, 100);
    assert_eq!(answered(ListOne(three), b"+OK 003 100\r\n").unwrap().octets, 100);
}

#[test]
fn c09_the_announced_size_of_a_message_is_not_trusted() {
    let stat = "+OK 1 10\r\n";
    let message = |says: &str, len: usize| format!("+OK {says}\r\n{}\r\n.\r\n", "x".repeat(len - 2));
    let honest = usage_of(stat, "+OK\r\n1 10\r\n.\r\n", &message("10 octets", 10));
    for size in ["999999999999", "18446744073709551615", "0", "1", "-1"] {
        assert_eq!(usage_of(stat, "+OK\r\n1 10\r\n.\r\n", &message(&format!("{size} octets"), 10)), honest, "{size}");
    }
    for size in ["999999999999", "18446744073709551615", "1"] {
        assert_eq!(usage_of(stat, &format!("+OK\r\n1 {size}\r\n.\r\n"), &message("10 octets", 10)), honest, "{size}");
    }
    // The terminator alone ends the message: a megaoctet where one octet was announced.
    for announced in ["1 octets", "999999999999 octets", "0"] {
        for len in [10, 1_000_000] {
            let text = message(announced, len);
            let mut conversation = inside(Config::default());
            let mut retrieval = Retrieval::retr(ONE);
            let octets = feed(&mut conversation, usize::MAX, says(text.as_bytes()), drain(&mut retrieval)).unwrap();
            assert_eq!(octets, len as u64);
        }
    }
}

#[test]
fn c10_unique_ids_are_octets_and_not_trusted() {
    let long = "a".repeat(1000);
    let ids: [(&[u8], bool); 14] = [
        (b"../../etc/passwd", true),
        (b"/", true),
        (b"..", true),
        (b"CON", true),
        (b"|sh", true),
        (&long.as_bytes()[..70], true),
        (&long.as_bytes()[..71], false),
        (long.as_bytes(), false),
        (b"", false),
        (b"a b", false),
        (b"a\0b", false),
        (b"\xE4", false),
        (b"\x1b[2J", false),
        (b"a\x7f", false),
    ];
    for (id, conforming) in ids {
        let says = [b"+OK\r\n1 ", id, b"\r\n.\r\n"].concat();
        let all = answered(UidlAll::default(), &says).unwrap();
        assert_eq!((all.len(), all[0].0, all[0].1.as_bytes()), (1, ONE, id));
        assert_eq!(UniqueId::new(all[0].1.as_bytes()).is_conforming(), conforming, "{}", id.escape_ascii());
        let one = answered(UidlOne(ONE), &[b"+OK 1 ", id, b"\r\n"].concat()).unwrap();
        assert_eq!(one.as_bytes(), id);
    }
    // An id has room up to the limit of its line, and no further.
    for (len, fits) in [(8192 - 4, true), (8192 - 3, false)] {
        let mut client = waiting(Config::default(), Some(Command::Uidl(None)));
        client.receive(&mut &b"+OK\r\n"[..]).unwrap();
        let row = [b"1 ".as_slice(), &vec![b'a'; len], b"\r\n"].concat();
        assert_eq!(client.receive(&mut row.as_slice()).is_ok(), fits);
    }
}
