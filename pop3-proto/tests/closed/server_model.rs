//! The server's side of the protocol, written from RFC 1939, 2449, 2595, 5034 and 6856, and from the documentation of
//! `ServerConfig`.

use pop3_proto::Kind;

use crate::phase::Phase;

/// Something that a client sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Line {
    pub(crate) octets: &'static str,
    pub(crate) meaning: Meaning,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Meaning {
    Command(Kind),
    /// USER, or AUTH with a mechanism that shows the password.
    Revealing(Kind),
    /// AUTH without an initial response.
    Waiting,
    /// Both.
    RevealingWaiting,
    /// TOP with this number of lines.
    Top(u32),
    Unknown,
    BadArguments(Kind),
}

/// The next step, and who takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Due {
    Greeting,
    /// A command line.
    Line,
    /// A line inside AUTH.
    Response,
    Answer(Kind),
    /// Only a challenge or a refusal.
    Challenge,
    Refusal,
    /// A refusal that ends the session.
    LastRefusal,
    Rows,
    Message(Message),
}

/// A message that is being sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Message {
    at: At,
    /// For TOP, the number of lines of the body that are still to be sent.
    lines: Option<u32>,
    in_body: bool,
    /// The current line is empty, apart from a CR.
    is_blank: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum At {
    Start,
    AfterCr,
    Inside,
}

/// What a server should report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Command(Kind),
    Data,
    Cancel,
    Unknown,
    Arguments(Kind),
    NotPermitted(Kind),
    NoStls,
    Unprotected(Kind),
    TooLong,
    TooMuch,
}

/// The limits of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Limits {
    pub(crate) plaintext_login: bool,
    pub(crate) max_refusals: u32,
    pub(crate) max_before_login: usize,
}

/// The least limit for the length of a line.
pub(crate) const LONGEST: usize = 255;

#[allow(clippy::struct_excessive_bools, reason = "the flags are independent")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Model {
    limits: Limits,
    pub(crate) phase: Phase,
    pub(crate) due: Due,
    pub(crate) tls: bool,
    utf8: bool,
    refusals: u32,
    /// The octets that the client may still send before the login.
    allowance: usize,
    /// The rest of a long line is coming.
    discards: bool,
    /// Octets followed STLS before TLS.
    injected: bool,
    /// The number of lines of the TOP that is due.
    top: Option<u32>,
}

impl Model {
    pub(crate) fn new(limits: Limits) -> Model {
        Model {
            limits,
            phase: Phase::Connected,
            due: Due::Greeting,
            tls: false,
            utf8: false,
            refusals: 0,
            allowance: limits.max_before_login,
            discards: false,
            injected: false,
            top: None,
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over { .. })
    }

    pub(crate) fn close(&mut self) {
        if !self.is_over() {
            self.phase = Phase::Over { update: false };
        }
    }

    pub(crate) fn permits_plaintext(&self) -> bool {
        self.tls || self.limits.plaintext_login
    }

    pub(crate) fn offers_stls(&self) -> bool {
        !self.tls && !self.utf8 && matches!(self.phase, Phase::Authorization { .. })
    }

    pub(crate) fn wants_request(&self) -> bool {
        matches!(self.due, Due::Line | Due::Response) && self.phase != Phase::Negotiation && !self.is_over()
    }

    pub(crate) fn greet(&mut self, welcome: bool) -> bool {
        if self.due != Due::Greeting || self.is_over() {
            return false;
        }
        if welcome {
            self.phase = Phase::Authorization { name_accepted: false };
            self.due = Due::Line;
        } else {
            self.phase = Phase::Over { update: false };
        }
        true
    }

