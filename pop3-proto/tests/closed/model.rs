//! The client's side of the protocol, line by line, written from RFC 1939, 2449, 2595, 5034 and 6856, and from
//! `src/tolerance.md`.

use pop3_proto::{Awaiting, Kind, UsageError, Violation};

use crate::phase::Phase;
use crate::units::{End, LONGEST, Unit};

pub(crate) const MAX_ROWS: u32 = 2;
pub(crate) const MAX_BODY: usize = 4;
pub(crate) const MAX_CHALLENGES: u32 = 1;

/// The part of the oldest answer that comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Part {
    Status,
    Rows { end: End, count: u32 },
    Message { end: End, octets: usize, at: At, has_crlf: bool },
}

/// The position in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum At {
    /// At the beginning, or after CRLF.
    Start,
    AfterLf,
    Inside,
}

/// The exchange of AUTH.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Exchange {
    /// The client must respond.
    is_clients_turn: bool,
    has_cancelled: bool,
    has_sent_data: bool,
    challenges: u32,
}

/// What the caller should hear, in the order of the octets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Greeting,
    NoService,
    Ok,
    StartTls,
    Refused,
    Challenge,
    Row(String),
    /// The end of a listing or a message.
    End,
}

#[allow(clippy::struct_excessive_bools, reason = "the flags are independent")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Model {
    pub(crate) phase: Phase,
    /// The commands in flight, oldest first.
    pub(crate) owed: Vec<Kind>,
    part: Part,
    exchange: Exchange,
    pub(crate) tls: bool,
    utf8: bool,
    /// The line end of the first line of this layer.
    end: Option<End>,
    /// A blank line before this answer was skipped.
    has_skipped: bool,
    /// Octets arrived that answer nothing.
    has_unasked: bool,
    /// A secret was sent that has not led to a login.
    pub(crate) may_echo: bool,
    pub(crate) failed: bool,
}

/// A line, by its meaning.
#[derive(Clone, PartialEq, Eq)]
enum Line {
    Ok,
    Err,
    Challenge,
    Other(String),
}

impl Model {
    pub(crate) fn new() -> Model {
        let exchange = Exchange { is_clients_turn: false, has_cancelled: false, has_sent_data: false, challenges: 0 };
        Model {
            phase: Phase::Connected,
            owed: Vec::new(),
            part: Part::Status,
            exchange,
            tls: false,
            utf8: false,
            end: None,
            has_skipped: false,
            has_unasked: false,
            may_echo: false,
            failed: false,
        }
    }

    pub(crate) fn projected(&self) -> Phase {
        self.owed.iter().fold(self.phase, |phase, kind| phase.after(*kind, true).unwrap_or(phase))
    }

    pub(crate) fn is_over(&self) -> bool {
        self.failed || matches!(self.phase, Phase::Over { .. })
    }

    /// Returns true if the client must respond to a challenge.
    fn must_respond(&self) -> bool {
        self.owed.first() == Some(&Kind::Auth) && self.exchange.is_clients_turn
    }

    pub(crate) fn awaiting(&self) -> Awaiting {
        match (self.owed.first(), self.part, self.phase) {
            (Some(kind), Part::Rows { .. }, _) => Awaiting::Listing(*kind),
            (Some(kind), Part::Message { .. }, _) => Awaiting::Body(*kind),
            (Some(_), Part::Status, _) if self.must_respond() => Awaiting::Response,
            (Some(kind), Part::Status, _) => Awaiting::Status(*kind),
            (None, _, Phase::Connected) => Awaiting::Greeting,
            (None, _, Phase::Negotiation) => Awaiting::Handshake,
            (None, ..) => Awaiting::Nothing,
        }
    }

    fn open(&self) -> Result<(), UsageError> {
        if self.is_over() {
            return Err(UsageError::Over);
        }
        if self.has_unasked { Err(UsageError::Unsolicited) } else { Ok(()) }
    }

