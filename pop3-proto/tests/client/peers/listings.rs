//! CAPA, STAT, LIST and UIDL: an odd line affects at most itself.

use pop3_proto::wire::{DropListing, KnownCapability, ScanListing};
use pop3_proto::{Command, Event, Malformed, Violation};

use super::{Reader, Seen, answer, feed, logged_in, no, ok, row, send, values};

const LIST: Command<'static> = Command::List(None);
const UIDL: Command<'static> = Command::Uidl(None);

type Listed = Result<(u32, u64), Malformed>;
type Named = Result<(u32, Vec<u8>), Malformed>;

fn listed(listing: Result<ScanListing, Malformed>) -> Listed {
    listing.map(|listing| (listing.number, listing.octets))
}

fn list(wire: &[u8]) -> Vec<Listed> {
    values(LIST, wire, |event| match event {
        Event::Row { row, .. } if !row.is_blank() => Some(listed(row.scan_listing())),
        _ => None,
    })
}

fn uidl(wire: &[u8]) -> Vec<Named> {
    values(UIDL, wire, |event| match event {
        Event::Row { row, .. } => Some(row.unique_id().map(|(number, id)| (number, id.as_bytes().to_vec()))),
        _ => None,
    })
}

fn stat(wire: &[u8]) -> Result<DropListing, Malformed> {
    let replies = values(Command::Stat, wire, |event| match event {
        Event::Ok { reply, .. } => Some(reply.stat()),
        _ => None,
    });
    replies[0]
}

#[test]
fn odd_capabilities_are_kept_and_spoil_nothing() {
    let wire = b"+OK list follows\r\nRESP_CODES\r\nEXPIRE 30 USER\r\nSASL X-ODD PLAIN\r\n\r\nx-thing [\xFF\r\nexpire soon\r\n.\r\n";
    let capabilities = values(Command::Capa, wire, |event| match event {
        Event::Row { row, .. } => {
            let capability = row.capability();
            let params: Vec<Vec<u8>> = capability.params().map(<[u8]>::to_vec).collect();
            Some((capability.tag().to_vec(), params, format!("{:?}", capability.known())))
        }
        _ => None,
    });
    let tags: Vec<&[u8]> = capabilities.iter().map(|(tag, ..)| tag.as_slice()).collect();
    assert_eq!(tags, [b"RESP_CODES".as_slice(), b"EXPIRE", b"SASL", b"", b"x-thing", b"expire"]);
    let expire = Some(KnownCapability::Expire { days: Some(30), per_user: true });
    assert_eq!(capabilities[1].2, format!("{expire:?}"));
    assert_eq!(capabilities[2].1, [b"X-ODD".as_slice(), b"PLAIN"]);
    assert!([0, 3, 4, 5].iter().all(|&i| capabilities[i].2 == "None"), "{capabilities:?}");
}

#[test]
fn any_list_of_capabilities_can_be_read() {
    assert_eq!(answer(Command::Capa, b"+OK\r\n.\r\n"), [ok(""), Seen::End]);
    assert_eq!(answer(Command::Capa, b"+OK\r\nTOP\r\n.\r\n"), [ok(""), row(b"TOP"), Seen::End]);
    let two = [ok(""), row(b"TOP"), row(b"UIDL"), Seen::End];
    assert_eq!(answer(Command::Capa, b"+OK\r\nTOP\r\nUIDL\r\n.\r\n"), two);
}

#[test]
fn refused_capa_forbids_no_command() {
    assert_eq!(answer(Command::Capa, b"-ERR what?\r\n"), [no(None, "what?")]);
    let mut reader = Reader::new(logged_in());
    send(&mut reader.client, Command::Capa);
    reader.read(b"-ERR what?\r\n").unwrap();
    send(&mut reader.client, UIDL);
    send(&mut reader.client, Command::Top { number: 1, lines: 0 });
}

#[test]
fn blanks_between_number_and_unique_id_do_not_count() {
    assert_eq!(uidl(b"+OK\r\n1   abc\r\n2 def\r\n.\r\n"), [Ok((1, b"abc".to_vec())), Ok((2, b"def".to_vec()))]);
}

#[test]
fn unique_id_of_128_octets_is_kept_and_known_as_too_long() {
    let id = [b'x'; 128];
    let wire = [b"+OK\r\n1 ", id.as_slice(), b"\r\n.\r\n"].concat();
    assert_eq!(uidl(&wire), [Ok((1, id.to_vec()))]);
    let conforming = values(UIDL, &wire, |event| match event {
        Event::Row { row, .. } => Some(row.unique_id().unwrap().1.is_conforming()),
        _ => None,
    });
    assert_eq!(conforming, [false]);
}

