//! Opens many sessions at once and measures the memory of an idle one: `scale [--tls] [SESSIONS]`, 10,000 by default.
//!
//! Each session is a task. It connects to the embedded server (this program as a child process, so that the memory of
//! the two sides can be measured separately), logs in, waits until all sessions have logged in, retrieves three
//! messages and compares them, waits again, and quits. At each wait the program reads the resident memory of both
//! processes, on Linux, and the octets that were allocated and not freed, which the allocator counts. If a session
//! fails, the program fails.
//!
//! With `--tls`, the sessions are inside TLS, and the program also measures connections that are nothing but rustls
//! (`tls.rs`).
//!
//! Both sides need a descriptor for each session: `cargo run --release --example scale` raises the soft limit.

mod memory;
mod tls;

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use pop3_async::pop3_proto::drive::{Conversation, Io, Step};
use pop3_async::pop3_proto::login::Login;
use pop3_async::pop3_proto::serve::{Denial, LoginAttempt, Maildrop, StoreError};
use pop3_async::pop3_proto::{Client, ServerConfig, Service, transmitted_octets};
use pop3_async::{Config, Connect, Connection, Credentials, Policy, Security, Session, Timeouts};
use tokio::io::{AsyncReadExt, Interest};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};

use memory::{allocated, resident};

/// The sessions for each port of the server. One address has enough client ports for them, even with those of an
/// earlier run still in TIME-WAIT.
const SESSIONS_OF_A_PORT: usize = 5_000;
/// The sessions that connect at a time: fewer than a listener's backlog.
const CONNECTING: usize = 256;
/// The descriptors for everything but the sessions.
const SPARE: usize = 50;
/// The octets that an idle session may use in these crates and in this program.
const LIMIT: usize = 4 * 1024;

const USAGE: &str = "usage: scale [--tls] [SESSIONS]";
const POLICY: Policy = Policy::new().security(Security::Plaintext).allow_plaintext(true);

/// The messages in every maildrop. They are shared, so a session allocates nothing for them.
static MESSAGES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let message = |n: usize| format!("Subject: {n}\r\n\r\n{}", format!(".a line of message {n}\r\n").repeat(n * 100));
    (1..=3).map(message).collect()
});

/// Returns the octets of all messages.
fn messages_octets() -> usize {
    MESSAGES.iter().map(String::len).sum()
}

struct Made;

impl Made {
    fn message(number: u32) -> &'static [u8] {
        MESSAGES[number as usize - 1].as_bytes()
    }
}

impl Maildrop for Made {
    fn login(&mut self, credentials: LoginAttempt<'_>) -> Result<(), Denial> {
        if credentials.prove(b"tanstaaf") { Ok(()) } else { Err(Denial::Credentials) }
    }

    fn count(&self) -> u32 {
        3
    }

    fn octets(&self, number: u32) -> u64 {
        transmitted_octets(Made::message(number))
    }

    fn unique_id(&self, number: u32) -> &str {
        ["one", "two", "three"][number as usize - 1]
    }

    fn read(&mut self, number: u32, at: u64, buffer: &mut [u8]) -> Result<usize, StoreError> {
        let left = usize::try_from(at).ok().and_then(|at| Made::message(number).get(at..)).unwrap_or_default();
        let octets = left.len().min(buffer.len());
        buffer[..octets].copy_from_slice(&left[..octets]);
        Ok(octets)
    }

    fn remove(&mut self, _: &mut dyn Iterator<Item = u32>) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Any error.
type Failure = Box<dyn Error + Send + Sync>;

/// The last step that the sessions may take.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Phase {
    Connect,
    LogIn,
    Fetch,
    Quit,
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => run(10_000),
        ["--server", ports] => serve(ports.parse()?),
        ["--tls"] => tls::run(10_000),
        ["--tls", sessions] => tls::run(sessions.parse().map_err(|_| USAGE)?),
        ["--tls-server", kind, ports] => tls::serve(tls::Kind::named(kind).ok_or(USAGE)?, ports.parse()?),
        [sessions] => run(sessions.parse().map_err(|_| USAGE)?),
        _ => Err(USAGE.into()),
    }
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
}

