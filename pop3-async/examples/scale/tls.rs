//! Idle sessions inside TLS, beside connections that are nothing but rustls: both ends of both.
//!
//! The bare connections do what the sessions do, without POP3: the same runtime, certificate and settings, a handshake,
//! a few lines, and as many octets as the messages have. Then they are idle. The difference is the memory of these
//! crates, and of this program.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use pop3_async::pop3_proto::ServerConfig;
use pop3_async::pop3_proto::tls::rustls;
use pop3_async::{Connect, Connection, Credentials, Policy, Session, Timeouts, Tls, client_config};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::client::Resumption;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConnection, ServerConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::memory::{allocated, resident};
use crate::{Failure, Made, Phase, SESSIONS_OF_A_PORT, SPARE, fetch, messages_octets, runtime};

/// The octets that each end of an idle session may use beyond a bare connection.
const LIMIT: usize = 2 * 1024;
/// The handshakes at a time.
const CONNECTING: usize = 64;
/// The octets that a server sends at once.
const PIECE: usize = 4096;
/// The largest record of the frugal connections, in octets.
const FRAGMENT: usize = 1024;
const FETCH: &[u8; 7] = b"FETCH\r\n";
const LINE: &[u8; 5] = b"+OK\r\n";

/// What is inside TLS.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    /// A few lines.
    Bare,
    /// A few lines, with the settings of rustls that take the least memory.
    Frugal,
    /// A POP3 session of these crates.
    Session,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Bare => "bare",
            Kind::Frugal => "frugal",
            Kind::Session => "session",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Kind> {
        [Kind::Bare, Kind::Frugal, Kind::Session].into_iter().find(|kind| kind.name() == name)
    }
}

/// Serves on `ports` ports, and prints its certificate and them. It answers each line of the standard input with the
/// octets that it has allocated, and stops when the input ends.
pub(crate) fn serve(kind: Kind, ports: usize) -> Result<(), Failure> {
    rlimit::increase_nofile_limit(u64::MAX)?;
    let CertifiedKey { cert, key_pair } = generate_simple_self_signed(["localhost".to_owned()])?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key_pair.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = builder.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key)?;
    if kind == Kind::Frugal {
        (config.send_tls13_tickets, config.max_fragment_size) = (0, Some(FRAGMENT));
    }
    let config = Arc::new(config);
    println!("{}", cert.pem().lines().collect::<Vec<_>>().join("|"));
    let runtime = runtime()?;
    for _ in 0..ports {
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        println!("{}", listener.local_addr()?.port());
        let config = Arc::clone(&config);
        runtime.spawn(async move {
            loop {
                let config = Arc::clone(&config);
                match (listener.accept().await, kind) {
                    (Ok((stream, _)), Kind::Bare | Kind::Frugal) => drop(tokio::spawn(serve_bare(stream, config))),
                    (Ok((stream, _)), Kind::Session) => {
                        let inside = ServerConfig::new().inside_tls(true);
                        drop(tokio::spawn(pop3_async::serve_tls(stream, Made, inside, config)));
                    }
                    // The client reports that it was not served.
                    (Err(error), _) => eprintln!("the server: {error}"),
                }
            }
        });
    }
    for line in std::io::stdin().lines() {
        line?;
        println!("{}", allocated());
    }
    Ok(())
}

async fn serve_bare(stream: TcpStream, config: Arc<rustls::ServerConfig>) -> std::io::Result<()> {
    let mut stream = TlsAcceptor::from(config).accept(stream).await?;
    stream.write_all(LINE).await?;
    stream.flush().await?;
    let mut line = [0; FETCH.len()];
    while stream.read_exact(&mut line).await.is_ok() {
        if line == *FETCH {
            // As the sessions send them.
            for piece in vec![0; messages_octets()].chunks(PIECE) {
                stream.write_all(piece).await?;
            }
        } else {
            stream.write_all(LINE).await?;
        }
        stream.flush().await?;
    }
    Ok(())
}

/// The server as a child process.
struct Server {
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
    certificate: String,
    ports: Vec<u16>,
}

