//! Opening a session from its settings, in the steps of an adapter: a URL, a netrc file, TLS by a stand-in, deadlines
//! on a virtual clock, the log, and QUIT. The server says anything.
#![no_main]

use std::error::Error as _;
use std::fmt::Write as _;
use std::io::ErrorKind as Kind;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use pop3_fuzz::login::{PASSWORD, TOKEN, forms, spoken};
use pop3_fuzz::naive_netrc::{entries, select};
use pop3_fuzz::naive_url;
use pop3_proto::drive::{Acknowledge, Call, Conversation, Deadlines, Io, OwnedRefusal, SettingsError, Step, Timeouts};
use pop3_proto::login::{Connect, Credentials, LoginFailed, Progress, Security, netrc};
use pop3_proto::wire::Code;
use pop3_proto::{Cause, Command, Error, ErrorKind, QuitError, State};

fuzz_target!(|input: &[u8]| {
    let Some((&[settings, pace], rest)) = input.split_first_chunk() else { return };
    let mut parts = rest.split(|&octet| octet == 2);
    let [url, netrc] = [parts.next(), parts.next()].map(Option::unwrap_or_default);
    let Ok(url) = std::str::from_utf8(url) else { return };
    let connect = connect(settings, url);

    let credentials = connect.find_credentials(|host, user| {
        netrc::find(netrc, host, user).map_err(|error| SettingsError::Netrc(error.into()).into())
    });
    let expected = Identity::find(settings, url, netrc);
    let found = match &credentials {
        Ok(credentials) => Ok(credentials.user().as_bytes().to_vec()),
        Err(error) => {
            judge_error(error);
            Err(match error.cause() {
                Cause::Settings(SettingsError::NoCredentials { .. }) => "missing",
                Cause::Settings(SettingsError::Netrc(_)) => "netrc",
                _ => panic!("{error}"),
            })
        }
    };
    assert_eq!(found, expected.as_ref().map(|identity| identity.user.clone()).map_err(|error| *error));
    let (Ok(credentials), Ok(identity)) = (credentials, expected) else { return };
    let turns: Vec<&[u8]> = parts.collect();
    let said = [url.as_bytes(), &turns.concat()].concat();
    // A server that finds a part of the secret by itself may show it.
    let finds = |form: &[u8]| said.windows(4).any(|part| form.windows(4).any(|of| of == part));
    let secret = identity.secret.filter(|secret| !finds(secret)).unwrap_or_default();

    let log = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&log);
    let connect = connect.log(move |entry| sink.lock().expect("it is not poisoned").push(entry.to_string()));
    let shown = format!("{connect:?} {credentials:?}");
    let mut link = Link::new(&connect, pace, settings & 0x10 != 0, &turns);
    let result = link.open(&connect, credentials);

    judge_wire(connect.get_policy().security, settings & 1 != 0, &link.clear);
    let mut shown = shown + &format!("{:?}", link.conversation);
    if let Err(error) = &result {
        shown += &judge_error(error);
    } else {
        assert_eq!(link.conversation.client().state(), State::Transaction);
    }
    if result.as_ref().err().is_none_or(Error::is_recoverable) {
        shown += &link.quit();
    }
    if let Err(error) = result {
        let text = error.to_string();
        let failed = LoginFailed { connection: Some(()), error };
        assert_eq!(failed.source().is_some(), failed.error.source().is_some());
        assert_eq!(failed.to_string(), text);
        write!(shown, "{failed:?}").expect("a String grows");
        let error = Error::from(Box::new(failed));
        let (is_truncated, is_late) = (error.is_truncated(), error.kind() == ErrorKind::TimedOut);
        let error = std::io::Error::from(error);
        assert_eq!((error.kind() == Kind::UnexpectedEof, error.kind() == Kind::TimedOut), (is_truncated, is_late));
        assert_eq!(error.downcast::<Error>().expect("it is inside").to_string(), text);
    }
    let log = log.lock().expect("it is not poisoned");
    judge_log(&log, &link.all);
    assert_eq!(log.iter().any(|entry| entry == "-- TLS established"), link.conversation.client().inside_tls());
    shown += &log.concat();
    for form in forms(&secret).iter().filter(|form| !finds(form)) {
        assert!(!shown.as_bytes().windows(form.len()).any(|part| part == form), "{shown}");
    }
});

