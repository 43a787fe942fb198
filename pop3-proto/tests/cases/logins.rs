//! Transcripts of logins, played through the whole flow with the mechanisms themselves. The server is mapped by
//! command: an initial response may be sent along or wait for a challenge, and CAPA may be sent where the transcript
//! does not.

use std::collections::VecDeque;

use pop3_proto::drive::{Conversation, Io, Step};
use pop3_proto::login::{Login, LoginError, Methods, Policy, Progress, Security};
use pop3_proto::sasl::MechanismError;
use pop3_proto::{Cause, Config, Error};

use crate::expect::Tally;
use crate::recorded_server::{Server, credentials};
use crate::tables::{Ending, LOGINS, NO_LOGINS};
use crate::transcript::Case;

/// Plays every case that is a login, or that could have been one, and judges it.
pub(crate) fn judge(cases: &[Case], at_least: usize) {
    let logins: Vec<&Case> = cases.iter().filter(|case| is_login(case)).collect();
    assert!(logins.len() >= at_least, "{} logins are too few", logins.len());
    let (mut failures, mut used) = (Vec::new(), vec![false; LOGINS.len()]);
    for case in &logins {
        let row = LOGINS.iter().position(|(key, _)| key.applies(case));
        if let Some(row) = row {
            used[row] = true;
        }
        let ending = row.map_or(Ending::AsAnswered, |row| LOGINS[row].1);
        let mut tally = Tally::default();
        for at_once in [usize::MAX, 1] {
            play(case, at_once, ending, &mut tally);
        }
        if !tally.failures.is_empty() {
            failures.push(format!("{} ({}): {}", case.id, case.level, tally.failures.join("; ")));
        }
    }
    println!("{} logins, {} failures", logins.len(), failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    for (row, (key, _)) in LOGINS.iter().enumerate() {
        assert!(used[row], "{key:?} applies to no login");
    }
    for (id, reason) in NO_LOGINS {
        assert!(cases.iter().any(|case| case.id == *id), "{id} ({reason}) does not exist");
    }
}

/// Checks whether a row of [`LOGINS`] applies to the case.
pub(crate) fn is_judged(case: &Case) -> bool {
    is_login(case) && LOGINS.iter().any(|(key, _)| key.applies(case))
}

/// Checks whether the case contains a login, or the data for one.
fn is_login(case: &Case) -> bool {
    let begins = lines(case).find(|line| !["CAPA", "STLS"].contains(&line.as_str()));
    let first = begins.as_deref().map(|line| line.split(' ').next().unwrap_or_default());
    let has_user = case.config.get("user").is_some() || case.setting("tls", "").starts_with("stls");
    case.start != "transaction"
        && matches!(first, Some("USER" | "APOP" | "AUTH") | None)
        && (first.is_some() || has_user)
        && !NO_LOGINS.iter().any(|(id, _)| *id == case.id)
}

pub(crate) fn lines(case: &Case) -> impl Iterator<Item = String> + '_ {
    let text = |line: &[u8]| line.iter().map(|octet| char::from(*octet)).collect::<String>();
    case.client.iter().flat_map(move |said| {
        let lines: Vec<String> = text(said).split_terminator("\r\n").map(str::to_owned).collect();
        lines
    })
}

/// Logs in as often as the transcript does, and checks every octet and the ending.
fn play(case: &Case, at_once: usize, ending: Ending, tally: &mut Tally) {
    let implicit = case.setting("tls", "") == "implicit";
    let security = match case.setting("tls", "") {
        "" => Security::Plaintext,
        "implicit" => Security::Tls,
        _ => Security::StartTls,
    };
    let mut flow = Flow {
        conversation: Conversation::new(Config::default()),
        server: Server::of(case, &mechanism(case)),
        reads: if case.has_greeting() { case.server[0].clone() } else { b"+OK\r\n".to_vec() }.into(),
        at_once,
        handshakes: 0,
    };
    if implicit {
        flow.conversation.tls_established(None).unwrap();
    }
    let mut result = flow.greet();
    let mut turns_left = usize::MAX;
    while result.is_ok() {
        // A login that fails here sends nothing, and the transcript would never end.
        if flow.server.turns.len() >= turns_left {
            tally.that(false, "a login that failed without a word");
            break;
        }
        turns_left = flow.server.turns.len();
        let (credentials, method) = credentials(case, &flow.server.turns);
        let policy = Policy::new().security(security).allow_plaintext(true).methods(method.map(Methods::from));
        result = flow.log_in(Login::new(credentials, policy));
        let again = flow
            .server
            .turns
            .front()
            .is_some_and(|(line, _)| ["USER ", "APOP ", "AUTH "].iter().any(|command| line.starts_with(command)));
        // The transcript may try again, which is up to the caller.
        match result {
            Err(error) if error.is_recoverable() && again && ending == Ending::AsAnswered => result = Ok(()),
            _ => break,
        }
    }
    let Flow { server, handshakes, .. } = flow;
    // Those transcripts do not contain the lines after the handshake.
    if let Some(wrong) = server.wrong.as_ref().filter(|_| ending != Ending::StartsTls) {
        tally.that(false, wrong);
    }
    judge_ending(ending, &result, handshakes, &server, tally);
}