    pub(crate) fn send(&mut self, kind: Kind, has_data: bool) -> Result<(), UsageError> {
        self.open()?;
        if let Some(barrier @ (Kind::Stls | Kind::Auth | Kind::Quit)) = self.owed.last() {
            return Err(UsageError::Barrier(*barrier));
        }
        let projected = self.projected();
        if projected.after(kind, true).is_none() {
            return Err(UsageError::NotPermitted { kind, state: projected.state() });
        }
        if kind == Kind::Stls {
            if self.tls {
                return Err(UsageError::InsideTls);
            }
            if self.utf8 {
                return Err(UsageError::AfterUtf8);
            }
            if !self.owed.is_empty() {
                return Err(UsageError::InFlight);
            }
        }
        if kind == Kind::Auth {
            self.exchange =
                Exchange { is_clients_turn: false, has_cancelled: false, has_sent_data: has_data, challenges: 0 };
        }
        self.may_echo |= is_secret(kind);
        self.owed.push(kind);
        Ok(())
    }

    pub(crate) fn respond(&mut self, cancel: bool) -> Result<(), UsageError> {
        self.open()?;
        if !self.must_respond() {
            return Err(UsageError::NoChallenge);
        }
        self.exchange.is_clients_turn = false;
        self.exchange.has_cancelled = cancel;
        self.exchange.has_sent_data |= !cancel;
        Ok(())
    }

    pub(crate) fn handshake(&mut self, has_left: bool) -> Result<(), Violation> {
        let phase = match self.phase {
            Phase::Connected if !self.tls => Phase::Connected,
            Phase::Negotiation => Phase::Authorization { name_accepted: false },
            _ => return self.fail(Violation::NoHandshakeDue),
        };
        if has_left || self.has_unasked {
            return self.fail(Violation::PlaintextAfterStls);
        }
        (self.phase, self.tls, self.utf8, self.end) = (phase, true, false, None);
        Ok(())
    }

    pub(crate) fn eof(&mut self) -> Result<(), Violation> {
        if matches!(self.phase, Phase::Over { .. }) { Ok(()) } else { self.fail(Violation::Closed) }
    }

    pub(crate) fn fail<T>(&mut self, violation: Violation) -> Result<T, Violation> {
        self.failed = true;
        Err(violation)
    }

    /// Reads up to the next event other than octets of a message. Those are appended to `content`.
    pub(crate) fn receive(&mut self, left: &mut Vec<Unit>, content: &mut String) -> Result<Option<Heard>, Violation> {
        if matches!(self.part, Part::Message { .. }) {
            return self.receive_message(left, content);
        }
        if self.owed.is_empty() || self.must_respond() {
            return match self.phase {
                Phase::Connected => self.receive_greeting(left),
                Phase::Negotiation if left.is_empty() => Ok(None),
                Phase::Negotiation => self.fail(Violation::PlaintextAfterStls),
                Phase::Over { .. } => {
                    left.clear();
                    Ok(None)
                }
                _ => self.receive_unasked(left),
            };
        }
        let kind = self.owed[0];
        if let Part::Rows { end, count } = self.part {
            return self.receive_row(left, end, count);
        }
        loop {
            let Some((line, end)) = self.line(left, self.end)? else { return Ok(None) };
            if line == Line::Other(String::new()) && !self.has_skipped && kind != Kind::Stls {
                self.has_skipped = true;
                continue;
            }
            return self.receive_status(kind, &line, end, left).map(Some);
        }
    }

    fn receive_greeting(&mut self, left: &mut Vec<Unit>) -> Result<Option<Heard>, Violation> {
        let Some((line, _)) = self.line(left, self.end)? else { return Ok(None) };
        match line {
            Line::Ok => {
                self.phase = Phase::Authorization { name_accepted: false };
                self.judge(left);
                Ok(Some(Heard::Greeting))
            }
            Line::Err => {
                self.phase = Phase::Over { update: false };
                Ok(Some(Heard::NoService))
            }
            _ => self.fail(Violation::NotAStatus),
        }
    }