    /// Reads the next line, if it is complete and one is due. `Err` is an injection.
    pub(crate) fn receive(&mut self, left: &mut Vec<Line>) -> Result<Option<Heard>, ()> {
        // RFC 2595, section 4: nothing may come between STLS and TLS.
        let waits = self.due == Due::Answer(Kind::Stls);
        self.injected |= waits && !left.is_empty();
        if (self.injected && !waits) || (self.phase == Phase::Negotiation && !left.is_empty()) {
            self.injected = true;
            self.close();
            return Err(());
        }
        if self.is_over() {
            left.clear();
        }
        if !self.wants_request() {
            return Ok(None);
        }
        if self.discards && !left.is_empty() {
            let rest = left.remove(0).octets;
            self.discards = !rest.ends_with('\n');
            if !self.pays(rest.len()) {
                left.clear();
                self.close();
                return Ok(None);
            }
        }
        let text: String = left.iter().map(|line| line.octets).collect();
        let complete = left.iter().position(|line| line.octets.ends_with('\n'));
        let length = complete.map_or(text.len(), |last| left[..=last].iter().map(|line| line.octets.len()).sum());
        if length >= LONGEST && !text[..LONGEST].contains('\n') {
            assert_eq!((length, left.len()), (LONGEST, 1), "long lines arrive alone");
            left.clear();
            self.discards = true;
            return Ok(Some(if self.pays(length) { self.too_long() } else { self.too_much() }));
        }
        let Some(last) = complete else { return Ok(None) };
        let line: Vec<_> = left.drain(..=last).collect();
        if !self.pays(length) {
            return Ok(Some(self.too_much()));
        }
        // A line in two parts has the meaning of its last part.
        let meaning = line[last].meaning;
        let is_response = self.due == Due::Response;
        let heard = if is_response { self.read_response(&text[..length]) } else { self.read(meaning) };
        self.injected = self.due == Due::Answer(Kind::Stls) && !left.is_empty();
        Ok(Some(heard))
    }

    fn pays(&mut self, octets: usize) -> bool {
        if self.phase == Phase::Transaction {
            return true;
        }
        let can_pay = octets <= self.allowance;
        self.allowance = self.allowance.saturating_sub(octets);
        self.discards &= can_pay;
        can_pay
    }

    fn too_long(&mut self) -> Heard {
        self.due = if self.due == Due::Response { Due::LastRefusal } else { Due::Refusal };
        Heard::TooLong
    }

    fn too_much(&mut self) -> Heard {
        self.due = Due::LastRefusal;
        Heard::TooMuch
    }

    fn read_response(&mut self, line: &str) -> Heard {
        if line.trim_end() == "*" {
            self.due = Due::Refusal;
            return Heard::Cancel;
        }
        self.due = Due::Answer(Kind::Auth);
        Heard::Data
    }

    fn read(&mut self, meaning: Meaning) -> Heard {
        self.due = Due::Refusal;
        self.top = None;
        let (kind, reveals, waits) = match meaning {
            Meaning::Unknown => return Heard::Unknown,
            Meaning::BadArguments(kind) => return Heard::Arguments(kind),
            Meaning::Command(kind) => (kind, false, false),
            Meaning::Revealing(kind) => (kind, true, false),
            Meaning::Waiting => (Kind::Auth, false, true),
            Meaning::RevealingWaiting => (Kind::Auth, true, true),
            Meaning::Top(_) => (Kind::Top, false, false),
        };
        if self.phase.after(kind, true).is_none() {
            return Heard::NotPermitted(kind);
        }
        if kind == Kind::Stls && !self.offers_stls() {
            return Heard::NoStls;
        }
        if reveals && !self.permits_plaintext() {
            return Heard::Unprotected(kind);
        }
        if let Meaning::Top(lines) = meaning {
            self.top = Some(lines);
        }
        self.due = if waits { Due::Challenge } else { Due::Answer(kind) };
        Heard::Command(kind)
    }

    pub(crate) fn accept(&mut self) -> bool {
        let Due::Answer(kind) = self.due else { return false };
        let Some(phase) = self.phase.after(kind, true) else { return false };
        self.phase = phase;
        self.utf8 |= kind == Kind::Utf8;
        self.due = match kind {
            Kind::Capa | Kind::AuthList | Kind::LangList | Kind::ListAll | Kind::UidlAll => Due::Rows,
            Kind::Retr | Kind::Top => {
                Due::Message(Message { at: At::Start, lines: self.top, in_body: false, is_blank: true })
            }
            _ => Due::Line,
        };
        true
    }

