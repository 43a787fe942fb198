//! The examples, run as a user would: against their own server, a slow one, and Dovecot.
#![cfg(feature = "tls")]

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs, thread};

use pop3_proto::serve::{MailStore, MemoryMaildrop};
use pop3_proto::tls::rustls;
use pop3_proto::wire::Timestamp;
use pop3_proto::{ServerConfig, Service};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};

/// An example, which `cargo test` builds beside the tests, but not if it is told to build only them.
fn example(name: &str) -> Command {
    let test = env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let program = profile.join("examples").join(format!("{name}{}", env::consts::EXE_SUFFIX));
    assert!(program.exists(), "build it first: cargo build -p pop3-proto --all-features --example {name}");
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
fn smol() {
    assert_eq!(run(&mut example("smol")), "10 messages, 88321 octets\n");
}

#[test]
fn mio_and_smol_with_stls() {
    let authority = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = parameters.self_signed(&authority).unwrap();
    let key = KeyPair::generate().unwrap();
    let chain = vec![
        CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &root, &authority).unwrap().into(),
    ];
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = key.serialize_der().try_into().unwrap();
    let tls = Arc::new(builder.with_no_client_auth().with_single_cert(chain, key).unwrap());

    let address = serving(move |stream, maildrop| serve_stls(stream, maildrop, &tls));
    let [trusted, other] = [root.pem(), key_of_nobody()].map(|ca| tempfile(&ca));
    let against = |name, ca| {
        let mut example = example(name);
        example.env("POP3_CA", ca).args([&address.ip().to_string(), &address.port().to_string(), "u", "pw"]);
        let ended = example.output().unwrap();
        [ended.stdout, ended.stderr].map(|octets| String::from_utf8(octets).unwrap())
    };
    for (ca, expected) in [(&trusted, 2), (&other, 0)] {
        let [out, said] = against("mio", ca);
        assert!(out.contains(&format!("{expected} messages")), "{out} {said}");
    }
    assert_eq!(against("smol", &trusted), ["2 messages, 36 octets\n", ""]);
    let [out, said] = against("smol", &other);
    assert!(out.is_empty() && said.contains("beginning TLS"), "{out} {said}");
    for file in [trusted, other] {
        std::fs::remove_file(file).unwrap();
    }
}

/// The certificate of an authority that has issued nothing.
fn key_of_nobody() -> String {
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
}

fn tempfile(text: &str) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("pop3-mio-{}-{count}.pem", std::process::id()));
    std::fs::write(&path, text).unwrap();
    path
}

/// Serves without TLS until STLS, and then inside TLS.
fn serve_stls(mut stream: TcpStream, maildrop: MemoryMaildrop, tls: &Arc<rustls::ServerConfig>) -> io::Result<()> {
    let mut service = Service::new(maildrop, ServerConfig::new().stls(true), None);
    converse(&mut stream, &mut service)?;
    let mut connection = rustls::ServerConnection::new(Arc::clone(tls)).map_err(io::Error::other)?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    service.tls_established();
    if let Some(binding) = pop3_proto::tls::channel_binding(&connection) {
        service.set_channel_binding(binding);
    }
    converse(&mut rustls::Stream::new(&mut connection, &mut stream), &mut service)
}

/// Talks until the session is over or TLS is to begin.
fn converse(stream: &mut (impl Read + Write), service: &mut Service<MemoryMaildrop>) -> io::Result<()> {
    while !service.is_over() {
        if !service.pending().is_empty() {
            let octets = stream.write(service.pending())?;
            service.written(octets);
        } else if service.wants_tls() {
            return Ok(());
        } else {
            let octets = stream.read(service.spare())?;
            service.filled(octets);
        }
    }
    Ok(())
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
    assert_eq!(against(&mut example("smol"), address, "u", "pw"), "2 messages, 36 octets\n");
    expect_over_a_ring(&against(&mut example("completion"), address, "u", "pw"), "2 messages, 36 octets, ");
    let out = against(example("completion").env("SIMULATED_RING", "1"), address, "u", "pw");
    expect_over_a_ring(&out, "2 messages, 36 octets, ");
    let out = against(&mut example("fixed"), address, "u", "pw");
    assert!(out.starts_with("2 messages, 36 octets\nthe last one: \n"), "{out}");
}

/// A server whose every octet is a write of its own.
fn trickling() -> SocketAddr {
    serving(trickle)
}

/// A server with a maildrop of user `u`.
fn serving(serve: impl Fn(TcpStream, MemoryMaildrop) -> io::Result<()> + Clone + Send + 'static) -> SocketAddr {
    let store = MailStore::new();
    store.add_user("u", "pw");
    store.deliver("u", "Subject: one\n\n.\n..\n");
    store.deliver("u", "no header\n\n");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let maildrop = store.maildrop();
            let serve = serve.clone();
            thread::spawn(move || serve(stream, maildrop));
        }
    });
    address
}

fn trickle(mut stream: TcpStream, maildrop: MemoryMaildrop) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let config = ServerConfig::new().plaintext_login(true);
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
    assert_eq!(against(&mut example("smol"), address, &user, "pass"), "1 messages, 21 octets\n");
    expect_over_a_ring(&against(&mut example("completion"), address, &user, "pass"), "1 messages, 21 octets, ");
    let out = against(&mut example("fixed"), address, &user, "pass");
    assert!(out.starts_with("1 messages, 21 octets\nthe last one: hello\n"), "{out}");
}