impl Server {
    fn start(kind: Kind, ports: usize) -> Result<Server, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--tls-server", kind.name(), &ports.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let (ask, answers) = (child.stdin.take().ok_or("no pipe")?, child.stdout.take().ok_or("no pipe")?);
        let mut server =
            Server { child, ask, answers: BufReader::new(answers), certificate: String::new(), ports: Vec::new() };
        server.certificate = server.line()?.replace('|', "\n");
        for _ in 0..ports {
            let port = server.line()?.parse()?;
            server.ports.push(port);
        }
        Ok(server)
    }

    fn line(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    fn allocated(&mut self) -> Result<usize, Failure> {
        self.ask.write_all(b"?\n")?;
        Ok(self.line()?.parse()?)
    }

    fn stop(mut self) -> Result<(), Failure> {
        drop(self.ask);
        if self.child.wait()?.success() { Ok(()) } else { Err("the server failed".into()) }
    }
}

/// The memory of an idle connection at both ends, in octets.
#[derive(Clone, Copy, Default)]
struct Held {
    client: usize,
    server: usize,
    client_resident: usize,
    server_resident: usize,
}

impl Held {
    fn now(server: &mut Server) -> Result<Held, Failure> {
        let client_resident = resident("self").unwrap_or_default();
        let server_resident = resident(&server.child.id().to_string()).unwrap_or_default();
        Ok(Held { client: allocated(), server: server.allocated()?, client_resident, server_resident })
    }

    fn since(self, start: Held, sessions: usize) -> Held {
        let each = |now: usize, then: usize| now.saturating_sub(then) / sessions;
        Held {
            client: each(self.client, start.client),
            server: each(self.server, start.server),
            client_resident: each(self.client_resident, start.client_resident),
            server_resident: each(self.server_resident, start.server_resident),
        }
    }
}

/// A task that is ready to be started.
#[derive(Clone)]
struct Task {
    port: u16,
    config: Arc<rustls::ClientConfig>,
    connecting: Arc<Semaphore>,
    phase: watch::Receiver<Phase>,
    done: mpsc::UnboundedSender<Result<(), Failure>>,
}

impl Task {
    async fn bare(mut self) -> Result<(), Failure> {
        let permit = self.connecting.acquire().await?;
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from("localhost")?;
        let mut stream = TlsConnector::from(Arc::clone(&self.config)).connect(name, stream).await?;
        let mut line = [0; LINE.len()];
        stream.read_exact(&mut line).await?;
        drop(permit);
        for _ in 0..3 {
            stream.write_all(b"NOOP.\r\n").await?;
            stream.flush().await?;
            stream.read_exact(&mut line).await?;
        }
        self.done.send(Ok(()))?;
        self.phase.wait_for(|&phase| phase >= Phase::Fetch).await?;
        stream.write_all(FETCH).await?;
        stream.flush().await?;
        let mut octets = vec![0; messages_octets()];
        stream.read_exact(&mut octets).await?;
        drop(octets);
        self.done.send(Ok(()))?;
        self.phase.wait_for(|&phase| phase >= Phase::Quit).await?;
        stream.shutdown().await?;
        Ok(())
    }

    async fn session(mut self) -> Result<(), Failure> {
        let permit = self.connecting.acquire().await?;
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        stream.set_nodelay(true)?;
        let to = Connect::new()
            .host("localhost")
            .policy(Policy::new())
            .timeouts(Timeouts::new().each(Duration::from_secs(120)));
        let connection = Connection::over(stream, to.tls(Arc::clone(&self.config))).await?;
        let login = connection.login_as(Credentials::new("mrose", "tanstaaf")).await;
        let mut session: Session<TcpStream> = login.map_err(|failed| failed.error)?;
        drop(permit);
        self.done.send(Ok(()))?;
        self.phase.wait_for(|&phase| phase >= Phase::Fetch).await?;
        fetch(&mut session).await?;
        self.done.send(Ok(()))?;
        self.phase.wait_for(|&phase| phase >= Phase::Quit).await?;
        session.quit().await?;
        Ok(())
    }
}

