//! Sessions over a link in memory: its schedule does not change them, its faults are errors, and its clock is the one
//! that their time limits use.

use std::time::{Duration, Instant};

use pop3_blocking::pop3_proto::serve::{MailStore, MemoryMaildrop};
use pop3_blocking::pop3_proto::testing::personality::QuirkyService;
use pop3_blocking::testing::link::{self, Direction, Fault, LinkStream, Schedule, ScriptedServer, Side};
use pop3_blocking::{
    Connect, Connection, Error, ErrorKind, Method, QuitError, Security, ServerConfig, Session, Timeouts,
};

type Stream = LinkStream<QuirkyService<MemoryMaildrop>>;

const HOUR: Duration = Duration::from_secs(3600);

fn store() -> MailStore {
    let store = MailStore::new();
    store.add_user("mrose", "tanstaaf");
    for n in 1..=20 {
        store.deliver("mrose", format!("Subject: {n}\r\n\r\n{}", ".body\r\n".repeat(n * 20)));
    }
    store
}

fn connect() -> Connect {
    let connect = Connect::new().security(Security::Plaintext).allow_plaintext(true).methods([Method::UserPass]);
    connect.user("mrose").password("tanstaaf")
}

fn stream(store: &MailStore, schedule: &Schedule) -> Stream {
    link::serve(store.maildrop(), ServerConfig::new().plaintext_login(true), schedule.clone())
}

type Way = fn(Stream, Connect) -> Result<Connection<Stream>, Error>;

type Play = fn(LinkStream<ScriptedServer>, Connect) -> Result<Connection<LinkStream<ScriptedServer>>, Error>;

const WAYS: [Way; 2] = [Connection::over, Connection::over_link];

/// Downloads and deletes all messages, and returns the octets.
fn fetch(session: &mut Session<Stream>) -> Result<Vec<u8>, Error> {
    let mut octets = Vec::new();
    let mut messages = session.retrieve_all()?;
    while let Some(message) = messages.next()? {
        octets.extend(message.into_message()?.as_bytes());
    }
    for deleted in session.delete_many(1..=20) {
        deleted?;
    }
    Ok(octets)
}

#[test]
fn the_schedule_does_not_change_a_session() {
    let minute = Duration::from_secs(60);
    let schedules = [
        Schedule::new(),
        Schedule::new().both(Direction::new().cuts([1]).writes([1]).capacity(1)),
        Schedule::new().both(Direction::new().cuts([0, 7, 300]).writes([0, 2]).capacity(48)),
        Schedule::new().both(Direction::new().until_flush(true)),
        Schedule::new().both(Direction::new().latency(minute / 4).stall_after(100, minute / 4)),
    ];
    let mut ideal = None;
    for (schedule, over) in schedules.iter().flat_map(|schedule| WAYS.map(|over| (schedule, over))) {
        let store = store();
        let mut session =
            over(stream(&store, schedule), connect().timeouts(Timeouts::new().each(HOUR))).unwrap().login().unwrap();
        let octets = fetch(&mut session).unwrap_or_else(|error| panic!("{error}: {schedule:?}"));
        assert!(*ideal.get_or_insert_with(|| octets.clone()) == octets, "{schedule:?}");
        session.quit().unwrap();
        assert!(store.messages("mrose").is_empty());
    }
    assert_eq!(ideal.unwrap().len(), (1..=20).map(|n| 12 + usize::from(n > 9) + 2 + n * 20 * 7).sum());
}

/// Whatever the octet after which the connection ends: the client says so, and the maildrop has changed only if QUIT
/// has reached the server.
#[test]
fn a_fault_after_any_octet_is_an_error() {
    let mut session = Connection::over(stream(&store(), &Schedule::new()), connect()).unwrap().login().unwrap();
    session.delete(1).unwrap();
    let link = session.get_ref().line().link();
    let before_quit = [Side::Server, Side::Client].map(|side| link.carried_to(side));
    let most = [before_quit[0] + 6, before_quit[1] + 9];
    let each = |at| Fault::ALL.into_iter().flat_map(move |fault| WAYS.map(|over| (at, fault, over)));
    for (at, fault, over) in (0..most[0]).flat_map(each) {
        let schedule = Schedule::new().to_server(Direction::new().fault_after(at, fault));
        assert_eq!(broken(over, &schedule, fault), 20, "{schedule:?}");
    }
    for (at, fault, over) in (0..most[1]).flat_map(each) {
        let schedule = Schedule::new().to_client(Direction::new().fault_after(at, fault));
        assert_eq!(broken(over, &schedule, fault), if at > before_quit[1] { 19 } else { 20 }, "{schedule:?}");
    }
}

