//! The examples, run as a user would: against their own server, a slow one, and Dovecot.
#![cfg(feature = "std")]

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{self, Command};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs, thread};

use pop3_proto::serve::{MailStore, MemoryMaildrop};
use pop3_proto::wire::Timestamp;
use pop3_proto::{ServerConfig, Service};

/// An example, which `cargo test` builds beside the tests, but not if it is told to build only them.
fn example(name: &str) -> Command {
    let test = env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let program = profile.join("examples").join(format!("{name}{}", env::consts::EXE_SUFFIX));
    assert!(program.exists(), "build it first: cargo build -p pop3-proto --example {name}");
    Command::new(program)
}

/// Runs it and returns what it printed.
#[track_caller]
fn run(command: &mut Command) -> String {
    let ended = command.output().unwrap();
    let [out, said] = [ended.stdout, ended.stderr].map(|octets| String::from_utf8(octets).unwrap());
    assert!(ended.status.success() && said.is_empty(), "{}: {out}{said}", ended.status);
    out
}

/// The arguments that an example takes.
fn against(command: &mut Command, address: SocketAddr, user: &str, password: &str) -> String {
    run(command.args([&address.ip().to_string(), &address.port().to_string(), user, password]))
}

/// Checks the output apart from the kind of ring that the example names, which is for the kernel to decide.
#[track_caller]
fn expect_over_a_ring(out: &str, expected: &str) {
    let line = out.strip_prefix("over io_uring: ").or_else(|| out.strip_prefix("over a simulated ring: "));
    assert!(line.is_some_and(|line| line.starts_with(expected)), "{out}");
}

#[test]
fn mio() {
    let out = run(&mut example("mio"));
    assert_eq!(out, "100 of 100 maildrops, 500 messages, 2416460 octets, one thread\n");
}

#[test]
fn completion() {
    let expected = "10 messages, 88321 octets, parsed in place\n";
    expect_over_a_ring(&run(&mut example("completion")), expected);
    let out = run(example("completion").env("SIMULATED_RING", "1"));
    assert!(out.starts_with(&format!("over a simulated ring: {expected}")), "{out}");
}

#[test]
fn fixed() {
    let out = run(&mut example("fixed"));
    assert!(out.starts_with("3 messages, 9696 octets\nthe last one: message 3 for user1\n"), "{out}");
}

#[test]
fn one_maildrop_that_cannot_be_read_does_not_stop_the_others() {
    let address = trickling();
    let mut mio = example("mio");
    mio.args([&address.ip().to_string(), &address.port().to_string(), "u", "wrong", "u", "pw"]);
    let ended = mio.output().unwrap();
    assert_eq!(ended.stdout, b"1 of 2 maildrops, 2 messages, 36 octets, one thread\n");
    assert!(!ended.status.success() && ended.stderr.starts_with(b"u: wrong user name or password"));
}

#[test]
fn a_server_whose_octets_come_one_at_a_time() {
    let address = trickling();
    let out = against(&mut example("mio"), address, "u", "pw");
    assert_eq!(out, "1 of 1 maildrops, 2 messages, 36 octets, one thread\n");
    expect_over_a_ring(&against(&mut example("completion"), address, "u", "pw"), "2 messages, 36 octets, ");
    let out = against(example("completion").env("SIMULATED_RING", "1"), address, "u", "pw");
    expect_over_a_ring(&out, "2 messages, 36 octets, ");
    let out = against(&mut example("fixed"), address, "u", "pw");
    assert!(out.starts_with("2 messages, 36 octets\nthe last one: \n"), "{out}");
}

/// A server with a maildrop of user `u`, whose every octet is a write of its own.
fn trickling() -> SocketAddr {
    let store = MailStore::new();
    store.add_user("u", "pw");
    store.deliver("u", "Subject: one\n\n.\n..\n");
    store.deliver("u", "no header\n\n");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let maildrop = store.maildrop();
            thread::spawn(move || trickle(stream, maildrop));
        }
    });
    address
}

fn trickle(mut stream: TcpStream, maildrop: MemoryMaildrop) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let config = ServerConfig { plaintext_login: true, ..ServerConfig::default() };
    let mut service = Service::new(maildrop, config, Timestamp::find(b"<1.2@test>"));
    while !service.is_over() {
        if let Some(octet) = service.pending().first() {
            stream.write_all(&[*octet])?;
            service.written(1);
            thread::yield_now();
        } else {
            match stream.read(service.spare())? {
                0 => break,
                octets => service.filled(octets),
            }
        }
    }
    Ok(())
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn dovecot() {
    let variable = |name| env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run `.ci/dovecot start DIR`"));
    let address: SocketAddr = variable("POP3_TEST_ADDR").parse().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
    let user = format!("loops-{}-{now}", process::id());
    let maildir = Path::new(&variable("POP3_TEST_MAIL")).join(&user);
    for folder in ["cur", "new", "tmp"] {
        fs::create_dir_all(maildir.join(folder)).unwrap();
    }
    fs::write(maildir.join("new/1600000000.P1M1.test"), "Subject: hello\n\n.\n").unwrap();

    let out = against(&mut example("mio"), address, &user, "pass");
    assert_eq!(out, "1 of 1 maildrops, 1 messages, 21 octets, one thread\n");
    expect_over_a_ring(&against(&mut example("completion"), address, &user, "pass"), "1 messages, 21 octets, ");
    let out = against(&mut example("fixed"), address, &user, "pass");
    assert!(out.starts_with("1 messages, 21 octets\nthe last one: hello\n"), "{out}");
}
