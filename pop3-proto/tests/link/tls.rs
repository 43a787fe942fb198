//! A server inside TLS at the end of a line, with a client that knows only rustls.

use std::io::{Read, Write};
use std::sync::{Arc, LazyLock};

use pop3_proto::serve::MailStore;
use pop3_proto::testing::link::{Corruption, Direction, Encrypted, Halt, Line, Responder, Schedule, Side};
use pop3_proto::testing::personality::{Personality, QuirkyService};
use pop3_proto::testing::script::ScriptedServer;
use pop3_proto::tls::rustls::crypto::ring;
use pop3_proto::tls::rustls::pki_types::PrivateKeyDer;
use pop3_proto::tls::rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig};

static SETTINGS: LazyLock<(Arc<ServerConfig>, Arc<ClientConfig>)> = LazyLock::new(|| {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(own.key_pair.serialize_der()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let server = server.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let server = server.with_single_cert(vec![own.cert.der().clone()], key).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(own.cert.der().clone()).unwrap();
    let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    (Arc::new(server), Arc::new(client.with_root_certificates(roots).with_no_client_auth()))
});

fn server() -> Arc<ServerConfig> {
    Arc::clone(&SETTINGS.0)
}

/// The client's end of a line, in the clear until `tls` is there.
struct Client<R: Responder> {
    line: Line<R>,
    tls: Option<ClientConnection>,
}

impl<R: Responder> Client<R> {
    fn new(responder: R, schedule: Schedule) -> Client<R> {
        Client { line: Line::new(responder, schedule), tls: None }
    }

    fn begin(&mut self) {
        self.tls = Some(ClientConnection::new(Arc::clone(&SETTINGS.1), "localhost".try_into().unwrap()).unwrap());
    }

    fn write(&mut self, octets: &[u8]) {
        self.try_write(octets).unwrap();
    }

    fn try_write(&mut self, octets: &[u8]) -> Result<(), Halt> {
        let encrypted = match &mut self.tls {
            Some(tls) => {
                tls.writer().write_all(octets).map_err(|_| Halt::Closed)?;
                let mut encrypted = Vec::new();
                while tls.wants_write() {
                    tls.write_tls(&mut encrypted).map_err(|_| Halt::Closed)?;
                }
                encrypted
            }
            None => octets.to_vec(),
        };
        let mut left = &encrypted[..];
        while !left.is_empty() {
            match self.line.write(left) {
                Ok(len) => left = &left[len..],
                Err(Halt::Interrupted) => {}
                Err(halt) => return Err(halt),
            }
        }
        Ok(())
    }

    /// Returns the plaintext that ends with `end`, or everything until nothing more comes.
    fn read_until(&mut self, end: &str) -> Result<String, Halt> {
        let (mut heard, mut space) = (Vec::new(), [0; 300]);
        while end.is_empty() || !heard.ends_with(end.as_bytes()) {
            if self.tls.is_some() {
                self.try_write(b"")?;
            }
            let len = match self.line.read(&mut space) {
                Err(Halt::Interrupted) => continue,
                Ok(0) => break,
                read => read?,
            };
            let Some(tls) = &mut self.tls else {
                heard.extend(&space[..len]);
                continue;
            };
            let mut octets = &space[..len];
            while !octets.is_empty() {
                tls.read_tls(&mut octets).map_err(|_| Halt::Closed)?;
                let state = tls.process_new_packets().map_err(|_| Halt::Closed)?;
                let mut plaintext = vec![0; state.plaintext_bytes_to_read()];
                tls.reader().read_exact(&mut plaintext).unwrap();
                heard.extend(plaintext);
            }
        }
        Ok(String::from_utf8(heard).unwrap())
    }
}

fn schedules() -> [Schedule; 3] {
    [
        Schedule::new(),
        Schedule::new().both(Direction::new().cuts([1]).writes([1, 0])),
        Schedule::new().both(Direction::new().capacity(100).cuts([0, 7, 300])),
    ]
}

fn store() -> MailStore {
    let store = MailStore::new();
    store.add_user("mrose", "tanstaaf");
    store.deliver("mrose", "Subject: long\r\n\r\n".to_owned() + &"x\r\n".repeat(40_000));
    store
}

/// The same session from the greeting inside TLS on, or from STLS on.
fn converse(client: &mut Client<Encrypted<QuirkyService<impl pop3_proto::serve::Maildrop>>>) {
    client.write(b"USER mrose\r\nPASS tanstaaf\r\nRETR 1\r\n");
    let heard = client.read_until("\r\n.\r\n").unwrap();
    assert!(heard.len() > 120_000 && heard.contains("\r\n\r\nx\r\nx\r\n"), "{}", heard.len());
    client.write(b"DELE 1\r\nQUIT\r\n");
    let heard = client.read_until("").unwrap();
    assert!(heard.starts_with("+OK") && heard.ends_with("+OK bye\r\n"), "{heard}");
    assert!(client.line.responder().responder().is_over());
}

#[test]
fn a_session_begins_tls_with_stls() {
    for schedule in schedules() {
        let store = store();
        let service =
            QuirkyService::new(store.maildrop(), pop3_proto::ServerConfig::new().stls(true), None, Personality::new());
        let mut client = Client::new(Encrypted::new(service, server()), schedule);
        client.read_until("\r\n").unwrap();
        client.write(b"USER mrose\r\n");
        assert!(client.read_until("\r\n").unwrap().starts_with("-ERR"), "this is not inside TLS");
        client.write(b"STLS\r\n");
        assert!(client.read_until("\r\n").unwrap().starts_with("+OK"));
        client.begin();
        converse(&mut client);
        assert!(store.messages("mrose").is_empty());
    }
}

#[test]
fn a_session_is_inside_tls_from_the_beginning() {
    for schedule in schedules() {
        let store = store();
        let service = QuirkyService::new(
            store.maildrop(),
            pop3_proto::ServerConfig::new().inside_tls(true),
            None,
            Personality::new(),
        );
        let mut client = Client::new(Encrypted::inside(service, server()), schedule);
        let record = client.line.record(Side::Client);
        client.begin();
        assert!(client.read_until("\r\n").unwrap().starts_with("+OK POP3 server ready"));
        converse(&mut client);
        assert!(store.messages("mrose").is_empty());
        let contains = |octets: Vec<u8>, text: &[u8]| octets.windows(text.len()).any(|run| run == text);
        assert!(
            !contains(record.written(), b"tanstaaf") && !contains(record.read(), b"+OK POP3"),
            "the link sees no plaintext"
        );
    }
}

#[test]
fn a_script_has_a_handshake() {
    let played = |script, begin: &[u8]| {
        let server_ = ScriptedServer::new(script);
        let verdict = server_.verdict();
        let mut client = Client::new(Encrypted::new(server_, server()), Schedule::new());
        client.read_until("\r\n").unwrap();
        client.write(begin);
        if begin == b"STLS\r\n" {
            assert_eq!(client.read_until("\r\n").unwrap(), "+OK begin\r\n");
            client.begin();
            client.write(b"NOOP\r\n");
            assert_eq!(client.read_until("").unwrap(), "+OK done\r\n");
        } else {
            client.line.close();
        }
        verdict.check().map_err(|mismatch| mismatch.to_string())
    };
    let script = "S: +OK\nC: STLS\nS: +OK begin\n-- tls\nC: NOOP\nS: +OK done\n";
    assert_eq!(played(script, b"STLS\r\n"), Ok(()));
    let injected = "line 4 of the script: expected a handshake for TLS, but the client sent `NOOP`";
    assert_eq!(played(script, b"STLS\r\nNOOP\r\n"), Err(injected.to_owned()));

    let inside = ScriptedServer::new("-- tls\nS: +OK\n");
    let verdict = inside.verdict();
    let mut client = Client::new(Encrypted::new(inside, server()), Schedule::new());
    client.begin();
    assert_eq!(client.read_until("").unwrap(), "+OK\r\n");
    verdict.done();
}

/// Without TLS at its end, a line closes.
#[test]
fn a_handshake_needs_an_encrypted_server() {
    let mut client = Client::new(ScriptedServer::new("S: +OK\n-- tls\nS: +OK\n"), Schedule::new());
    assert_eq!(client.read_until("").unwrap(), "+OK\r\n");
    let expected = "line 2 of the script: expected a handshake for TLS, but the client has not sent anything since";
    assert_eq!(client.line.responder().verdict().check().unwrap_err().to_string(), expected);
}

/// An octet that is changed on its way ends the session or means nothing, whichever it is: no plaintext is changed.
#[test]
fn no_corruption_passes_tls() {
    let mut ended = 0;
    for at in (0..1200).step_by(7) {
        for to_server in [false, true] {
            let flips = Direction::new().corrupt_after(at, Corruption::Flips(1));
            let schedule = Schedule::new();
            let schedule = if to_server { schedule.to_server(flips) } else { schedule.to_client(flips) };
            let script = ScriptedServer::new("-- tls\nS: +OK\nC: NOOP\nS: +OK noop\nC: QUIT\nS: +OK bye\n");
            let mut client = Client::new(Encrypted::new(script, server()), schedule);
            client.begin();
            let mut heard = client.read_until("\r\n").unwrap_or_default();
            for said in ["NOOP\r\n", "QUIT\r\n"] {
                // Either side may have ended the session.
                let answer = client.try_write(said.as_bytes()).and_then(|()| client.read_until("\r\n"));
                heard += &answer.unwrap_or_default();
            }
            let whole = "+OK\r\n+OK noop\r\n+OK bye\r\n";
            assert!(whole.starts_with(&heard), "{heard}");
            ended += usize::from(heard != whole);
        }
    }
    // The client sends fewer octets than the server.
    assert!(ended > 100, "{ended}");
}