    fn receive_status(&mut self, kind: Kind, line: &Line, end: End, left: &[Unit]) -> Result<Heard, Violation> {
        match line {
            Line::Other(_) => self.fail(Violation::NotAStatus),
            Line::Challenge if kind != Kind::Auth || self.exchange.has_cancelled => {
                self.fail(Violation::UnexpectedChallenge)
            }
            Line::Challenge => {
                self.exchange.challenges += 1;
                if self.exchange.challenges > MAX_CHALLENGES {
                    return self.fail(Violation::TooManyChallenges);
                }
                self.exchange.is_clients_turn = true;
                self.judge(left);
                Ok(Heard::Challenge)
            }
            Line::Err => {
                self.answered(false, left);
                Ok(Heard::Refused)
            }
            Line::Ok => {
                // RFC 5034, section 4: a server cannot accept what it has not seen.
                if kind == Kind::Auth && (self.exchange.has_cancelled || !self.exchange.has_sent_data) {
                    return self.fail(Violation::PrematureSuccess);
                }
                if self.phase.after(kind, true).is_none() {
                    return self.fail(Violation::Impossible);
                }
                self.utf8 |= kind == Kind::Utf8;
                match kind {
                    Kind::Capa | Kind::AuthList | Kind::LangList | Kind::ListAll | Kind::UidlAll | Kind::RawListing => {
                        self.part = Part::Rows { end, count: 0 }
                    }
                    Kind::Retr | Kind::Top => {
                        self.part = Part::Message { end, octets: 0, at: At::Start, has_crlf: false };
                    }
                    _ => self.answered(true, left),
                }
                Ok(if kind == Kind::Stls { Heard::StartTls } else { Heard::Ok })
            }
        }
    }

    fn receive_row(&mut self, left: &mut Vec<Unit>, end: End, count: u32) -> Result<Option<Heard>, Violation> {
        let row = match self.line(left, Some(end))? {
            None => return Ok(None),
            Some((Line::Other(text), _)) => text,
            Some((Line::Ok, _)) => "+OK".to_owned(),
            Some((Line::Err, _)) => "-ERR".to_owned(),
            Some((Line::Challenge, _)) => "+ ".to_owned(),
        };
        if row == "." {
            self.answered(true, left);
            return Ok(Some(Heard::End));
        }
        if count == MAX_ROWS {
            return self.fail(Violation::TooManyRows { limit: MAX_ROWS });
        }
        self.part = Part::Rows { end, count: count + 1 };
        Ok(Some(Heard::Row(if row == ".." { ".".to_owned() } else { row })))
    }

    fn receive_message(&mut self, left: &mut Vec<Unit>, content: &mut String) -> Result<Option<Heard>, Violation> {
        while !left.is_empty() {
            let unit = left.remove(0);
            let Part::Message { end, octets, at, has_crlf } = self.part else { unreachable!("a message is awaited") };
            let begins_line = at == At::Start || (at == At::AfterLf && end == End::Lf);
            match unit {
                Unit::Dot(End::CrLf) if at == At::Start => {
                    self.answered(true, left);
                    return Ok(Some(Heard::End));
                }
                Unit::Dot(dot) if begins_line && end == End::Lf => {
                    // After a bare LF, the dot is sure only if no line ended in CRLF.
                    if at == At::AfterLf && (has_crlf || dot == End::CrLf) {
                        return self.fail(Violation::AmbiguousEnd);
                    }
                    self.answered(true, left);
                    return Ok(Some(Heard::End));
                }
                _ => {}
            }
            let is_stuffed = begins_line && matches!(unit, Unit::Dot(_) | Unit::Dots(_));
            let text = &unit.octets()[usize::from(is_stuffed)..];
            let room = MAX_BODY - octets;
            content.push_str(&text[..text.len().min(room)]);
            if text.len() > room {
                return self.fail(Violation::BodyTooLong { limit: MAX_BODY as u64 });
            }
            let at = match (unit.end(), end) {
                (Some(End::CrLf), _) => At::Start,
                (Some(End::Lf), End::Lf) => At::AfterLf,
                _ => At::Inside,
            };
            let has_crlf = has_crlf || (end == End::Lf && at == At::Start);
            self.part = Part::Message { end, octets: octets + text.len(), at, has_crlf };
        }
        Ok(None)
    }

