//! How long a server is waited for, without a clock: deadlines that whoever waits counts down.
//!
//! The core never waits, so it cannot keep time; but it knows what is waited for, and what is a new wait and what goes on
//! being the same one. An adapter asks before each wait how long that may last, and tells afterwards how long it was and
//! how many octets came. Time in which nobody asks the server for anything is never told, and does not count.
//!
//! ```
//! use core::time::Duration;
//! use pop3_proto::Config;
//! use pop3_proto::drive::{Conversation, Deadlines, Timeouts};
//!
//! let conversation = Conversation::new(Config::default());
//! let mut deadlines = Deadlines::new(Timeouts::default().each(Duration::from_secs(30)));
//! assert_eq!(deadlines.answer(&conversation), Ok(Duration::from_secs(30)));
//! deadlines.spent(Duration::from_secs(20), 1); // one octet of the greeting
//! assert_eq!(deadlines.answer(&conversation), Ok(Duration::from_secs(10)));
//! deadlines.spent(Duration::from_secs(10), 1);
//! let overdue = deadlines.answer(&conversation).unwrap_err();
//! assert_eq!(overdue.to_string(), "the server sent no greeting for 30 s");
//! ```

use core::fmt;
use core::time::Duration;

use crate::client::Ticket;
use crate::drive::conversation::Conversation;
use crate::error::Awaiting;
use crate::state::State;
use crate::wire::kind::Kind;

/// How long things may take. [`Duration::MAX`] is for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timeouts {
    /// Connecting to one address. 30 seconds by default.
    pub connect: Duration,
    /// The TLS handshake, all of it. 60 seconds by default.
    pub handshake: Duration,
    /// The greeting, to the end of its line. 60 seconds by default.
    pub greeting: Duration,
    /// The answer to one command, to the end of its status line; for AUTH with all its challenges. It begins when all
    /// earlier answers have come and somebody waits for it. 60 seconds by default.
    pub answer: Duration,
    /// How long the next [`octets`](Self::octets) of a message or a listing may take. 60 seconds by default.
    pub interval: Duration,
    /// How many octets of a message or a listing must come in an [`interval`](Self::interval), unless it ends. 256 by
    /// default.
    pub octets: u32,
    /// All waiting until somebody is logged in, connecting included. 120 seconds by default.
    pub login: Duration,
}

impl Timeouts {
    /// No limits at all.
    pub const UNLIMITED: Timeouts = Timeouts {
        connect: Duration::MAX,
        handshake: Duration::MAX,
        greeting: Duration::MAX,
        answer: Duration::MAX,
        interval: Duration::MAX,
        octets: 0,
        login: Duration::MAX,
    };

    /// The same limit for the handshake, the greeting, each answer, and each interval.
    #[must_use]
    pub const fn each(self, limit: Duration) -> Timeouts {
        Timeouts { handshake: limit, greeting: limit, answer: limit, interval: limit, ..self }
    }
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        let limits = Timeouts { connect: Duration::from_secs(30), octets: 256, ..Timeouts::UNLIMITED };
        Timeouts { login: Duration::from_secs(120), ..limits }.each(Duration::from_secs(60))
    }
}

/// What is left of the time for what is being waited for.
#[derive(Clone, Debug)]
pub struct Deadlines {
    timeouts: Timeouts,
    wait: Wait,
    /// Spent on this wait, or on this interval of it.
    spent: Duration,
    /// What came meanwhile.
    octets: u64,
    /// Spent since the beginning, until somebody is logged in.
    login: Option<Duration>,
}

/// What is waited for. Another value is another wait, with all its time before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    Connection,
    Handshake,
    Greeting,
    Answer(Option<Ticket>, Option<Kind>),
    /// The rest of an answer that is a message or a listing.
    Octets(Option<Ticket>, Option<Kind>),
}

/// The time was up. It becomes an [`io::Error`](std::io::Error) of the kind [`TimedOut`](std::io::ErrorKind::TimedOut).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut {
    what: What,
    limit: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Login,
    Wait(Wait, u32),
}

impl Deadlines {
    /// Nothing has been waited for yet.
    pub const fn new(timeouts: Timeouts) -> Deadlines {
        Deadlines { timeouts, wait: Wait::Connection, spent: Duration::ZERO, octets: 0, login: Some(Duration::ZERO) }
    }

    /// The limits.
    pub const fn timeouts(&self) -> &Timeouts {
        &self.timeouts
    }