/// Returns the mechanism that the transcript's first AUTH names.
fn mechanism(case: &Case) -> String {
    let auth = lines(case).find(|line| line.starts_with("AUTH "));
    let named = auth.as_deref().and_then(|line| line.split(' ').nth(1));
    named.unwrap_or(case.setting("mechanism", "")).to_owned()
}

/// A conversation with the recorded server.
struct Flow {
    conversation: Conversation,
    server: Server,
    /// Octets that the server has sent and the client has not read.
    reads: VecDeque<u8>,
    at_once: usize,
    handshakes: usize,
}

impl Flow {
    fn greet(&mut self) -> Result<(), Error> {
        while self.conversation.greet()? != Step::Done(()) {
            self.read(self.at_once);
        }
        Ok(())
    }

    fn log_in(&mut self, mut login: Login) -> Result<(), Error> {
        loop {
            match login.step(&mut self.conversation)? {
                Step::Done(Progress::LoggedIn) => return Ok(()),
                Step::Done(Progress::StartTls) => {
                    // All octets in the socket are plaintext.
                    if !self.reads.is_empty() {
                        self.read(usize::MAX);
                    }
                    self.conversation.tls_established(None)?;
                    self.handshakes += 1;
                }
                Step::NeedIo(Io::Look) => {
                    if !self.reads.is_empty() {
                        self.read(self.at_once);
                    }
                    self.conversation.looked();
                }
                Step::NeedIo(Io::Transfer) => {
                    let said = String::from_utf8_lossy(self.conversation.pending()).into_owned();
                    self.conversation.written(usize::MAX);
                    for line in said.split_terminator("\r\n") {
                        self.reads.extend(self.server.answer(line));
                    }
                    self.read(self.at_once);
                }
            }
        }
    }

    /// Reads octets, or the end of the stream if there are none.
    fn read(&mut self, at_most: usize) {
        let spare = self.conversation.spare();
        let len = self.reads.len().min(spare.len()).min(at_most);
        for (space, octet) in spare.iter_mut().zip(self.reads.drain(..len)) {
            *space = octet;
        }
        self.conversation.filled(len);
    }
}

fn judge_ending(ending: Ending, result: &Result<(), Error>, handshakes: usize, server: &Server, tally: &mut Tally) {
    let told = format!("{result:?}");
    let secrets = server.said.iter().any(|line| !["CAPA", "STLS"].contains(&line.as_str()));
    match ending {
        Ending::AsAnswered => {
            tally.that(
                server.said.len() > usize::from(server.said.first().is_some_and(|line| line == "CAPA")),
                "nothing was said",
            );
            if server.last.to_ascii_uppercase().starts_with(b"+OK") {
                tally.that(result.is_ok(), told);
            } else {
                // The login was refused or cancelled, and another one follows.
                tally.that(result.as_ref().is_err_and(Error::is_recoverable), told);
            }
        }
        Ending::Broken => {
            let broken =
                matches!(result, Err(error) if matches!(error.cause(), Cause::Protocol(_) | Cause::ClosedWhileIdle(_)));
            tally.that(broken, told);
        }
        Ending::ServerUnverified => {
            let unverified = result.as_ref().is_err_and(|error| match error.cause() {
                Cause::PrematureSuccess => true,
                Cause::Login(LoginError::Mechanism { error, .. }) => error == &MechanismError::ServerUnverified,
                _ => false,
            });
            tally.that(unverified && result.as_ref().is_err_and(|error| !error.is_recoverable()), told);
        }
        Ending::NoTls => {
            let no_tls = matches!(
                result.as_ref().map_err(Error::login),
                Err(Some(LoginError::NoStartTls | LoginError::CapaRefused(_) | LoginError::StartTlsRefused(_)))
            );
            tally.that(no_tls && handshakes == 0 && !secrets, told);
        }
        Ending::NotOffered => {
            let not_offered = matches!(result.as_ref().map_err(Error::login), Err(Some(LoginError::NotOffered(_))));
            tally.that(not_offered && !secrets, told);
        }
        Ending::Unsendable => {
            let unsendable = result
                .as_ref()
                .is_err_and(|error| matches!(error.cause(), Cause::Usage(_) | Cause::Login(LoginError::Unsendable(_))));
            tally.that(unsendable && !secrets, told);
        }
        Ending::StartsTls => tally.that(handshakes == 1, told),
    }
}
