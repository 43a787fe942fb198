//! Delays pass on the clock of the link only.

use std::time::Duration;

use pop3_proto::testing::link::{Direction, Halt, Side};

use super::{drain, to_client};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn octets_after_a_stall_are_late() {
    let mut link = to_client(Direction::new().stall_after(6, 5 * SECOND).stall_after(3, 2 * SECOND));
    link.advance(SECOND);
    assert_eq!(link.write(Side::Server, b"abcdefghi"), Ok(9));
    assert_eq!(link.next_arrival(Side::Client), Some(SECOND));
    assert_eq!(drain(&mut link, Side::Client), (b"abc".to_vec(), Err(Halt::Stalled { until: 3 * SECOND })));
    link.advance_to(Duration::new(2, 999_999_999));
    assert_eq!(drain(&mut link, Side::Client), (Vec::new(), Err(Halt::Stalled { until: 3 * SECOND })));
    link.advance(Duration::from_nanos(1));
    assert_eq!(drain(&mut link, Side::Client), (b"def".to_vec(), Err(Halt::Stalled { until: 8 * SECOND })));
    link.advance(5 * SECOND);
    assert_eq!(drain(&mut link, Side::Client), (b"ghi".to_vec(), Err(Halt::Blocked)));
    assert_eq!(link.write(Side::Server, b"j"), Ok(1));
    assert_eq!(drain(&mut link, Side::Client), (b"j".to_vec(), Err(Halt::Blocked)), "the stalls are over");
}

/// A stall delays the end of the stream, too, and octets that are written during it do not overtake.
#[test]
fn nothing_overtakes_a_stall() {
    let mut link = to_client(Direction::new().stall_after(1, 4 * SECOND).end_after(3));
    link.write(Side::Server, b"ab").unwrap();
    link.advance(SECOND);
    link.write(Side::Server, b"c").unwrap();
    assert_eq!(drain(&mut link, Side::Client), (b"a".to_vec(), Err(Halt::Stalled { until: 4 * SECOND })));
    link.advance(3 * SECOND);
    assert_eq!(drain(&mut link, Side::Client), (b"bc".to_vec(), Ok(0)));

    let mut link = to_client(Direction::new().stall_after(3, 4 * SECOND).end_after(3));
    link.write(Side::Server, b"abc").unwrap();
    assert_eq!(drain(&mut link, Side::Client), (b"abc".to_vec(), Err(Halt::Stalled { until: 4 * SECOND })));
    link.advance(4 * SECOND);
    assert_eq!(drain(&mut link, Side::Client), (Vec::new(), Ok(0)));
}

#[test]
fn each_octet_takes_the_latency() {
    let mut link = to_client(Direction::new().latency(2 * SECOND));
    link.write(Side::Server, b"ab").unwrap();
    link.advance(SECOND);
    link.write(Side::Server, b"cd").unwrap();
    assert_eq!(link.next_arrival(Side::Client), Some(2 * SECOND));
    link.advance(SECOND);
    assert_eq!(drain(&mut link, Side::Client), (b"ab".to_vec(), Err(Halt::Stalled { until: 3 * SECOND })));
    link.advance(SECOND);
    assert_eq!(drain(&mut link, Side::Client), (b"cd".to_vec(), Err(Halt::Blocked)));
    assert_eq!((link.next_arrival(Side::Client), link.next_arrival(Side::Server)), (None, None));
}
