//! The cost of downloading a maildrop over loopback, compared with a client that only reads.
//!
//! `cargo bench -p pop3-blocking --bench drain [-- MAILBOX... | -- instructions]`
//!
//! The server is this program as a child process, and sends messages that are ready in memory. In each round, the
//! [`floor`] and the client of the crate download each mailbox, one after the other. The ratios are those of one round,
//! and the output has the median of all rounds, without the start of the program. A ratio of the CPU time counts the
//! client only, not the server. With `instructions`, valgrind counts the [`instructions`] of the client.

mod floor;
mod instructions;
mod mailbox;
mod server;

use std::error::Error;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pop3_blocking::{Connect, Security, connect};

const ROUNDS: usize = 15;

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.as_slice() {
        [role] if role == "--server" => return Ok(server::run()?),
        [role, name, port] if role == "--download" => return drain(name, port.parse()?).map(drop),
        _ => {}
    }
    let (mut child, port) = start()?;
    if arguments == ["instructions"] {
        instructions::print(port)?;
    } else {
        compare_all(&arguments, port)?;
    }
    drop(child.stdin.take());
    child.wait()?;
    Ok(())
}

/// Prints the costs of the mailboxes with these names, or of all.
fn compare_all(names: &[String], port: u16) -> Result<(), Box<dyn Error>> {
    println!("medians of {ROUNDS} rounds; the ratios are the client to the floor, which only reads");
    println!(
        "{:<8} {:>9} {:>7} {:>9} {:>9} {:>6} {:>6}",
        "mailbox", "messages", "MiB", "floor ms", "client ms", "time", "CPU"
    );
    for name in mailbox::NAMES {
        if names.is_empty() || names.iter().any(|wanted| wanted == name) {
            compare(name, port)?;
        }
    }
    Ok(())
}

/// Starts the server. Returns the child and its port.
fn start() -> Result<(Child, u16), Box<dyn Error>> {
    let mut command = Command::new(std::env::current_exe()?);
    let mut child = command.arg("--server").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().ok_or("no pipe")?).read_line(&mut line)?;
    Ok((child, line.trim().parse()?))
}

/// Prints the costs of a mailbox.
fn compare(name: &str, port: u16) -> Result<(), Box<dyn Error>> {
    let mut messages = Vec::new();
    let mut rounds = Vec::new();
    // The server makes the mailbox in the first round, which does not count.
    for round in 0..=ROUNDS {
        let floor = Cost::of(|| floor::drain(name, port))?;
        let client = Cost::of(|| {
            messages = drain(name, port)?;
            Ok(())
        })?;
        if round > 0 {
            rounds.push((floor, client));
        }
    }
    let median = |value: &dyn Fn(&(Cost, Cost)) -> f64| {
        let mut values: Vec<f64> = rounds.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let seconds = |time: Option<Duration>| time.map_or(f64::NAN, |time| time.as_secs_f64());
    #[allow(clippy::cast_precision_loss, reason = "a mailbox has few octets")]
    let size = messages.iter().sum::<u64>() as f64 / f64::from(1 << 20);
    println!(
        "{name:<8} {:>9} {size:>7.1} {:>9.1} {:>9.1} {:>6.2} {:>6.2}",
        messages.len(),
        median(&|(floor, _)| floor.time.as_secs_f64() * 1e3),
        median(&|(_, client)| client.time.as_secs_f64() * 1e3),
        median(&|(floor, client)| client.time.as_secs_f64() / floor.time.as_secs_f64()),
        median(&|(floor, client)| seconds(client.cpu) / seconds(floor.cpu)),
    );
    Ok(())
}

/// Downloads all messages as a program does, and returns their sizes.
fn drain(name: &str, port: u16) -> Result<Vec<u64>, Box<dyn Error>> {
    let to = Connect::new().host("127.0.0.1").port(port).user(name).password("tanstaaf");
    let mut session = connect(to.security(Security::Plaintext).allow_plaintext(true))?;
    let announced = session.stat()?;
    let (mut sizes, mut buffer) = (Vec::new(), vec![0; 64 * 1024]);
    let mut messages = session.retrieve_all()?;
    while let Some(mut message) = messages.next()? {
        while message.read(&mut buffer)? > 0 {}
        sizes.push(message.octets());
    }
    session.quit()?;
    let received = (u32::try_from(sizes.len())?, sizes.iter().sum());
    if received != (announced.messages, announced.octets) {
        return Err(format!("the server announced {announced:?}, but {received:?} were received").into());
    }
    Ok(sizes)
}

/// The cost of a download.
struct Cost {
    time: Duration,
    /// The CPU time of this process. It is known on Unix.
    cpu: Option<Duration>,
}

impl Cost {
    fn of(download: impl FnOnce() -> Result<(), Box<dyn Error>>) -> Result<Cost, Box<dyn Error>> {
        let (begin, cpu) = (Instant::now(), cpu_time());
        download()?;
        let time = begin.elapsed();
        Ok(Cost { time, cpu: cpu_time().zip(cpu).map(|(now, then)| now.saturating_sub(then)) })
    }
}

#[cfg(unix)]
fn cpu_time() -> Option<Duration> {
    Duration::try_from(rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime)).ok()
}

#[cfg(not(unix))]
fn cpu_time() -> Option<Duration> {
    None
}
