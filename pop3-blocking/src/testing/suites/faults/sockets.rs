//! Sessions over loopback that close, reset or hang after some octet, and leave nothing open in the process.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::testing::faults::fault::{Context, Fault, Kind, Way};
use crate::testing::faults::loose::{judge, terminated, whole};
use crate::testing::faults::maildrop::{PASSWORD, Scene, USER};
use crate::testing::faults::results::{Quit, Results, Why};
use crate::testing::faults::wire::{Record, Wire};
use crate::{Connect, Security, Timeouts};

/// Long enough for a loaded machine; only a failing test waits for it.
const TIMEOUT: Duration = Duration::from_secs(600);
/// For a server that says nothing.
const MOMENT: Duration = Duration::from_millis(100);

/// Connects with an adapter, and notes the results of the session.
pub type Run = fn(Connect, &mut Results);

/// Lets a socket be reset when it is closed, which std cannot.
pub type Reset = fn(&TcpStream) -> std::io::Result<()>;

/// Carries octets between a client and the wire, until one of them is gone.
fn serve(mut stream: TcpStream, mut wire: Wire, kind: Option<Kind>, reset: Reset) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    let mut space = vec![0; 64 * 1024];
    loop {
        match wire.down(&mut space) {
            Ok(Some(0)) if kind == Some(Kind::Swallows) => {
                stream.shutdown(Shutdown::Write)?;
                while stream.read(&mut space)? > 0 {}
                return Ok(());
            }
            Ok(Some(0)) => return Ok(()),
            Ok(Some(octets)) => stream.write_all(&space[..octets])?,
            Ok(None) => {
                let octets = stream.read(&mut space)?;
                let mut left = &space[..octets];
                if left.is_empty() {
                    return Ok(());
                }
                while !left.is_empty() {
                    match wire.up(left) {
                        Ok(octets) => left = &left[octets..],
                        // The next read tells how it ends.
                        Err(_) => break,
                    }
                }
            }
            Err(_) => {
                return reset(&stream);
            }
        }
    }
}

/// Runs a session over loopback. Returns its results, the octets that came through, and the messages that UPDATE
/// removed.
fn play(
    run: Run,
    reset: Reset,
    scene: &Scene,
    fault: Option<Fault>,
    timeout: Duration,
) -> (Results, Record, Option<Vec<u32>>) {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (wire, observer) = Wire::new(scene, fault, usize::MAX);
    // The result of the server is ignored: its client may be gone first.
    let kind = fault.map(|fault| fault.kind);
    let server = thread::spawn(move || drop(serve(listener.accept().unwrap().0, wire, kind, reset)));
    let how = Connect::new().host("127.0.0.1").port(port).user(USER).password(PASSWORD);
    let how = how.security(Security::Plaintext).allow_plaintext(true).timeouts(Timeouts::new().each(timeout));
    let mut results = Results::default();
    let begun = Instant::now();
    run(how, &mut results);
    assert!(begun.elapsed() < TIMEOUT, "it keeps its deadlines");
    server.join().unwrap();
    let (record, removed) = observer.record();
    (results, record, removed)
}

/// A socket tells of its end sooner or later, and a reset may overtake what came before.
fn check(scene: &Scene, fault: Fault, ideal: &Results, record: &Record, results: &Results, removed: Option<&[u32]>) {
    judge(scene, ideal, results, removed, |why| match fault.kind {
        Kind::Hangs => *why == Why::Transport(ErrorKind::TimedOut),
        Kind::Swallows => matches!(why, Why::Closed | Why::ClosedWhileIdle),
        // It can come before we know that we are connected.
        _ => matches!(why, Why::Closed | Why::ClosedWhileIdle | Why::Unreachable(ErrorKind::ConnectionReset)),
    });
    // A server that sends all that it has and then hangs up loses nothing.
    if fault.kind == Kind::Swallows && fault.way == Way::ToClient {
        assert_eq!(whole(results), terminated(&record.heard));
    }
}

/// Returns the numbers of descriptors and threads of this process.
fn open_now() -> [usize; 2] {
    ["/proc/self/fd", "/proc/self/task"].map(|folder| std::fs::read_dir(folder).unwrap().count())
}

/// Counts them when they have been the same for a second: the threads that were joined are gone from the kernel's list
/// as well, which is a moment later.
fn settled() -> [usize; 2] {
    let mut last = open_now();
    let mut same = 0;
    while same < 100 {
        thread::sleep(Duration::from_millis(10));
        let now = open_now();
        same = if now == last { same + 1 } else { 0 };
        last = now;
    }
    last
}

/// Waits until no more are left than there were before. Only a leak lasts long.
fn expect_no_more_than(before: [usize; 2]) {
    let begun = Instant::now();
    loop {
        let now = open_now();
        if now.iter().zip(before).all(|(now, before)| *now <= before) {
            return;
        }
        assert!(begun.elapsed() < TIMEOUT, "descriptors and threads: {now:?}, and before {before:?}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// This is one test, because it counts the descriptors and threads of the process.
pub fn no_descriptor_and_no_thread_is_left(run: Run, reset: Reset) {
    let (small, large) = (Scene::new(100), Scene::new(300_000));
    let (ideal, record, _) = play(run, reset, &small, None, TIMEOUT);
    assert_eq!(ideal.quit, Some(Quit::Committed));
    let (large_ideal, large_record, _) = play(run, reset, &large, None, TIMEOUT);
    let before = settled();
    let mut runs = 0;
    let mut put = |scene: &Scene, ideal: &Results, way, at, kind, timeout| {
        let fault = Fault { way, at, kind };
        let _context = Context { fault, piece: usize::MAX };
        let (results, record, removed) = play(run, reset, scene, Some(fault), timeout);
        check(scene, fault, ideal, &record, &results, removed.as_deref());
        runs += 1;
    };

    for (nth, kind) in [Kind::Closes, Kind::Swallows, Kind::Resets].into_iter().enumerate() {
        // Each octet has one of the kinds, those around the ends of lines have all.
        let ends_near =
            |at: usize| record.heard[at.saturating_sub(4)..(at + 2).min(record.heard.len())].contains(&b'\n');
        for at in (0..=record.heard.len()).filter(|at| at % 3 == nth || ends_near(*at)) {
            put(&small, &ideal, Way::ToClient, at, kind, TIMEOUT);
        }
        for at in (0..record.said.len()).filter(|at| at % 3 == nth) {
            put(&small, &ideal, Way::ToServer, at, kind, TIMEOUT);
        }
        // Behind full buffers, here and there and around the end of the message.
        let end = large_record.heard.windows(8).position(|run| run == b"\r\n.\r\n+OK").unwrap();
        let places = (0..large_record.heard.len()).step_by(7919).chain(end - 3..end + 9);
        for at in places {
            put(&large, &large_ideal, Way::ToClient, at, kind, TIMEOUT);
        }
    }
    let find = |run: &[u8]| record.heard.windows(run.len()).position(|octets| octets == run).unwrap();
    let silences =
        [0, 3, find(b"PIPELINING"), find(b"maildrop is open"), find(b"listing"), find(b"TWFu"), find(b"marked")];
    for at in silences.into_iter().chain([record.heard.len() - 1]) {
        put(&small, &ideal, Way::ToClient, at, Kind::Hangs, MOMENT);
    }
    println!("{runs} sessions");
    expect_no_more_than(before);
}
