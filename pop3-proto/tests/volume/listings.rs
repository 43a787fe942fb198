//! Endless listings: rows C02 and C04.

use pop3_proto::drive::{Call, Capa, Exchange, ListAll, RawListing, UidlAll};
use pop3_proto::{Cause, Command, Config, Error, Event, Malformed, ProtocolError, Violation};

use crate::memory::{Usage, used};
use crate::stream::{BUFFERS, Stream, feed, inside, violation, waiting};

/// Feeds a listing that never ends, collected by `exchange`.
fn endless_listing<E: Exchange>(config: Config, exchange: E, row: &[u8]) -> (Error, usize) {
    let mut conversation = inside(config);
    let mut stream = Stream::endless(b"+OK\r\n", row);
    let mut call = Call::new(exchange);
    let (result, usage) = used(|| {
        feed(&mut conversation, usize::MAX, |space| stream.fill(space), |conversation| conversation.step(&mut call))
    });
    let Err(error) = result else { panic!("a listing without end has ended") };
    (error, usage.peak)
}

#[test]
fn c02_an_endless_listing_has_a_limit() {
    const ROWS: u32 = 10_000;
    let config = Config::new().max_rows(ROWS);
    let listings = [
        endless_listing(config, ListAll::default(), b"1 100\r\n"),
        endless_listing(config, UidlAll::default(), b"1 abcdefgh\r\n"),
        endless_listing(config, Capa::default(), b"XANYTHING\r\n"),
        endless_listing(config, RawListing::new("XTND"), b"x\r\n"),
    ];
    for (error, peak) in listings {
        assert_eq!(violation(&error), Some(Violation::TooManyRows { limit: ROWS }), "{error}");
        // A vector doubles, and for a moment both allocations exist.
        assert!(peak < BUFFERS + 4 * ROWS as usize * 32, "{peak} octets");
    }
    // Few and long rows reach another cap: 64 MiB in all.
    let row = [&vec![b'x'; 8000][..], b"\r\n"].concat();
    let (error, peak) = endless_listing(Config::default(), Capa::default(), &row);
    assert!(matches!(error.cause(), Cause::Malformed(Malformed::ListingTooLong)), "{error}");
    assert!((64 << 20..66 << 20).contains(&peak), "{peak} octets");
}

#[test]
fn c04_ten_million_unique_ids_come_one_by_one() {
    let rows = b"4294967295 abcdefghijklmnop\r\n".repeat(10_000);
    let feed = |config: Config| -> (u32, Option<ProtocolError>, Usage) {
        let mut client = waiting(config, Some(Command::Uidl(None)));
        client.receive(&mut &b"+OK\r\n"[..]).unwrap();
        let (mut heard, mut failure) = (0, None);
        let ((), usage) = used(|| {
            for _ in 0..1000 {
                let mut input = rows.as_slice();
                loop {
                    match client.receive(&mut input) {
                        Ok(Some(Event::Row { .. })) => heard += 1,
                        Ok(None) => break,
                        Ok(Some(event)) => panic!("{event:?}"),
                        Err(error) => {
                            failure = Some(error);
                            return;
                        }
                    }
                }
            }
        });
        (heard, failure, usage)
    };
    let (heard, failure, usage) = feed(Config::new().max_rows(u32::MAX));
    assert_eq!((heard, failure, usage), (10_000_000, None, Usage::default()), "the core holds nothing");
    let (heard, failure, usage) = feed(Config::default());
    assert_eq!((heard, usage), (1_000_000, Usage::default()));
    assert_eq!(failure.unwrap().violation(), Violation::TooManyRows { limit: 1_000_000 });
}