/// Serves on `ports` ports, and prints them, until the standard input ends.
fn serve(ports: usize) -> Result<(), Failure> {
    rlimit::increase_nofile_limit(u64::MAX)?;
    let runtime = runtime()?;
    let listeners: Vec<_> = (0..ports).map(|_| runtime.block_on(TcpListener::bind("127.0.0.1:0"))).collect();
    for listener in listeners {
        let listener = listener?;
        println!("{}", listener.local_addr()?.port());
        runtime.spawn(async move {
            let config = ServerConfig::new().plaintext_login(true);
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => drop(tokio::spawn(pop3_async::serve(stream, Made, config))),
                    // The client reports that it was not served.
                    Err(error) => eprintln!("the server: {error}"),
                }
            }
        });
    }
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}

/// Starts the server. Returns the child and its ports.
fn server(ports: usize) -> Result<(Child, Vec<u16>), Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--server", &ports.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let lines = BufReader::new(child.stdout.take().ok_or("no pipe")?).lines().take(ports);
    let ports = lines.map(|line| Ok(line?.parse()?)).collect::<Result<_, Failure>>()?;
    Ok((child, ports))
}

/// Runs one session. After each phase it sends the number of octets in its buffers.
async fn session(
    port: u16,
    connecting: &Semaphore,
    mut phase: watch::Receiver<Phase>,
    done: &mpsc::UnboundedSender<Result<usize, Failure>>,
) -> Result<(), Failure> {
    let permit = connecting.acquire().await?;
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    // When the greeting can be read, the server has accepted the connection.
    stream.ready(Interest::READABLE).await?;
    drop(permit);
    done.send(Ok(0))?;

    phase.wait_for(|&phase| phase >= Phase::LogIn).await?;
    let to = Connect::new().policy(POLICY).timeouts(Timeouts::new().each(Duration::from_secs(120)));
    let login = Connection::over(stream, to).await?.login_as(Credentials::new("mrose", "tanstaaf")).await;
    let mut session = login.map_err(|failed| failed.error)?;
    done.send(Ok(session.buffered()))?;

    phase.wait_for(|&phase| phase >= Phase::Fetch).await?;
    fetch(&mut session).await?;
    done.send(Ok(session.buffered()))?;

    phase.wait_for(|&phase| phase >= Phase::Quit).await?;
    session.quit().await?;
    done.send(Ok(0))?;
    Ok(())
}

async fn fetch(session: &mut Session<TcpStream>) -> Result<(), Failure> {
    let mut messages = session.retrieve_all().await?;
    let mut fetched = 0;
    while let Some(mut message) = messages.next().await? {
        let mut octets = Vec::new();
        message.read_to_end(&mut octets).await?;
        if octets != Made::message(message.number()) {
            return Err(format!("message {} is not what it should be", message.number()).into());
        }
        fetched += 1;
    }
    if fetched == MESSAGES.len() { Ok(()) } else { Err(format!("{fetched} messages").into()) }
}

/// The memory of the processes while all sessions wait, in octets.
#[derive(Clone, Copy)]
struct Held {
    resident: Option<usize>,
    allocated: usize,
    server: Option<usize>,
    /// The octets in the buffers of all sessions, as they report them.
    buffers: usize,
}

impl Held {
    fn now(server: &Child, buffers: usize) -> Held {
        Held { resident: resident("self"), allocated: allocated(), server: resident(&server.id().to_string()), buffers }
    }
}

/// Returns the octets that a conversation has on the heap after a login, without its buffers: the server's greeting and
/// capabilities.
fn learnt() -> Result<usize, Failure> {
    let before = allocated();
    let config = ServerConfig::new().plaintext_login(true);
    let mut service = Service::new(Made, config, None);
    let mut conversation = Conversation::new(Config::default());
    let mut transfer = |conversation: &mut Conversation| {
        let asked = conversation.pending().len();
        service.spare()[..asked].copy_from_slice(conversation.pending());
        conversation.written(asked);
        service.filled(asked);
        let answered = service.pending().len();
        conversation.spare()[..answered].copy_from_slice(service.pending());
        conversation.filled(answered);
        service.written(answered);
    };
    while conversation.greet()? != Step::Done(()) {
        transfer(&mut conversation);
    }
    let mut login = Login::new(Credentials::new("mrose", "tanstaaf"), POLICY);
    while let Step::NeedIo(io) = login.step(&mut conversation)? {
        match io {
            Io::Look => conversation.looked(),
            Io::Transfer => transfer(&mut conversation),
        }
    }
    drop(login);
    drop(service);
    Ok(allocated().saturating_sub(before))
}