    /// Nothing was asked: one blank line waits for the next answer, and the text of an autologout is read.
    fn receive_unasked(&mut self, left: &mut Vec<Unit>) -> Result<Option<Heard>, Violation> {
        self.judge(left);
        if !self.has_unasked {
            return Ok(None);
        }
        if !left.first().is_some_and(|unit| unit.octets().starts_with('-')) {
            return self.fail(Violation::Unsolicited);
        }
        let Some(_) = self.line(left, self.end)? else { return Ok(None) };
        self.fail(Violation::Unsolicited)
    }

    fn answered(&mut self, accepted: bool, left: &[Unit]) {
        let kind = self.owed.remove(0);
        // A refusal of what the phase does not permit changes nothing.
        self.phase = self.phase.after(kind, accepted).unwrap_or(self.phase);
        self.may_echo &= self.phase != Phase::Transaction || self.owed.iter().any(|kind| is_secret(*kind));
        (self.part, self.has_skipped) = (Part::Status, false);
        if self.owed.is_empty() {
            self.judge(left);
        }
    }

    /// Notes whether there are octets although nothing is owed.
    fn judge(&mut self, left: &[Unit]) {
        let is_fine = match (left, self.phase) {
            ([], _) | (_, Phase::Over { .. }) => true,
            (_, Phase::Negotiation) => false,
            ([Unit::Blank(End::CrLf)], _) => true,
            ([Unit::Blank(End::Lf)], _) => self.end == Some(End::Lf),
            _ => false,
        };
        self.has_unasked |= !is_fine;
    }

    /// Takes one line, which must end in CRLF if `end` does, or returns `None` if it is not complete.
    fn line(&mut self, left: &mut Vec<Unit>, end: Option<End>) -> Result<Option<(Line, End)>, Violation> {
        let mut text = String::new();
        let mut units = 0;
        let found = loop {
            let Some(unit) = left.get(units) else { return Ok(None) };
            if *unit == Unit::Long {
                return self.fail(Violation::LineTooLong { limit: LONGEST });
            }
            units += 1;
            text.push_str(unit.octets());
            if let Some(end) = unit.end() {
                break end;
            }
        };
        if found == End::Lf && end == Some(End::CrLf) {
            return self.fail(Violation::BareLf);
        }
        text.truncate(text.len() - if found == End::Lf { 1 } else { 2 });
        if text.contains('\r') {
            return self.fail(Violation::BareCr);
        }
        left.drain(..units);
        if !text.is_empty() {
            self.end.get_or_insert(found);
        }
        let line = match text.as_str() {
            "+OK" => Line::Ok,
            "-ERR" => Line::Err,
            "+ " => Line::Challenge,
            _ => Line::Other(text),
        };
        Ok(Some((line, found)))
    }

    /// Returns true if no further octets can lead to an orderly end of the session.
    pub(crate) fn is_doomed(&self, left: &[Unit]) -> bool {
        // The end of the last line that makes a dot the terminator, which must fit within the limit.
        let needs = match self.part {
            Part::Message { at: At::Start, .. } => 0,
            Part::Message { end: End::CrLf, .. } | Part::Message { has_crlf: true, .. } => 2,
            Part::Message { at: At::Inside, .. } => 1,
            _ => 0,
        };
        let is_full = match self.part {
            Part::Message { octets, .. } => octets + needs > MAX_BODY,
            Part::Rows { count, .. } => count == MAX_ROWS && left == [Unit::Dash],
            Part::Status => false,
        };
        // One blank line is skipped before an answer, and none before the answer to STLS.
        let skips = !self.has_skipped && self.owed != [Kind::Stls];
        let is_shifted = !self.owed.is_empty() && !skips && matches!(left, [Unit::Blank(_), ..]);
        self.failed || self.has_unasked || is_full || is_shifted
    }
}

/// RFC 1939, section 7, and RFC 5034: the octets of these may be a secret.
fn is_secret(kind: Kind) -> bool {
    matches!(kind, Kind::Pass | Kind::Apop | Kind::Auth | Kind::Raw | Kind::RawListing)
}