    /// Sets other limits, for what is waited for now too.
    pub fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.timeouts = timeouts;
    }

    /// How long connecting to one more address may take.
    ///
    /// # Errors
    ///
    /// [`TimedOut`]: the login has taken too long.
    pub fn connection(&mut self) -> Result<Duration, TimedOut> {
        self.begin(Wait::Connection);
        self.left()
    }

    /// How much longer the TLS handshake may take.
    ///
    /// # Errors
    ///
    /// [`TimedOut`]: it has taken too long, or the login has.
    pub fn handshake(&mut self) -> Result<Duration, TimedOut> {
        self.go_on(Wait::Handshake);
        self.left()
    }

    /// How much longer what the conversation waits for may take.
    ///
    /// # Errors
    ///
    /// [`TimedOut`]: it has taken too long, or the login has.
    pub fn answer(&mut self, conversation: &Conversation) -> Result<Duration, TimedOut> {
        let client = conversation.client();
        if matches!(client.state(), State::Transaction | State::Update) {
            self.login = None;
        }
        let (ticket, awaiting) = (client.oldest(), client.awaiting());
        self.go_on(match awaiting {
            Awaiting::Greeting => Wait::Greeting,
            Awaiting::Body(kind) | Awaiting::Listing(kind) => Wait::Octets(ticket, Some(kind)),
            _ => Wait::Answer(ticket, awaiting.kind()),
        });
        self.left()
    }

    /// So long was waited, and so many octets came: none if it was in vain.
    pub fn spent(&mut self, waited: Duration, octets: usize) {
        self.spent = self.spent.saturating_add(waited);
        self.octets = self.octets.saturating_add(octets as u64);
        self.login = self.login.map(|spent| spent.saturating_add(waited));
        if matches!(self.wait, Wait::Octets(..)) && octets > 0 && self.octets >= u64::from(self.timeouts.octets) {
            (self.spent, self.octets) = (Duration::ZERO, 0);
        }
    }

    fn go_on(&mut self, wait: Wait) {
        if self.wait != wait {
            self.begin(wait);
        }
    }

    fn begin(&mut self, wait: Wait) {
        (self.wait, self.spent, self.octets) = (wait, Duration::ZERO, 0);
    }

    fn left(&self) -> Result<Duration, TimedOut> {
        let limit = match self.wait {
            Wait::Connection => self.timeouts.connect,
            Wait::Handshake => self.timeouts.handshake,
            Wait::Greeting => self.timeouts.greeting,
            Wait::Answer(..) => self.timeouts.answer,
            Wait::Octets(..) => self.timeouts.interval,
        };
        let left =
            until(limit, self.spent).ok_or(TimedOut { what: What::Wait(self.wait, self.timeouts.octets), limit })?;
        let Some(spent) = self.login else { return Ok(left) };
        let limit = self.timeouts.login;
        let login = until(limit, spent).ok_or(TimedOut { what: What::Login, limit })?;
        Ok(left.min(login))
    }
}

/// What is left of a limit, if anything is.
fn until(limit: Duration, spent: Duration) -> Option<Duration> {
    if limit == Duration::MAX { Some(limit) } else { limit.checked_sub(spent).filter(|left| !left.is_zero()) }
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = self.limit.as_secs_f32();
        match self.what {
            What::Login => write!(f, "the login took too long: more than {limit} s"),
            What::Wait(Wait::Connection, _) => write!(f, "the server could not be reached for {limit} s"),
            What::Wait(Wait::Handshake, _) => write!(f, "the TLS handshake took longer than {limit} s"),
            What::Wait(Wait::Greeting, _) => write!(f, "the server sent no greeting for {limit} s"),
            What::Wait(Wait::Answer(_, None), _) => write!(f, "the server sent no answer for {limit} s"),
            What::Wait(Wait::Answer(_, Some(kind)), _) => {
                write!(f, "the server sent no answer to {kind} for {limit} s")
            }
            What::Wait(Wait::Octets(..), octets) => {
                write!(f, "the server sent fewer than {octets} octets in {limit} s")
            }
        }
    }
}

impl core::error::Error for TimedOut {}

