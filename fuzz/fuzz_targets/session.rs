//! Laws 3, 5, 8, 10 and 11: any calls, in any order.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pop3_fuzz::{CheckedClient, Cuts, Heard, Part, Script, Step};
use pop3_proto::{Command, Kind, State, UsageError};

fuzz_target!(|script: Script<'_>| {
    let mut client = CheckedClient::new(script.config, script.inside_tls);
    let mut session = Session {
        out: Vec::new(),
        newest: None,
        handshake: if script.inside_tls { Handshake::No } else { Handshake::First },
        quit: false,
        no_service: false,
    };
    for part in &script.parts {
        match part {
            Part::Server(octets) => {
                let heard = client.heard.len();
                client.offer(octets, Cuts::Some(script.seed));
                session.listen(&client, heard);
            }
            Part::Client(Step::Send(command)) => session.send(&mut client, *command),
            Part::Client(Step::Respond(response)) => {
                let before = client.client.clone();
                let written = session.out.clone();
                match client.client.respond(*response, &mut session.out) {
                    Ok(()) => {
                        assert!(
                            session.handshake != Handshake::Stls
                                && matches!(client.owed.front(), Some((_, Kind::Auth, false)))
                        );
                        assert_one_line(&session.out[written.len()..]);
                        let mut again = Vec::new();
                        assert_eq!(client.client.respond(*response, &mut again), Err(UsageError::NoChallenge));
                        assert!(again.is_empty());
                    }
                    Err(_) => assert!(client.client == before && session.out == written, "law 3"),
                }
            }
            Part::Client(Step::Utf8User) => client.client.set_utf8_user(true),
            Part::Client(Step::TlsEstablished) => {
                let is_due = session.handshake != Handshake::No;
                let clean = is_due && client.inbox.is_empty() && client.error.is_none();
                let told = client.client.tls_established(&client.inbox);
                assert!(told.is_err() || clean, "law 8: TLS was not due, or plaintext was left");
                if told.is_ok() {
                    let is_first = session.handshake == Handshake::First;
                    assert_eq!(client.client.state(), if is_first { State::Greeting } else { State::Authorization });
                    assert!(client.client.inside_tls());
                    session.handshake = Handshake::No;
                }
                client.error = client.error.or(told.err());
                client.inbox.clear();
            }
            Part::Client(Step::Eof) => {
                let honest = (session.quit || session.no_service) && client.owed.is_empty() && client.error.is_none();
                let told = client.client.receive_eof(&client.inbox);
                assert_eq!(told.is_ok(), honest, "law 11: {told:?}");
                client.error = client.error.or(told.err());
                client.inbox.clear();
            }
        }
    }
});

/// The TLS handshake that may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Handshake {
    No,
    /// Permitted, because nothing was heard yet.
    First,
    /// Permitted, because STLS was accepted.
    Stls,
}

/// The knowledge of an observer who sees both sides.
struct Session {
    out: Vec<u8>,
    /// The newest command sent.
    newest: Option<Kind>,
    handshake: Handshake,
    /// QUIT was answered.
    quit: bool,
    /// The greeting was a refusal.
    no_service: bool,
}

impl Session {
    fn listen(&mut self, client: &CheckedClient, from: usize) {
        if self.handshake == Handshake::First && !client.heard.is_empty() {
            self.handshake = Handshake::No;
        }
        for heard in &client.heard[from..] {
            let Heard::Said(event) = heard else { continue };
            if event.starts_with("StartTls {") {
                self.handshake = Handshake::Stls;
            }
            self.no_service |= event.starts_with("NoService(");
        }
        self.quit |= self.newest == Some(Kind::Quit) && client.owed.is_empty();
    }

    fn send(&mut self, client: &mut CheckedClient, command: Command<'_>) {
        let before = client.client.clone();
        let written = self.out.clone();
        let kind = command.kind();
        let barrier = client.owed.back().filter(|(_, kind, _)| matches!(kind, Kind::Stls | Kind::Auth | Kind::Quit));
        let must_wait = barrier.is_some() || (kind == Kind::Stls && !client.owed.is_empty());
        match client.client.send(command, &mut self.out) {
            Ok(ticket) => {
                assert!(
                    !must_wait && self.handshake != Handshake::Stls && !self.quit,
                    "law 8: {command} at {client:?}"
                );
                let unsolicited = client.owed.is_empty() && client.inbox.iter().any(|b| !b"\r\n".contains(b));
                assert!(client.error.is_none() && !unsolicited, "law 6: sent with something unsolicited before it");
                assert!(kind != Kind::Stls || !before.inside_tls());
                let line = &self.out[written.len()..];
                assert!(self.out.starts_with(&written) && line.len() <= 255);
                assert_one_line(line);
                if let Some((last, ..)) = client.owed.back() {
                    assert!(*last < ticket, "law 5: tickets ascend");
                }
                client.owed.push_back((ticket, kind, false));
                self.newest = Some(kind);
                // The same call without room changes nothing.
                let mut other = before.clone();
                let mut room = vec![7; line.len() - 1];
                assert_eq!(other.send(command, &mut &mut room[..]), Err(UsageError::NoRoom));
                assert!(other == before && room.iter().all(|&b| b == 7), "law 3");
            }
            Err(_) => assert!(client.client == before && self.out == written, "law 3"),
        }
        let said = format!("{command:?} {:?} {}", client.client, client.client.state());
        assert!(!said.contains('\r') && !said.contains('\n'));
    }
}

fn assert_one_line(line: &[u8]) {
    let text = line.strip_suffix(b"\r\n").expect("a line ends in CRLF");
    assert!(!text.contains(&b'\r') && !text.contains(&b'\n'), "one line only");
}