    pub(crate) fn refuse(&mut self) -> bool {
        let phase = match self.due {
            _ if self.is_over() => None,
            Due::Answer(kind) => self.phase.after(kind, false),
            Due::Challenge => self.phase.after(Kind::Auth, false),
            // RFC 1939, section 7: a name is accepted only for the next command.
            Due::Refusal | Due::LastRefusal => match self.phase {
                Phase::Authorization { .. } => Some(Phase::Authorization { name_accepted: false }),
                phase => Some(phase),
            },
            _ => None,
        };
        let Some(phase) = phase else { return false };
        let was_last = self.due == Due::LastRefusal;
        (self.phase, self.due, self.injected) = (phase, Due::Line, false);
        if let Phase::Authorization { .. } = phase {
            self.refusals += 1;
            if was_last || self.refusals >= self.limits.max_refusals {
                self.close();
            }
        }
        true
    }

    pub(crate) fn challenge(&mut self) -> bool {
        let is_due = matches!(self.due, Due::Challenge | Due::Answer(Kind::Auth)) && !self.is_over();
        if is_due {
            self.due = Due::Response;
        }
        is_due
    }

    pub(crate) fn may_send_row(&self) -> bool {
        self.due == Due::Rows && !self.is_over()
    }

    pub(crate) fn wants_body(&self) -> bool {
        matches!(self.due, Due::Message(message) if !message.is_complete()) && !self.is_over()
    }

    /// Returns the octets that are sent for one octet of the message.
    pub(crate) fn body(&mut self, octet: u8) -> Option<&'static str> {
        if self.is_over() {
            return None;
        }
        let Due::Message(message) = &mut self.due else { return None };
        if message.is_complete() {
            return Some("");
        }
        let (at, sent) = match (octet, message.at) {
            (b'.', At::Start) => (At::Inside, ".."),
            (b'.', _) => (At::Inside, "."),
            (b'\n', At::AfterCr) => (At::Start, "\n"),
            (b'\n', _) => (At::Start, "\r\n"),
            (b'\r', _) => (At::AfterCr, "\r"),
            _ => (At::Inside, "x"),
        };
        if octet == b'\n' {
            message.end_line();
        } else {
            message.is_blank &= message.at == At::Start && octet == b'\r';
        }
        message.at = at;
        Some(sent)
    }

    pub(crate) fn end(&mut self) -> Option<&'static str> {
        if self.is_over() {
            return None;
        }
        let end = match self.due {
            Due::Rows => ".\r\n",
            Due::Message(message) => match message.at {
                At::Start => ".\r\n",
                At::AfterCr => "\n.\r\n",
                At::Inside => "\r\n.\r\n",
            },
            _ => return None,
        };
        self.due = Due::Line;
        Some(end)
    }

    /// `Err(true)` is an injection, and `Err(false)` a handshake that is not due.
    pub(crate) fn handshake(&mut self, has_left: bool) -> Result<(), bool> {
        if self.injected || (self.phase == Phase::Negotiation && has_left) {
            self.injected = true;
            self.close();
            return Err(true);
        }
        if self.phase != Phase::Negotiation {
            return Err(false);
        }
        (self.phase, self.tls) = (Phase::Authorization { name_accepted: false }, true);
        Ok(())
    }
}

impl Message {
    fn is_complete(&self) -> bool {
        self.in_body && self.lines == Some(0)
    }

    fn end_line(&mut self) {
        if self.lines.is_none() {
            return;
        }
        if self.in_body {
            self.lines = self.lines.map(|lines| lines - 1);
        } else {
            self.in_body = self.is_blank;
        }
        self.is_blank = true;
    }
}
