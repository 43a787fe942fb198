//! Laws 3, 5, 8, 10 and 11: whatever the caller does, in whatever order.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pop3_fuzz::{Cuts, Heard, Part, Player, Script, Step};
use pop3_proto::{Command, Kind, State, UsageError};

fuzz_target!(|script: Script<'_>| {
    let mut player = Player::new(script.config, script.inside_tls);
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
                let heard = player.heard.len();
                player.offer(octets, Cuts::Some(script.seed));
                session.listen(&player, heard);
            }
            Part::Client(Step::Send(command)) => session.send(&mut player, *command),
            Part::Client(Step::Respond(response)) => {
                let before = player.client.clone();
                let written = session.out.clone();
                match player.client.respond(*response, &mut session.out) {
                    Ok(()) => {
                        assert!(
                            session.handshake != Handshake::Stls
                                && matches!(player.owed.front(), Some((_, Kind::Auth, false)))
                        );
                        assert_one_line(&session.out[written.len()..]);
                        let mut again = Vec::new();
                        assert_eq!(player.client.respond(*response, &mut again), Err(UsageError::NoChallenge));
                        assert!(again.is_empty());
                    }
                    Err(_) => assert!(player.client == before && session.out == written, "law 3"),
                }
            }
            Part::Client(Step::Utf8User) => player.client.set_utf8_user(true),
            Part::Client(Step::TlsEstablished) => {
                let is_due = session.handshake != Handshake::No;
                let clean = is_due && player.inbox.is_empty() && player.error.is_none();
                let told = player.client.tls_established(&player.inbox);
                assert!(told.is_err() || clean, "law 8: TLS was not due, or plaintext was left");
                if told.is_ok() {
                    let is_first = session.handshake == Handshake::First;
                    assert_eq!(player.client.state(), if is_first { State::Greeting } else { State::Authorization });
                    assert!(player.client.inside_tls());
                    session.handshake = Handshake::No;
                }
                player.error = player.error.or(told.err());
                player.inbox.clear();
            }
            Part::Client(Step::Eof) => {
                let honest = (session.quit || session.no_service) && player.owed.is_empty() && player.error.is_none();
                let told = player.client.receive_eof(&player.inbox);
                assert_eq!(told.is_ok(), honest, "law 11: {told:?}");
                player.error = player.error.or(told.err());
                player.inbox.clear();
            }
        }
    }
});

/// Whether a TLS handshake may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Handshake {
    No,
    /// Nothing was heard yet.
    First,
    /// STLS was accepted.
    Stls,
}

/// What an observer knows who sees both sides.
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
    fn listen(&mut self, player: &Player, from: usize) {
        if self.handshake == Handshake::First && !player.heard.is_empty() {
            self.handshake = Handshake::No;
        }
        for heard in &player.heard[from..] {
            let Heard::Said(event) = heard else { continue };
            if event.starts_with("StartTls {") {
                self.handshake = Handshake::Stls;
            }
            self.no_service |= event.starts_with("NoService(");
        }
        self.quit |= self.newest == Some(Kind::Quit) && player.owed.is_empty();
    }

    fn send(&mut self, player: &mut Player, command: Command<'_>) {
        let before = player.client.clone();
        let written = self.out.clone();
        let kind = command.kind();
        let barrier = player.owed.back().filter(|(_, kind, _)| matches!(kind, Kind::Stls | Kind::Auth | Kind::Quit));
        let must_wait = barrier.is_some() || (kind == Kind::Stls && !player.owed.is_empty());
        match player.client.send(command, &mut self.out) {
            Ok(ticket) => {
                assert!(
                    !must_wait && self.handshake != Handshake::Stls && !self.quit,
                    "law 8: {command} at {player:?}"
                );
                let unsolicited = player.owed.is_empty() && player.inbox.iter().any(|b| !b"\r\n".contains(b));
                assert!(player.error.is_none() && !unsolicited, "law 6: sent with something unsolicited before it");
                assert!(kind != Kind::Stls || !before.inside_tls());
                let line = &self.out[written.len()..];
                assert!(self.out.starts_with(&written) && line.len() <= 255);
                assert_one_line(line);
                if let Some((last, ..)) = player.owed.back() {
                    assert!(*last < ticket, "law 5: tickets ascend");
                }
                player.owed.push_back((ticket, kind, false));
                self.newest = Some(kind);
                // The same without room changes nothing.
                let mut other = before.clone();
                let mut room = vec![7; line.len() - 1];
                assert_eq!(other.send(command, &mut &mut room[..]), Err(UsageError::NoRoom));
                assert!(other == before && room.iter().all(|&b| b == 7), "law 3");
            }
            Err(_) => assert!(player.client == before && self.out == written, "law 3"),
        }
        let said = format!("{command:?} {:?} {}", player.client, player.client.state());
        assert!(!said.contains('\r') && !said.contains('\n'));
    }
}

fn assert_one_line(line: &[u8]) {
    let text = line.strip_suffix(b"\r\n").expect("a line ends in CRLF");
    assert!(!text.contains(&b'\r') && !text.contains(&b'\n'), "one line only");
}