/// Deletes a message over a link with this fault, and returns how many messages are left.
fn broken(over: Way, schedule: &Schedule, fault: Fault) -> usize {
    let store = store();
    let session = || {
        let connection = over(stream(&store, schedule), connect())?;
        let mut session = connection.login().map_err(|failed| failed.error)?;
        session.delete(1)?;
        match session.quit() {
            Err(QuitError::Unknown(error) | QuitError::NotSent(error)) => Err::<(), Error>(error),
            other => panic!("the connection ended before the answer to QUIT: {other:?}"),
        }
    };
    let kind = session().unwrap_err().kind();
    assert_eq!(kind, if fault == Fault::Hangs { ErrorKind::TimedOut } else { ErrorKind::Disconnected }, "{schedule:?}");
    store.messages("mrose").len()
}

/// Returns a session whose server is silent for so long once it has sent the answer to the login.
fn stalled(over: Way, time: Duration) -> Session<Stream> {
    let login = {
        let session = over(stream(&store(), &Schedule::new()), connect()).unwrap().login().unwrap();
        session.get_ref().line().link().carried_to(Side::Client)
    };
    let schedule = Schedule::new().to_client(Direction::new().stall_after(login, time));
    over(stream(&store(), &schedule), connect()).unwrap().login().unwrap()
}

#[test]
fn time_limits_pass_on_the_clock_of_the_link() {
    let begin = Instant::now();
    for over in WAYS {
        let mut session = stalled(over, HOUR);
        let error = session.stat().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert_eq!(error.to_string(), "STAT failed: the server sent no answer to STAT for 60 s");
        assert_eq!(session.get_ref().line().link().now(), Duration::from_secs(60));
    }
    assert!(begin.elapsed() < Duration::from_secs(60), "no time limit was waited for");
}

/// Over the link, limits are exact, and over any stream they are noticed within a second.
#[test]
fn limits_may_be_shorter_than_a_second() {
    let limit = Duration::from_millis(300);
    for (over, passed) in WAYS.into_iter().zip([Duration::from_secs(1), limit]) {
        let mut session = stalled(over, HOUR);
        session.set_timeouts(Timeouts::new().each(limit));
        assert_eq!(session.stat().unwrap_err().kind(), ErrorKind::TimedOut);
        assert_eq!(session.get_ref().line().link().now(), passed);
    }
}

#[test]
fn a_server_that_is_late_is_waited_for() {
    for over in WAYS {
        for timeouts in [Timeouts::new(), Timeouts::UNLIMITED] {
            let mut session = stalled(over, Duration::from_secs(59));
            session.set_timeouts(timeouts);
            assert_eq!(session.stat().unwrap().messages, 20);
            assert_eq!(session.get_ref().line().link().now(), Duration::from_secs(59));
        }
    }
}

/// Without limits a client would wait forever for a server that is gone: a test must not.
#[test]
fn waiting_forever_is_an_error() {
    for over in WAYS {
        let schedule = Schedule::new().to_client(Direction::new().fault_after(5, Fault::Hangs));
        let error = over(stream(&store(), &schedule), connect().timeouts(Timeouts::UNLIMITED)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut, "{error:?}");
    }
}

/// Octets that arrive while nothing is awaited are the answer to no command, but only the way that is like TCP notices
/// them before the next command is sent.
#[test]
fn an_idle_session_is_looked_at() {
    // The first read returns the greeting only.
    let schedule = Schedule::new().to_client(Direction::new().cuts([11]));
    for (over, is_sent) in [(Connection::over as Play, true), (Connection::over_link, false)] {
        let script = "S: +OK ready\nS: -ERR I am leaving\nC: CAPA\n";
        let (stream, verdict) = link::script(script, schedule.clone());
        let error = over(stream, connect()).unwrap().capabilities().unwrap_err();
        assert_eq!(verdict.check().is_ok(), is_sent, "{error}");
    }
}