/// Holds so many connections at once. Returns the memory of each after the login and after the messages.
fn hold(kind: Kind, sessions: usize) -> Result<[Held; 2], Failure> {
    let mut server = Server::start(kind, sessions.div_ceil(SESSIONS_OF_A_PORT))?;
    let mut config = client_config(&Tls::new().root_pem(server.certificate.as_bytes())?)?;
    if kind == Kind::Frugal {
        let config = Arc::make_mut(&mut config);
        (config.resumption, config.max_fragment_size) = (Resumption::disabled(), Some(FRAGMENT));
    }
    let runtime = runtime()?;
    let (phases, phase) = watch::channel(Phase::Connect);
    let (done, mut reports) = mpsc::unbounded_channel();
    let connecting = Arc::new(Semaphore::new(CONNECTING));
    let start = Held::now(&mut server)?;
    for n in 0..sessions {
        let task = Task {
            port: server.ports[n % server.ports.len()],
            config: Arc::clone(&config),
            connecting: Arc::clone(&connecting),
            phase: phase.clone(),
            done: done.clone(),
        };
        let done = done.clone();
        // If the receiver is gone, another session failed earlier.
        match kind {
            Kind::Bare | Kind::Frugal => {
                drop(runtime.spawn(async move { task.bare().await.or_else(|error| done.send(Err(error))) }));
            }
            Kind::Session => {
                drop(runtime.spawn(async move { task.session().await.or_else(|error| done.send(Err(error))) }));
            }
        }
    }
    let mut rest = |server: &mut Server| -> Result<Held, Failure> {
        for _ in 0..sessions {
            runtime.block_on(reports.recv()).ok_or("no sessions are left")??;
        }
        Ok(Held::now(server)?.since(start, sessions))
    };
    let logged_in = rest(&mut server)?;
    phases.send(Phase::Fetch)?;
    let fetched = rest(&mut server)?;
    phases.send(Phase::Quit)?;
    drop(runtime);
    server.stop()?;
    Ok([logged_in, fetched])
}

/// Compares sessions inside TLS with bare connections.
pub(crate) fn run(asked: usize) -> Result<(), Failure> {
    let limit = usize::try_from(rlimit::increase_nofile_limit(u64::MAX)?)?;
    let sessions = asked.min(limit.saturating_sub(SPARE));
    if sessions < asked || sessions == 0 {
        return Err(format!("{sessions} sessions and not {asked}: the limit is {limit} descriptors").into());
    }
    println!("{sessions} connections inside TLS, all idle at once; octets for each");
    println!(
        "{:<10} {:<8} {:>8} {:>8} {:>16} {:>16}",
        "step", "", "client", "server", "client resident", "server resident"
    );
    let [frugal, bare, ours] = [Kind::Frugal, Kind::Bare, Kind::Session].map(|kind| hold(kind, sessions));
    let (frugal, bare, ours) = (frugal?, bare?, ours?);
    let mut within = true;
    for (at, step) in ["logged in", "fetched"].into_iter().enumerate() {
        let (frugal, bare, ours) = (frugal[at], bare[at], ours[at]);
        for (name, held) in [("frugal", frugal), ("rustls", bare), ("session", ours)] {
            let Held { client, server, client_resident, server_resident } = held;
            println!("{step:<10} {name:<8} {client:>8} {server:>8} {client_resident:>16} {server_resident:>16}");
        }
        let [client, server] =
            [(ours.client, bare.client), (ours.server, bare.server)].map(|(ours, bare)| ours.saturating_sub(bare));
        within &= client <= LIMIT && server <= LIMIT;
        println!("{step:<10} {:<8} {client:>8} {server:>8}  at most {LIMIT} are allowed", "ours");
    }
    println!(
        "of rustls: {} for the state of a client, {} for that of a server;",
        size_of::<ClientConnection>(),
        size_of::<ServerConnection>()
    );
    println!(
        "the rest of a bare connection is on the heap: keys, certificates, buffers of records, and a task and a socket of tokio"
    );
    println!("frugal: no tickets, no resumption, and records of at most {FRAGMENT} octets");
    if within { Ok(()) } else { Err("an idle session inside TLS takes too much".into()) }
}
