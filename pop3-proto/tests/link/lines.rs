//! A line lets its server work as long as it can, and reports what a client waits for.

use std::time::Duration;

use pop3_proto::ServerConfig;
use pop3_proto::serve::MailStore;
use pop3_proto::testing::link::{Direction, Halt, Line, Responder, Schedule};

const SESSION: &[u8] = b"USER mrose\r\nPASS tanstaaf\r\nSTAT\r\nRETR 1\r\nDELE 2\r\nQUIT\r\n";

fn store() -> MailStore {
    let store = MailStore::new();
    store.add_user("mrose", "tanstaaf");
    store.deliver("mrose", b"x\r\n".repeat(5000));
    store.deliver("mrose", "Subject: second\r\n\r\n");
    store
}

/// Plays a session, and returns what the server said until the stream ended or the client would wait forever.
fn played(store: &MailStore, schedule: Schedule) -> (Vec<u8>, Line<impl Responder>) {
    let config = ServerConfig::new().plaintext_login(true);
    let mut line = Line::serving(store.maildrop(), config, schedule);
    let (mut left, mut heard, mut space) = (SESSION, Vec::new(), [0; 700]);
    for _ in 0..100_000 {
        if let Ok(len) = line.write(left) {
            left = &left[len..];
        }
        if left.is_empty() {
            line.flush().unwrap();
        }
        match line.read(&mut space) {
            Ok(0) => return (heard, line),
            Ok(len) => heard.extend(&space[..len]),
            Err(Halt::Stalled { until }) => line.advance_to(until),
            Err(Halt::Interrupted) => {}
            Err(_) => return (heard, line),
        }
    }
    panic!("there is no end to it")
}

#[test]
fn the_schedule_does_not_change_the_session() {
    let (ideal, _) = played(&store(), Schedule::new());
    assert!(ideal.ends_with(b"+OK bye\r\n"));
    let minute = Duration::from_secs(60);
    for direction in [
        Direction::new().cuts([1]).writes([1]).capacity(1),
        Direction::new().cuts([0, 2]).writes([3, 0]),
        Direction::new().until_flush(true).capacity(48),
        Direction::new().latency(minute),
        Direction::new().stall_after(7, minute).stall_after(40, minute),
    ] {
        let store = store();
        let schedule = Schedule::new().both(direction);
        let (heard, line) = played(&store, schedule.clone());
        assert!(heard == ideal, "{schedule:?}: {}", heard.escape_ascii());
        assert_eq!(store.messages("mrose").len(), 1, "{schedule:?}");
        assert_eq!(line.link().carried_to(pop3_proto::testing::link::Side::Client), ideal.len() as u64);
    }
}

/// A full link sends what it keeps back, and the server makes room at once: nobody has to wait.
#[test]
fn a_server_that_reads_makes_room() {
    let to_server = Direction::new().until_flush(true).capacity(4);
    let mut line = Line::serving(store().maildrop(), ServerConfig::new(), Schedule::new().to_server(to_server));
    for octets in SESSION.chunks(4) {
        assert_eq!(line.write(octets), Ok(octets.len()));
    }
}

/// Whatever is said after a fault, the maildrop changed only if the server has received the whole QUIT.
#[test]
fn a_fault_anywhere_leaves_the_maildrop_whole() {
    for at in 0..=SESSION.len() {
        let store = store();
        let (heard, _) = played(&store, Schedule::new().to_server(Direction::new().end_after(at as u64)));
        let left = if at == SESSION.len() { 1 } else { 2 };
        assert_eq!(store.messages("mrose").len(), left, "{at}: {}", heard.escape_ascii());
    }
}

#[test]
fn a_client_waits_for_what_is_on_its_way_to_the_server() {
    let second = Duration::from_secs(1);
    let to_server = Direction::new().stall_after(0, second);
    let config = ServerConfig::new();
    let mut line = Line::serving(store().maildrop(), config, Schedule::new().to_server(to_server));
    let mut space = [0; 200];
    assert!(line.read(&mut space).is_ok());
    assert_eq!(line.read(&mut space), Err(Halt::Blocked));
    line.write(b"CAPA\r\n").unwrap();
    assert_eq!(line.read(&mut space), Err(Halt::Stalled { until: second }));
    line.advance(second);
    assert!(line.read(&mut space).is_ok());
}

/// A server with a clock: it gives up after ten minutes.
struct Idle {
    said: &'static [u8],
    is_over: bool,
    lost: bool,
}

impl Responder for Idle {
    fn spare(&mut self) -> &mut [u8] {
        &mut []
    }

    fn filled(&mut self, _: usize) {}

    fn pending(&self) -> &[u8] {
        self.said
    }

    fn written(&mut self, len: usize) {
        self.said = &self.said[len..];
    }

    fn is_over(&self) -> bool {
        self.is_over
    }

    fn closed(&mut self) {
        self.lost = true;
    }

    fn tick(&mut self, now: Duration) {
        if now >= Duration::from_secs(600) && !self.is_over {
            (self.said, self.is_over) = (b"-ERR idle\r\n", true);
        }
    }

    fn alarm(&self) -> Option<Duration> {
        Some(Duration::from_secs(600))
    }
}

#[test]
fn a_server_may_act_by_itself() {
    let mut line = Line::new(Idle { said: b"", is_over: false, lost: false }, Schedule::new());
    let mut space = [0; 64];
    let until = Duration::from_secs(600);
    assert_eq!(line.read(&mut space), Err(Halt::Stalled { until }));
    line.advance(until);
    assert_eq!(line.read(&mut space), Ok(11));
    assert_eq!(line.read(&mut space), Ok(0));
    assert!(!line.responder().lost, "it closed the connection itself");
}

#[test]
fn a_server_learns_that_the_connection_is_over() {
    // It has something to say, and cannot.
    let idle = Idle { said: b"+OK\r\n", is_over: false, lost: false };
    let mut line = Line::new(idle, Schedule::new().to_client(Direction::new().reset_after(2)));
    let mut space = [0; 64];
    assert_eq!(line.read(&mut space), Ok(2));
    assert_eq!(line.read(&mut space), Err(Halt::Reset));
    assert!(line.responder().lost);
}