fn run(asked: usize) -> Result<(), Failure> {
    let begun = Instant::now();
    let limit = usize::try_from(rlimit::increase_nofile_limit(u64::MAX)?)?;
    let sessions = asked.min(limit.saturating_sub(SPARE));
    if sessions == 0 {
        return Err(format!("no sessions: {asked} asked for, and a limit of {limit} descriptors").into());
    }
    // The expected messages are not counted for any session.
    LazyLock::force(&MESSAGES);
    let learnt = learnt()?;
    let (mut child, ports) = server(sessions.div_ceil(SESSIONS_OF_A_PORT))?;
    let runtime = runtime()?;
    let (phases, phase) = watch::channel(Phase::Connect);
    let (done, mut reports) = mpsc::unbounded_channel();
    let connecting = Arc::new(Semaphore::new(CONNECTING));

    println!("{sessions} sessions; octets per session above the start; after each step all are idle at once");
    println!(
        "{:<10} {:>8} {:>16} {:>16} {:>16} {:>8}",
        "step", "seconds", "client resident", "client allocated", "server resident", "buffers"
    );
    let start = Held::now(&child, 0);
    let per_session = |now: usize, then: usize| now.saturating_sub(then) / sessions;
    let mut rest = |step: &str| -> Result<Held, Failure> {
        let since = Instant::now();
        let buffers = runtime.block_on(async {
            let mut buffers = 0;
            for _ in 0..sessions {
                buffers += reports.recv().await.ok_or("no sessions are left")??;
            }
            Ok::<_, Failure>(buffers)
        })?;
        let seconds = since.elapsed().as_secs_f32();
        let held = Held::now(&child, buffers);
        let [resident, server] = [(held.resident, start.resident), (held.server, start.server)].map(|(now, then)| {
            now.zip(then).map_or("unknown".into(), |(now, then)| per_session(now, then).to_string())
        });
        let allocated = per_session(held.allocated, start.allocated);
        println!("{step:<10} {seconds:>8.2} {resident:>16} {allocated:>16} {server:>16} {:>8}", buffers / sessions);
        Ok(held)
    };

    let mut task = 0;
    for n in 0..sessions {
        let (port, connecting) = (ports[n % ports.len()], Arc::clone(&connecting));
        let (phase, done) = (phase.clone(), done.clone());
        let future = async move {
            if let Err(error) = session(port, &connecting, phase, &done).await {
                // If the receiver is gone, another session failed earlier.
                let _ = done.send(Err(error));
            }
        };
        task = size_of_val(&future);
        runtime.spawn(future);
    }
    let connected = rest("connected")?;
    phases.send(Phase::LogIn)?;
    let logged_in = rest("logged in")?;
    phases.send(Phase::Fetch)?;
    let fetched = rest("fetched")?;
    phases.send(Phase::Quit)?;
    rest("quit")?;
    drop(child.stdin.take());
    if !child.wait()?.success() {
        return Err("the server failed".into());
    }

    let conversation = size_of::<Conversation>();
    let allocated = per_session(logged_in.allocated, connected.allocated);
    let buffers = logged_in.buffers / sessions;
    let adapter = allocated.saturating_sub(conversation + learnt + buffers);
    println!("\nof ours in an idle session after the login, octets:");
    println!("{conversation:>6} core: the conversation (the client in it: {})", size_of::<Client>());
    println!("{learnt:>6} core: greeting and capabilities of the server, on the heap");
    println!("{adapter:>6} adapter: handle of the stream, time-out, window");
    println!("{buffers:>6} buffers");
    println!("{task:>6} future of the task: the largest of its states, and the program's own");
    println!("of tokio's: {} for a task and a socket", per_session(connected.allocated, start.allocated) - task);
    println!("all of ours, at most {LIMIT}:");
    let mut within = true;
    for (step, held) in [("logged in", logged_in), ("fetched", fetched)] {
        let allocated = per_session(held.allocated, connected.allocated) + task;
        within &= allocated <= LIMIT;
        println!("{allocated:>6} {step}: allocated");
        match held.resident.zip(connected.resident) {
            Some((now, then)) => {
                let resident = per_session(now, then) + task;
                // With few sessions, the fixed memory of the process dominates.
                within &= resident <= LIMIT || sessions < 10_000;
                println!("{resident:>6} {step}: resident, with what the allocator keeps of what was freed");
            }
            None => println!("       {step}: resident memory is known on Linux only"),
        }
    }
    println!("{:.1} s in all", begun.elapsed().as_secs_f32());
    if sessions < asked {
        return Err(format!("{sessions} sessions and not {asked}: the limit is {limit} descriptors").into());
    }
    if within { Ok(()) } else { Err("an idle session takes too much".into()) }
}