/// Returns the settings. The bits stand for: plaintext permitted, STLS, a password, a token, a channel binding, short
/// time limits, credentials that act for another user, a password that is asked for.
fn connect(bits: u8, url: &str) -> Connect {
    let mut connect = url.parse::<Connect>().unwrap_or_default();
    connect = connect.default_host(Some("h".into())).allow_plaintext(bits & 1 != 0);
    if bits & 2 != 0 {
        connect = connect.security(Security::StartTls);
    }
    if bits & 0x20 != 0 {
        let limit = Duration::from_secs(10);
        connect = connect.timeouts(Timeouts::new().each(limit).login(4 * limit).connect(limit));
    }
    match bits & 0xCC {
        0 => connect,
        4 => connect.password(PASSWORD),
        8 => connect.credentials(Credentials::token("mrose", TOKEN)),
        0x80 => connect.credentials(Credentials::ask("mrose", |_| Some(PASSWORD.to_owned().into()))),
        0x84 => connect.credentials(Credentials::ask("mrose", |_| None)),
        0x88 => connect.credentials(Credentials::ask_token("mrose", |_| Some(TOKEN.to_owned().into()))),
        0xC0 => connect.credentials(Credentials::external()),
        _ => connect.credentials(Credentials::new("root", PASSWORD).acting_for("mrose")),
    }
}

/// The name and the secret of a login.
struct Identity {
    user: Vec<u8>,
    secret: Option<Vec<u8>>,
}

impl Identity {
    /// Finds them as `connect` has to, in the URL and in the netrc file.
    fn find(bits: u8, url: &str, netrc: &[u8]) -> Result<Identity, &'static str> {
        let named = |user: &str, secret: &str| Ok(Identity { user: user.into(), secret: Some(secret.into()) });
        let given = match bits & 0xCC {
            0 => None,
            4 => Some(PASSWORD),
            8 | 0x88 => return named("mrose", TOKEN),
            0x80 | 0x84 => return named("mrose", PASSWORD),
            0xC0 => return Ok(Identity { user: Vec::new(), secret: None }),
            _ => return named("root", PASSWORD),
        };
        let url = naive_url::url(url);
        let host = url.as_ref().map_or("h", |url| &url.host);
        let user = url.as_ref().and_then(|url| url.user.as_deref());
        if let (Some(user), Some(secret)) = (user, given) {
            return Ok(Identity { user: user.into(), secret: Some(secret.into()) });
        }
        let entry = select(&entries(netrc).ok_or("netrc")?, host, user).ok_or("missing")?;
        if [&entry.login, &entry.password].into_iter().any(|text| std::str::from_utf8(text).is_err()) {
            return Err("netrc");
        }
        let user = user.map_or(entry.login, Into::into);
        if user.is_empty() || (given.is_none() && entry.password.is_empty()) {
            return Err("missing");
        }
        // Other passwords may be words of an error's text.
        let own = Some(entry.password).filter(|password| password.starts_with(b"ABCD") && password.len() >= 8);
        Ok(Identity { user, secret: given.map(Into::into).or(own) })
    }
}

/// A step that fails, although the server said nothing wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fails {
    Connecting,
    Tls,
}

struct Link<'a> {
    conversation: Conversation,
    deadlines: Deadlines,
    /// The limit of the whole login.
    limit: Duration,
    /// The time of a read, and the maximum number of its octets.
    cost: Duration,
    piece: usize,
    bound: bool,
    fails: Option<Fails>,
    turns: std::slice::Iter<'a, &'a [u8]>,
    arrived: Vec<u8>,
    /// The octets sent without TLS, and all octets sent.
    clear: Vec<u8>,
    all: Vec<u8>,
    waited: Duration,
}