#[test]
fn indicator_in_front_of_a_unique_id_is_skipped() {
    assert_eq!(uidl(b"+OK\r\n+OK 1 aaa\r\n2 bbb\r\n.\r\n"), [Ok((1, b"aaa".to_vec())), Ok((2, b"bbb".to_vec()))]);
}

#[test]
fn unique_id_without_a_number_fails_alone() {
    let ids = uidl(b"+OK\r\nx aaa\r\n99999999999 bbb\r\n2 ccc\r\n.\r\n");
    assert_eq!(ids, [Err(Malformed::UniqueId), Err(Malformed::UniqueId), Ok((2, b"ccc".to_vec()))]);
}

#[test]
fn text_behind_the_numbers_is_ignored() {
    assert_eq!(list(b"+OK\r\n1 120 octets, more or less\r\n2  200\t<-\r\n.\r\n"), [Ok((1, 120)), Ok((2, 200))]);
    let maildrop = DropListing { messages: 2, octets: 320 };
    assert_eq!(stat(b"+OK 2 320 octets in the maildrop\r\n"), Ok(maildrop));
    assert_eq!(stat(b"+OK  2   320\r\n"), Ok(maildrop));
    let one = values(Command::List(Some(2)), b"+OK 2 200 octets\r\n", |event| match event {
        Event::Ok { reply, .. } => Some(listed(reply.scan_listing(2))),
        _ => None,
    });
    assert_eq!(one, [Ok((2, 200))]);
}

#[test]
fn blank_line_in_a_listing_is_a_row_to_skip() {
    assert_eq!(list(b"+OK\r\n\r\n1 120\r\n  \r\n2 200\r\n.\r\n"), [Ok((1, 120)), Ok((2, 200))]);
}

#[test]
fn missing_size_fails_that_line_alone() {
    assert_eq!(list(b"+OK\r\n1\r\n2 200\r\n.\r\n"), [Err(Malformed::ScanListing), Ok((2, 200))]);
    assert_eq!(stat(b"+OK 2\r\n"), Err(Malformed::DropListing));
    assert_eq!(stat(b"+OK\r\n"), Err(Malformed::DropListing));
    assert_eq!(stat(b"+OK two 320\r\n"), Err(Malformed::DropListing));
}

#[test]
fn sizes_over_4_gib_are_exact() {
    assert_eq!(
        list(b"+OK\r\n1 4294967400\r\n2 18446744073709551615\r\n.\r\n"),
        [Ok((1, 4_294_967_400)), Ok((2, u64::MAX))]
    );
    assert_eq!(stat(b"+OK 1 4294967400\r\n"), Ok(DropListing { messages: 1, octets: 4_294_967_400 }));
    assert_eq!(
        list(b"+OK\r\n1 18446744073709551616\r\n.\r\n"),
        [Err(Malformed::ScanListing)],
        "an overflow is no number"
    );
}

#[test]
fn message_number_of_the_server_is_not_checked() {
    // Two clients use it as the size of an array.
    assert_eq!(list(b"+OK\r\n4294967295 1\r\n0 1\r\n.\r\n"), [Ok((u32::MAX, 1)), Err(Malformed::ScanListing)]);
}

#[test]
fn listing_goes_on_behind_a_line_that_begins_with_a_dot() {
    assert_eq!(answer(UIDL, b"+OK\r\n.1 a\r\n2 b\r\n.\r\n"), [ok(""), row(b"1 a"), row(b"2 b"), Seen::End]);
    assert_eq!(answer(LIST, b"+OK\r\n. \r\n1 2\r\n.\r\n"), [ok(""), row(b" "), row(b"1 2"), Seen::End]);
}

#[test]
fn line_of_5000_octets_is_one_row() {
    let line = [b"1 ", [b'x'; 4998].as_slice()].concat();
    let wire = [b"+OK\r\n", line.as_slice(), b"\r\n.\r\n"].concat();
    assert_eq!(answer(UIDL, &wire), [ok(""), row(&line), Seen::End]);
}

#[test]
fn end_of_stream_in_a_listing_is_never_a_success() {
    let mut client = logged_in();
    send(&mut client, LIST);
    let (mut reader, result) = feed(&client, b"+OK\r\n1 120\r\n");
    assert_eq!(result, Ok(()));
    assert_eq!(reader.seen, [ok(""), row(b"1 120")]);
    assert_eq!(reader.client.receive_eof(b"").unwrap_err().violation(), Violation::Closed);
}