#[cfg(feature = "std")]
impl From<TimedOut> for std::io::Error {
    fn from(overdue: TimedOut) -> std::io::Error {
        std::io::Error::new(std::io::ErrorKind::TimedOut, overdue)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use core::num::NonZeroU32;

    use super::*;
    use crate::Command;
    use crate::client::Config;
    use crate::drive::commands::{Acknowledge, Lines};
    use crate::drive::conversation::{Call, Io, Retrieval, Step};

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn say(conversation: &mut Conversation, octets: &[u8]) {
        conversation.spare()[..octets.len()].copy_from_slice(octets);
        conversation.filled(octets.len());
    }

    /// A conversation in TRANSACTION.
    fn logged_in() -> Conversation {
        let mut conversation = Conversation::new(Config::default());
        say(&mut conversation, b"+OK\r\n");
        assert_eq!(conversation.greet().unwrap(), Step::Done(()));
        for command in [Command::User("u"), Command::Pass("p")] {
            let mut call = Call::new(Acknowledge(command));
            conversation.looked();
            assert_eq!(conversation.step(&mut call).unwrap(), Step::NeedIo(Io::Transfer));
            say(&mut conversation, b"+OK\r\n");
            assert_eq!(conversation.step(&mut call).unwrap(), Step::Done(()));
        }
        conversation
    }

    #[test]
    fn a_status_line_has_one_deadline_however_it_drips() {
        let mut conversation = logged_in();
        let mut deadlines = Deadlines::new(Timeouts { answer: secs(60), ..Timeouts::UNLIMITED });
        let mut call = Call::new(Acknowledge(Command::Noop));
        conversation.looked();
        assert_eq!(conversation.step(&mut call).unwrap(), Step::NeedIo(Io::Transfer));
        for (octet, left) in [(b"+", 60), (b"O", 10)] {
            assert_eq!(deadlines.answer(&conversation), Ok(secs(left)));
            say(&mut conversation, octet);
            deadlines.spent(secs(50), 1);
            assert_eq!(conversation.step(&mut call).unwrap(), Step::NeedIo(Io::Transfer));
        }
        let overdue = deadlines.answer(&conversation).unwrap_err();
        assert_eq!(overdue.to_string(), "the server sent no answer to NOOP for 60 s");
    }

    #[test]
    fn a_new_answer_has_all_its_time() {
        let mut conversation = logged_in();
        let mut deadlines = Deadlines::new(Timeouts::default());
        for _ in 0..10 {
            let mut call = Call::new(Acknowledge(Command::Noop));
            conversation.looked();
            assert_eq!(conversation.step(&mut call).unwrap(), Step::NeedIo(Io::Transfer));
            assert_eq!(deadlines.answer(&conversation), Ok(secs(60)));
            deadlines.spent(secs(59), 5);
            say(&mut conversation, b"+OK\r\n");
            assert_eq!(conversation.step(&mut call).unwrap(), Step::Done(()));
        }
    }

    #[test]
    fn a_body_must_flow() {
        let mut conversation = logged_in();
        let mut deadlines = Deadlines::new(Timeouts::default());
        let mut retrieval = Retrieval::new(Command::Retr(NonZeroU32::MIN));
        conversation.looked();
        assert_eq!(conversation.open(&mut retrieval).unwrap(), Step::NeedIo(Io::Transfer));
        assert_eq!(deadlines.answer(&conversation), Ok(secs(60)));
        deadlines.spent(secs(59), 5);
        say(&mut conversation, b"+OK\r\n");
        assert_eq!(conversation.read(&mut retrieval).unwrap(), Step::NeedIo(Io::Transfer));
        // Enough, in pieces: a new interval. Then too little.
        for (waited, octets, left) in [(30, 100, 60), (29, 155, 30), (1, 1, 1), (59, 255, 60)] {
            assert_eq!(deadlines.answer(&conversation), Ok(secs(left)));
            deadlines.spent(secs(waited), octets);
        }
        deadlines.spent(secs(1), 0);
        let overdue = deadlines.answer(&conversation).unwrap_err();
        assert_eq!(overdue.to_string(), "the server sent fewer than 256 octets in 60 s");
    }

    #[test]
    fn a_listing_must_flow_too() {
        let mut conversation = logged_in();
        let mut deadlines = Deadlines::new(Timeouts::default());
        let mut call = Call::new(Lines::new(Command::Uidl(None)));
        conversation.looked();
        assert_eq!(conversation.step(&mut call).unwrap(), Step::NeedIo(Io::Transfer));
        say(&mut conversation, b"+OK\r\n");
        assert_eq!(conversation.step(&mut call).unwrap(), Step::NeedIo(Io::Transfer));
        for left in [60, 30] {
            assert_eq!(deadlines.answer(&conversation), Ok(secs(left)));
            deadlines.spent(secs(30), 10);
        }
        assert!(deadlines.answer(&conversation).is_err());
    }

    #[test]
    fn a_login_has_a_deadline_of_its_own() {
        let conversation = Conversation::new(Config::default());
        let mut deadlines = Deadlines::new(Timeouts::default());
        for left in [30, 30, 30] {
            assert_eq!(deadlines.connection(), Ok(secs(left)), "each address has its own");
            deadlines.spent(secs(29), 0);
        }
        assert_eq!(deadlines.handshake(), Ok(secs(33)));
        deadlines.spent(secs(30), 1000);
        assert_eq!(deadlines.handshake(), Ok(secs(3)));
        assert_eq!(deadlines.answer(&conversation), Ok(secs(3)));
        deadlines.spent(secs(3), 1000);
        assert_eq!(
            deadlines.answer(&conversation).unwrap_err().to_string(),
            "the login took too long: more than 120 s"
        );
        assert_eq!(deadlines.answer(&logged_in()), Ok(secs(60)), "and none once it is done");
    }

    #[test]
    fn without_limits_it_is_never_late() {
        let conversation = Conversation::new(Config::default());
        let mut deadlines = Deadlines::new(Timeouts::UNLIMITED);
        assert_eq!(deadlines.answer(&conversation), Ok(Duration::MAX));
        deadlines.spent(Duration::MAX, 0);
        assert_eq!(deadlines.answer(&conversation), Ok(Duration::MAX));
    }
}
