//! A whole session makes no allocation, with a client of a few hundred octets.
//!
//! The crate forbids unsafe code. This test needs it: only a global allocator sees every allocation, and implementing
//! one is an unsafe promise. The test keeps the promise by passing every call on to the system's allocator.

use core::cell::Cell;
use std::alloc::{GlobalAlloc, Layout, System};

use pop3_proto::wire::{Payload, Response};
use pop3_proto::{Client, Command, Config, Event, State};

struct Counting;

thread_local! {
    // The counter is for this thread only: the test harness allocates in its own.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: all calls go to `System` as they came. The counter neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller keeps the promises of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: `ptr` came from `System` with this layout.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Plays both sides in turns. Each answer is also cut after every `step` octets.
fn session(client: &mut Client, out: &mut [u8], step: usize) -> [usize; 4] {
    const ONE: u32 = 1;
    let auth = Command::Auth { mechanism: "X", initial_response: None };
    let turns: [(&[Command<'_>], &[u8]); 7] = [
        (&[], b"+OK ready <1896.697170952@dbc.mtview.ca.us>\r\n"),
        (&[Command::User("mrose"), Command::Pass("wrong")], b"+OK\r\n-ERR [AUTH] no\r\n"),
        (&[auth], b"+ PDE+\r\n"),
        (&[], b"+OK in\r\n"),
        (&[Command::Stat, Command::List(None), Command::Uidl(Some(ONE))], b"+OK 1 9\r\n+OK\r\n1 9\r\n.\r\n+OK 1 a\r\n"),
        (&[Command::Retr(ONE), Command::Dele(ONE)], b"+OK\r\nA: b\r\n\r\n..\r\n.\r\n-ERR\r\n"),
        (&[Command::Quit], b"+OK bye\r\n"),
    ];
    let [mut accepted, mut refused, mut rows, mut octets] = [0; 4];
    for (commands, says) in turns {
        let mut room = &mut *out;
        for command in commands {
            client.send(*command, &mut room).unwrap();
        }
        let mut from = 0;
        for to in (0..says.len()).step_by(step).chain([says.len()]) {
            let mut input = &says[from..to];
            while let Some(event) = client.receive(&mut input).unwrap() {
                match event {
                    Event::Ok { .. } => accepted += 1,
                    Event::Refused { .. } => refused += 1,
                    Event::Row { row, .. } => rows += usize::from(row.scan_listing().is_ok()),
                    Event::Body { bytes, .. } => octets += bytes.len(),
                    Event::Challenge { .. } => {
                        let proof = Response::Data(Payload::Octets(b"proof"));
                        client.respond(proof, &mut &mut room[..]).unwrap();
                    }
                    _ => {}
                }
            }
            from = to - input.len();
        }
    }
    client.receive_eof(b"").unwrap();
    [accepted, refused, rows, octets]
}

#[test]
fn a_session_allocates_nothing() {
    for step in [1, 1000] {
        let mut out = [0; 512];
        let before = ALLOCATIONS.get();
        let mut client = Client::new(Config::default());
        let heard = session(&mut client, &mut out, step);
        // Failing costs no allocation either.
        let mut failed = Client::new(Config::default());
        let error = failed.receive(&mut &b"ready\r\n"[..]);
        let allocations = ALLOCATIONS.get() - before;
        assert_eq!(allocations, 0);
        assert!(error.is_err());
        assert_eq!((heard, client.state()), ([7, 2, 1, 11], State::Update));
    }
    let before = ALLOCATIONS.get();
    drop(vec![0_u8; 1]);
    assert_eq!(ALLOCATIONS.get() - before, 1, "the counter counts");
}

#[test]
fn a_client_is_small() {
    assert!(size_of::<Client>() <= 512, "{} octets", size_of::<Client>());
}
