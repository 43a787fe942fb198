//! Sessions over a link in memory: its schedule does not change them, its faults are errors, and its clock is tokio's.

use std::time::Duration;

use pop3_async::pop3_proto::serve::{MailStore, MemoryMaildrop};
use pop3_async::pop3_proto::testing::personality::QuirkyService;
use pop3_async::testing::link::{self, Direction, Fault, LinkStream, Schedule, Side};
use pop3_async::{Connect, Connection, Error, ErrorKind, Method, QuitError, Security, ServerConfig, Session, Timeouts};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::time::{Instant, timeout};

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

async fn session(store: &MailStore, schedule: &Schedule, connect: Connect) -> Session<Stream> {
    Connection::over(stream(store, schedule), connect).await.unwrap().login().await.unwrap()
}

/// Downloads and deletes all messages, and returns the octets.
async fn fetch(session: &mut Session<Stream>) -> Result<Vec<u8>, Error> {
    let mut octets = Vec::new();
    let mut messages = session.retrieve_all().await?;
    while let Some(message) = messages.next().await? {
        octets.extend(message.into_message().await?.as_bytes());
    }
    let mut deletions = session.delete_many(1..=20);
    while let Some(deleted) = deletions.next().await {
        deleted?;
    }
    Ok(octets)
}

#[tokio::test(start_paused = true)]
async fn the_schedule_does_not_change_a_session() {
    let minute = Duration::from_secs(60);
    let schedules = [
        Schedule::new(),
        Schedule::new().both(Direction::new().cuts([1]).writes([1]).capacity(1)),
        Schedule::new().both(Direction::new().cuts([0, 7, 300]).writes([0, 2]).capacity(48)),
        Schedule::new().both(Direction::new().until_flush(true)),
        Schedule::new().both(Direction::new().latency(minute / 4).stall_after(100, minute / 4)),
    ];
    let mut ideal = None;
    for schedule in schedules {
        let store = store();
        let mut session = session(&store, &schedule, connect().timeouts(Timeouts::new().each(HOUR))).await;
        let octets = fetch(&mut session).await.unwrap_or_else(|error| panic!("{error}: {schedule:?}"));
        assert!(*ideal.get_or_insert_with(|| octets.clone()) == octets, "{schedule:?}");
        session.quit().await.unwrap();
        assert!(store.messages("mrose").is_empty());
    }
    assert_eq!(ideal.unwrap().len(), (1..=20).map(|n| 12 + usize::from(n > 9) + 2 + n * 20 * 7).sum());
}

/// Whatever the octet after which the connection ends: the client says so, and the maildrop has changed only if QUIT
/// has reached the server.
#[tokio::test(start_paused = true)]
async fn a_fault_after_any_octet_is_an_error() {
    let mut session = session(&store(), &Schedule::new(), connect()).await;
    session.delete(1).await.unwrap();
    let link = session.get_ref().line().link();
    let before_quit = [Side::Server, Side::Client].map(|side| link.carried_to(side));
    let most = [before_quit[0] + 6, before_quit[1] + 9];
    let each = |at| Fault::ALL.map(|fault| (at, fault));
    for (at, fault) in (0..most[0]).flat_map(each) {
        let schedule = Schedule::new().to_server(Direction::new().fault_after(at, fault));
        assert_eq!(broken(&schedule, fault).await, 20, "{schedule:?}");
    }
    for (at, fault) in (0..most[1]).flat_map(each) {
        let schedule = Schedule::new().to_client(Direction::new().fault_after(at, fault));
        assert_eq!(broken(&schedule, fault).await, if at > before_quit[1] { 19 } else { 20 }, "{schedule:?}");
    }
}

/// Deletes a message over a link with this fault, and returns how many messages are left.
async fn broken(schedule: &Schedule, fault: Fault) -> usize {
    let store = store();
    let session = async || {
        let connection = Connection::over(stream(&store, schedule), connect()).await?;
        let mut session = connection.login().await.map_err(|failed| failed.error)?;
        session.delete(1).await?;
        match session.quit().await {
            Err(QuitError::Unknown(error) | QuitError::NotSent(error)) => Err::<(), Error>(error),
            other => panic!("the connection ended before the answer to QUIT: {other:?}"),
        }
    };
    let kind = session().await.unwrap_err().kind();
    assert_eq!(kind, if fault == Fault::Hangs { ErrorKind::TimedOut } else { ErrorKind::Disconnected }, "{schedule:?}");
    store.messages("mrose").len()
}

/// Returns a session whose server is silent for so long once it has sent the answer to the login.
async fn stalled(time: Duration) -> Session<Stream> {
    let login = session(&store(), &Schedule::new(), connect()).await;
    let login = login.get_ref().line().link().carried_to(Side::Client);
    let schedule = Schedule::new().to_client(Direction::new().stall_after(login, time));
    session(&store(), &schedule, connect()).await
}

#[tokio::test(start_paused = true)]
async fn time_limits_pass_on_tokios_clock() {
    for (limit, is_late) in [(60, true), (3601, false)] {
        let begin = Instant::now();
        let mut session = stalled(HOUR).await;
        session.set_timeouts(Timeouts::new().each(Duration::from_secs(limit)));
        let stat = session.stat().await;
        assert_eq!(stat.as_ref().is_err_and(|error| error.kind() == ErrorKind::TimedOut), is_late, "{stat:?}");
        assert_eq!(begin.elapsed().as_secs(), limit.min(3600));
        assert_eq!(session.get_ref().line().link().now(), begin.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_that_nothing_satisfies_is_pending() {
    let mut stream = stream(&store(), &Schedule::new());
    let mut space = [0; 200];
    assert!(stream.read(&mut space).await.unwrap() > 0);
    timeout(HOUR, stream.read(&mut space)).await.unwrap_err();
}

/// The halves of a stream may be in different tasks: each wakes the other.
#[tokio::test(start_paused = true)]
async fn a_write_wakes_a_reader() {
    let schedule = Schedule::new().both(Direction::new().cuts([1, 0]).writes([1]).capacity(2));
    let (reading, mut writing) = tokio::io::split(stream(&store(), &schedule));
    let mut lines = BufReader::new(reading).lines();
    assert!(lines.next_line().await.unwrap().unwrap().starts_with("+OK POP3 server ready"));
    let local = tokio::task::LocalSet::new();
    local
        .run_until(async move {
            let reader = tokio::task::spawn_local(async move {
                let mut heard = Vec::new();
                while let Some(line) = lines.next_line().await.unwrap() {
                    heard.push(line);
                }
                heard
            });
            tokio::time::sleep(HOUR).await;
            writing.write_all(b"NOOP\r\nQUIT\r\n").await.unwrap();
            let heard = timeout(HOUR, reader).await.expect("the reader was not woken").unwrap();
            assert!(heard[0].starts_with("-ERR") && heard[1].starts_with("+OK"), "{heard:?}");
        })
        .await;
}

/// As every stream does: TLS ends with octets that nobody flushes otherwise.
#[tokio::test]
async fn a_shutdown_sends_what_was_not_flushed() {
    let to_server = Direction::new().until_flush(true).interrupted_flushes([true, false]);
    let (mut stream, verdict) = link::script("C: QUIT\n", Schedule::new().to_server(to_server));
    stream.write_all(b"QUIT\r\n").await.unwrap();
    stream.shutdown().await.unwrap();
    verdict.done();
}