impl<'a> Link<'a> {
    fn new(connect: &Connect, pace: u8, bound: bool, turns: &'a [&'a [u8]]) -> Link<'a> {
        let mut turns = turns.iter();
        Link {
            conversation: connect.conversation(),
            deadlines: Deadlines::new(connect.get_timeouts()),
            limit: connect.get_timeouts().login,
            cost: Duration::from_secs((pace >> 4).into()),
            piece: match pace % 16 {
                0 => usize::MAX,
                octets => octets.into(),
            },
            bound,
            fails: match pace >> 4 {
                15 => Some(Fails::Connecting),
                14 => Some(Fails::Tls),
                _ => None,
            },
            arrived: turns.next().map(|turn| turn.to_vec()).unwrap_or_default(),
            turns,
            clear: Vec::new(),
            all: Vec::new(),
            waited: Duration::ZERO,
        }
    }

    /// Connects and logs in.
    fn open(&mut self, connect: &Connect, credentials: Credentials) -> Result<(), Error> {
        let limit = self.deadlines.connection().expect("no time has passed");
        assert_eq!(limit, connect.get_timeouts().connect);
        self.deadlines.spent(self.cost.min(limit), 0);
        if self.fails == Some(Fails::Connecting) {
            let (host, port) = connect.server().expect("it has a host");
            let error = std::io::Error::from(Kind::ConnectionRefused).into();
            return Err(Error::new("connecting", Cause::Unreachable { host: host.into(), port, error }));
        }
        let mut login = connect.login(credentials);
        loop {
            match login.step(&mut self.conversation) {
                Ok(Step::NeedIo(io)) => self.io(io),
                Ok(Step::Done(Progress::LoggedIn)) => return Ok(()),
                Ok(Step::Done(Progress::StartTls)) => {
                    assert_ne!(connect.get_policy().security, Security::Plaintext, "TLS was not asked for");
                    assert!(!self.conversation.client().inside_tls(), "TLS begins once");
                    let is_first = self.conversation.client().state() == State::Greeting;
                    assert_eq!(is_first, connect.get_policy().security == Security::Tls);
                    self.write();
                    if let Err(timed_out) = self.deadlines.handshake() {
                        self.conversation.abort(timed_out);
                        continue;
                    }
                    if self.fails == Some(Fails::Tls) {
                        self.conversation.abort(std::io::Error::from(Kind::InvalidData));
                        continue;
                    }
                    self.conversation.tls_established(self.bound.then(|| vec![7; 32].into()))?;
                }
                Err(error) => {
                    self.write();
                    return Err(error);
                }
            }
        }
    }

    fn write(&mut self) {
        let said = self.conversation.pending().to_vec();
        self.conversation.written(said.len());
        self.all.extend(&said);
        if !self.conversation.client().inside_tls() {
            self.clear.extend(&said);
        }
        if !said.is_empty() {
            self.arrived.extend(self.turns.next().map(|turn| spoken(turn, &self.all)).unwrap_or_default());
        }
    }

    fn io(&mut self, io: Io) {
        self.write();
        if io == Io::Transfer || !self.arrived.is_empty() {
            match self.deadlines.answer(&self.conversation) {
                Ok(left) => assert!(!left.is_zero()),
                Err(timed_out) => return self.conversation.abort(timed_out),
            }
            let spare = self.conversation.spare();
            let len = self.piece.min(self.arrived.len()).min(spare.len());
            spare[..len].copy_from_slice(&self.arrived[..len]);
            self.arrived.drain(..len);
            self.conversation.filled(len);
            self.deadlines.spent(self.cost, len);
            self.waited += self.cost;
            let limit = self.limit;
            let logged_in = self.conversation.client().state() == State::Transaction;
            assert!(logged_in || self.waited <= limit.saturating_add(self.cost), "{:?} of {limit:?}", self.waited);
        }
        if io == Io::Look {
            self.conversation.looked();
        }
    }

    /// Ends the session, and returns the text of the error, if there is one.
    fn quit(&mut self) -> String {
        let mut quit = Call::new(Acknowledge(Command::Quit));
        let written = self.all.len();
        let result = loop {
            match self.conversation.step(&mut quit) {
                Ok(Step::NeedIo(io)) => self.io(io),
                Ok(Step::Done(())) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.write();
        let was_sent = self.all[written..].windows(6).any(|sent| sent == b"QUIT\r\n");
        assert_eq!(quit.is_sent(), was_sent);
        let Err(error) = result else {
            assert!(was_sent, "law 11: no answer without a QUIT");
            return String::new();
        };
        let error = quit.quit_error(error);
        // Whether the deletions were committed is not invented.
        assert_eq!(matches!(error, QuitError::NotSent(_)), !was_sent, "law 11: {error:?}");
        assert_eq!(error.source().is_some(), !matches!(error, QuitError::Refused(_)));
        format!("{error} {error:?}")
    }
}

/// Checks what was sent without TLS.
fn judge_wire(security: Security, allows_plaintext: bool, clear: &[u8]) {
    let wire = String::from_utf8_lossy(clear);
    let lines = || wire.split_terminator("\r\n");
    match security {
        Security::Tls => assert!(wire.is_empty(), "before TLS: {wire}"),
        Security::StartTls => {
            assert!(lines().all(|line| matches!(line, "CAPA" | "STLS" | "QUIT")), "before TLS: {wire}");
        }
        Security::Plaintext if allows_plaintext => {}
        Security::Plaintext => {
            let telling = ["USER", "PASS", "AUTH PLAIN", "AUTH LOGIN", "AUTH XOAUTH2", "AUTH OAUTHBEARER"];
            assert!(!lines().any(|line| telling.iter().any(|telling| line.starts_with(telling))), "{wire}");
        }
    }
}

/// Checks that the log has one line for each line that was sent, and shows only what may be shown.
fn judge_log(log: &[String], sent: &[u8]) {
    assert!(log.iter().all(|entry| !entry.chars().any(char::is_control)), "{log:?}");
    let logged: Vec<&str> = log.iter().filter_map(|entry| entry.strip_prefix("C: ")).collect();
    let text = String::from_utf8_lossy(sent);
    let lines: Vec<&str> = text.split_terminator("\r\n").collect();
    assert_eq!(logged.len(), lines.len(), "{log:?}");
    let mut in_auth = false;
    for (logged, line) in logged.into_iter().zip(lines) {
        let mut words = line.split(' ');
        let keyword = words.next().unwrap_or_default();
        // A response may look like a command.
        let is_response = in_auth && logged == "***";
        match keyword {
            _ if is_response => {}
            "PASS" => assert_eq!(logged, "PASS ***"),
            "APOP" => assert!(logged.ends_with(" ***")),
            "AUTH" => {
                let mechanism = words.next().unwrap_or_default();
                let secret = if words.next().is_some() { " ***" } else { "" };
                assert_eq!(logged, format!("AUTH {mechanism}{secret}"));
            }
            _ => assert_eq!(logged, line.escape_debug().to_string()),
        }
        in_auth |= keyword == "AUTH";
    }
}

/// Checks that the parts of an error agree with each other, and returns all texts of it.
fn judge_error(error: &Error) -> String {
    let mut shown = format!("{error}");
    let mut source = error.source();
    while let Some(inner) = source {
        write!(shown, ": {inner}").expect("a String grows");
        source = inner.source();
    }
    assert!(!shown.chars().any(char::is_control), "{shown:?}");
    write!(shown, " {error:?}").expect("a String grows");
    let kind = error.kind();
    let code = error.refused().and_then(OwnedRefusal::code);
    let by_code = code.and_then(|code| match code {
        Code::Auth => Some(ErrorKind::Credentials),
        Code::InUse => Some(ErrorKind::InUse),
        Code::LoginDelay | Code::Sys | Code::SysTemp => Some(ErrorKind::Temporary),
        Code::SysPerm => Some(ErrorKind::Refused),
        _ => None,
    });
    let before_login = matches!(error.cause(), Cause::Refused(_)) || kind == ErrorKind::Unsupported;
    if let Some(by_code) = by_code.filter(|_| !before_login) {
        assert!(kind == by_code || kind == ErrorKind::Usage || kind == ErrorKind::Protocol, "{kind:?}: {shown}");
    }
    let passes =
        [ErrorKind::InUse, ErrorKind::Temporary, ErrorKind::Unreachable, ErrorKind::TimedOut, ErrorKind::Disconnected];
    assert_eq!(error.is_transient(), passes.contains(&kind), "{shown}");
    assert!(error.retry_after().is_none() || code == Some(Code::LoginDelay), "{shown}");
    assert!(!error.is_truncated() || kind == ErrorKind::Disconnected, "{shown}");
    assert!(kind != ErrorKind::TimedOut || !error.is_recoverable(), "{shown}");
    match error.cause() {
        Cause::TimedOut(_) => assert_eq!(kind, ErrorKind::TimedOut),
        Cause::Unreachable { .. } => assert_eq!(
            (kind, error.io().map(std::io::Error::kind)),
            (ErrorKind::Unreachable, Some(Kind::ConnectionRefused))
        ),
        Cause::Settings(_) => assert_eq!(kind, ErrorKind::Usage),
        _ => {}
    }
    shown
}
