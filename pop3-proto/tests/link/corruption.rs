//! Corruptions change exactly the octets that they name, and a record shows the octets at each end.

use pop3_proto::testing::link::{Corruption, Direction, Fault, Halt, Link, Schedule, Side};

use super::{drain, to_client};

const SAID: &[u8] = b"+OK ready\r\n";

/// Writes all octets on the server's end.
fn write(link: &mut Link, octets: &[u8]) -> Result<(), Halt> {
    let mut left = octets;
    while !left.is_empty() {
        match link.write(Side::Server, left) {
            Ok(len) => left = &left[len..],
            Err(Halt::Interrupted) => {}
            Err(halt) => return Err(halt),
        }
    }
    Ok(())
}

/// Returns what arrives, by a model of its own.
fn corrupted(at: usize, corruption: &Corruption) -> Vec<u8> {
    let (before, after) = SAID.split_at(at);
    if let Corruption::Inserts(octets) = corruption {
        return [before, octets, after].concat();
    }
    let Some((&octet, rest)) = after.split_first() else { return SAID.to_vec() };
    let instead = match corruption {
        Corruption::Flips(bits) => vec![octet ^ bits],
        Corruption::Loses => Vec::new(),
        Corruption::Doubles => vec![octet; 2],
        other => panic!("{other:?}"),
    };
    [before, &instead, rest].concat()
}

#[test]
fn a_corruption_changes_exactly_the_chosen_octet() {
    let corruptions =
        [Corruption::Flips(0x81), Corruption::Loses, Corruption::Doubles, Corruption::Inserts(b"-ERR\r\n".to_vec())];
    for at in 0..=SAID.len() {
        for corruption in &corruptions {
            for direction in [Direction::new(), Direction::new().writes([1, 0, 3]).cuts([2])] {
                let mut link = to_client(direction.corrupt_after(at as u64, corruption.clone()));
                write(&mut link, SAID).unwrap();
                let (heard, _) = drain(&mut link, Side::Client);
                let expected = corrupted(at, corruption);
                assert_eq!(
                    heard.escape_ascii().to_string(),
                    expected.escape_ascii().to_string(),
                    "{at} {corruption:?}"
                );
                assert_eq!(link.carried_to(Side::Client), expected.len() as u64);
            }
        }
    }
}

/// Nobody needs to write for them.
#[test]
fn inserted_octets_arrive_at_once() {
    let inserts = |octets: &[u8]| Corruption::Inserts(octets.to_vec());
    let direction = Direction::new().corrupt_after(5, inserts(b"cd")).corrupt_after(0, inserts(b"ab"));
    let mut link = to_client(direction.corrupt_after(5, inserts(b"ef")));
    assert_eq!(drain(&mut link, Side::Client).0, b"ab");
    assert_eq!(link.write(Side::Server, b"xyz"), Ok(3));
    assert_eq!(drain(&mut link, Side::Client).0, b"xyzcdef", "in the order in which they were added");
    let direction = Direction::new().until_flush(true).corrupt_after(0, inserts(b"ab"));
    assert_eq!(drain(&mut to_client(direction), Side::Client).0, b"");
}

/// The octets before the fault are those that arrive.
#[test]
fn a_fault_and_a_corruption_count_the_same_octets() {
    let direction = Direction::new().corrupt_after(1, Corruption::Loses).corrupt_after(2, Corruption::Doubles);
    let mut link = to_client(direction.fault_after(5, Fault::Closes));
    assert_eq!(write(&mut link, b"abcdefgh"), Err(Halt::Closed));
    assert_eq!(drain(&mut link, Side::Client), (b"acdde".to_vec(), Ok(0)));
}

#[test]
fn a_flush_is_interrupted_and_then_done() {
    let direction = Direction::new().until_flush(true).interrupted_flushes([true, false, true, true]);
    let mut link = to_client(direction);
    let mut passed = Vec::new();
    for _ in 0..5 {
        assert_eq!(link.write(Side::Server, b"a"), Ok(1));
        let result = link.flush(Side::Server);
        let (heard, _) = drain(&mut link, Side::Client);
        assert_eq!(heard.is_empty(), result == Err(Halt::Interrupted));
        passed.push(result.is_ok());
    }
    assert_eq!(passed, [false, true, false, true, false], "never twice in a row");
}

#[test]
fn a_record_shows_what_an_end_wrote_and_read() {
    let to_client = Direction::new().cuts([3]).corrupt_after(0, Corruption::Flips(6)).fault_after(8, Fault::Swallows);
    let mut link = Link::new(Schedule::new().to_client(to_client));
    assert_eq!(link.write(Side::Client, b"before"), Ok(6));
    let (client, server) = (link.record(Side::Client), link.record(Side::Server));
    write(&mut link, SAID).unwrap();
    assert_eq!(link.read(Side::Client, &mut [0; 64]), Ok(3));
    assert_eq!(link.write(Side::Client, b"QUIT\r\n"), Ok(6));
    assert_eq!(drain(&mut link, Side::Server).0, b"before");
    drop(link);
    assert_eq!((client.written(), client.read()), (b"QUIT\r\n".to_vec(), b"-OK".to_vec()));
    assert_eq!((server.written(), server.read()), (SAID.to_vec(), b"before".to_vec()), "what was lost is there, too");
}
