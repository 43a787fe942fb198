//! Deadlines for a server, without a clock: you report the time that you waited.

use core::time::Duration;

use crate::drive::conversation::Conversation;
use crate::drive::timed_out::{TimedOut, Wait, What};
use crate::error::Awaiting;
use crate::state::State;

/// The time limits of a client. [`Duration::MAX`] means no limit.
///
/// ```
/// use core::time::Duration;
/// use pop3_proto::drive::Timeouts;
///
/// let timeouts = Timeouts::new().each(Duration::from_secs(20)).login(Duration::from_secs(60));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Timeouts {
    /// The limit for connecting to one address. The default is 30 seconds.
    pub connect: Duration,
    /// The limit for the whole TLS handshake. The default is 60 seconds.
    pub handshake: Duration,
    /// The limit for the greeting, to the end of its line. The default is 60 seconds.
    pub greeting: Duration,
    /// The limit for the answer to one command, to the end of its status line; for AUTH, it includes all challenges.
    /// The time starts when all earlier answers have arrived and you wait for this one. The default is 60 seconds.
    pub answer: Duration,
    /// The limit for the next [`octets`](Self::octets) of a message or a listing. The default is 60 seconds.
    pub interval: Duration,
    /// The number of octets of a message or a listing that must arrive in each [`interval`](Self::interval), unless the
    /// message or the listing ends first. The default is 256.
    pub octets: u32,
    /// The limit for the sum of all waits until the login succeeds, including the time to connect. The default is 120
    /// seconds.
    pub login: Duration,
}

impl Timeouts {
    /// No limits.
    pub const UNLIMITED: Timeouts = Timeouts {
        connect: Duration::MAX,
        handshake: Duration::MAX,
        greeting: Duration::MAX,
        answer: Duration::MAX,
        interval: Duration::MAX,
        octets: 0,
        login: Duration::MAX,
    };

    /// Creates the default limits. You can call this in constants.
    pub const fn new() -> Timeouts {
        let minute = Duration::from_secs(60);
        Timeouts::UNLIMITED.connect(Duration::from_secs(30)).octets(256).login(Duration::from_secs(120)).each(minute)
    }

    /// Sets [`connect`](Self#structfield.connect).
    #[must_use]
    pub const fn connect(self, connect: Duration) -> Timeouts {
        Timeouts { connect, ..self }
    }

    /// Sets [`handshake`](Self#structfield.handshake).
    #[must_use]
    pub const fn handshake(self, handshake: Duration) -> Timeouts {
        Timeouts { handshake, ..self }
    }

    /// Sets [`greeting`](Self#structfield.greeting).
    #[must_use]
    pub const fn greeting(self, greeting: Duration) -> Timeouts {
        Timeouts { greeting, ..self }
    }

    /// Sets [`answer`](Self#structfield.answer).
    #[must_use]
    pub const fn answer(self, answer: Duration) -> Timeouts {
        Timeouts { answer, ..self }
    }

    /// Sets [`interval`](Self#structfield.interval).
    #[must_use]
    pub const fn interval(self, interval: Duration) -> Timeouts {
        Timeouts { interval, ..self }
    }

    /// Sets [`octets`](Self#structfield.octets).
    #[must_use]
    pub const fn octets(self, octets: u32) -> Timeouts {
        Timeouts { octets, ..self }
    }

    /// Sets [`login`](Self#structfield.login).
    #[must_use]
    pub const fn login(self, login: Duration) -> Timeouts {
        Timeouts { login, ..self }
    }

    /// Sets the same limit for the handshake, the greeting, each answer, and each interval.
    #[must_use]
    pub const fn each(self, limit: Duration) -> Timeouts {
        Timeouts { handshake: limit, greeting: limit, answer: limit, interval: limit, ..self }
    }
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts::new()
    }
}

/// The deadlines of one connection, without a clock: you report the time that you waited.
///
/// The core does not wait and has no clock, but it knows what is awaited, and whether a wait is new or continues an
/// earlier one. Before each wait, an adapter asks for the remaining time; after it, the adapter reports how long the
/// wait was and how many octets arrived. Time during which no answer is due is not reported and does not count.
///
/// A loop for one session asks with [`answer`](Self::answer) and reports with [`spent`](Self::spent). A loop for many
/// sessions uses [`until`](Self::until) and [`received`](Self::received).
///
/// ```
/// use core::time::Duration;
/// use pop3_proto::Config;
/// use pop3_proto::drive::{Conversation, Deadlines, Timeouts};
///
/// let conversation = Conversation::new(Config::default());
/// let mut deadlines = Deadlines::new(Timeouts::default().each(Duration::from_secs(30)));
/// assert_eq!(deadlines.answer(&conversation), Ok(Duration::from_secs(30)));
/// deadlines.spent(Duration::from_secs(20), 1); // one octet of the greeting
/// assert_eq!(deadlines.answer(&conversation), Ok(Duration::from_secs(10)));
/// deadlines.spent(Duration::from_secs(10), 1);
/// let timed_out = deadlines.answer(&conversation).unwrap_err();
/// assert_eq!(timed_out.to_string(), "the server sent no greeting for 30 s");
/// ```
#[derive(Clone, Debug)]
pub struct Deadlines {
    timeouts: Timeouts,
    wait: Wait,
    /// The time spent on this wait, or on its current interval.
    spent: Duration,
    /// The number of octets that arrived in that time.
    octets: u64,
    /// The time spent since the beginning; `None` after the login.
    login: Option<Duration>,
    /// The time on the caller's clock up to which the current wait was counted.
    since: Option<Duration>,
}

impl Deadlines {
    /// Creates deadlines for a new connection, with no time spent.
    pub const fn new(timeouts: Timeouts) -> Deadlines {
        Deadlines {
            timeouts,
            wait: Wait::Connection,
            spent: Duration::ZERO,
            octets: 0,
            login: Some(Duration::ZERO),
            since: None,
        }
    }

    /// Replaces the limits, including that of the current wait.
    pub fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.timeouts = timeouts;
    }

    /// Returns the time limit for connecting to the next address. Report the time that it took by
    /// [`spent`](Self::spent), also if connecting failed: it counts towards the limit of the login.
    ///
    /// # Errors
    ///
    /// [`TimedOut`] if the login has taken too long.
    pub fn connection(&mut self) -> Result<Duration, TimedOut> {
        self.begin(Wait::Connection);
        self.left()
    }

    /// Returns the remaining time for the TLS handshake. Report the time that it took by [`spent`](Self::spent).
    ///
    /// # Errors
    ///
    /// [`TimedOut`] if this wait or the login has taken too long.
    pub fn handshake(&mut self) -> Result<Duration, TimedOut> {
        self.go_on(Wait::Handshake);
        self.left()
    }

    /// Returns the remaining time for the octets that the conversation awaits.
    ///
    /// While the session is idle, no answer is due and no deadline applies. Do not ask
    /// then: this would return the limit for an answer, which is not meant for the time between two calls of your
    /// program. The next command begins a new wait, whatever you reported before.
    ///
    /// # Errors
    ///
    /// [`TimedOut`] if this wait or the login has taken too long.
    pub fn answer(&mut self, conversation: &Conversation) -> Result<Duration, TimedOut> {
        let client = conversation.client();
        if matches!(client.state(), State::Transaction | State::Update) {
            self.login = None;
        }
        let (ticket, awaiting) = (client.oldest(), client.awaiting());
        self.go_on(match awaiting {
            Awaiting::Greeting => Wait::Greeting,
            Awaiting::Handshake => Wait::Handshake,
            Awaiting::Body(kind) | Awaiting::Listing(kind) => Wait::Octets(ticket, Some(kind)),
            _ => Wait::Answer(ticket, awaiting.kind()),
        });
        self.left()
    }

    /// Returns the time at which the current wait must end. Use this in a loop that drives many sessions. `now` is the
    /// time on a monotonic clock of your own, such as the time since your program started; the result is on the same
    /// clock. It is [`Duration::MAX`] if there is no limit or no answer is due.
    ///
    /// Call this before you wait, not while received octets are left to be read. The wait begins with the first call,
    /// and ends with [`received`](Self::received) or when no answer is due.
    ///
    /// # Errors
    ///
    /// [`TimedOut`] if this wait or the login has taken too long.
    ///
    /// ```
    /// use core::time::Duration;
    /// use pop3_proto::Config;
    /// use pop3_proto::drive::{Conversation, Deadlines, Timeouts};
    ///
    /// let conversation = Conversation::new(Config::default());
    /// let mut deadlines = Deadlines::new(Timeouts::default().each(Duration::from_secs(30)));
    /// let now = Duration::from_secs(100);
    /// assert_eq!(deadlines.until(&conversation, now), Ok(Duration::from_secs(130)));
    /// assert_eq!(deadlines.until(&conversation, now + Duration::from_secs(10)), Ok(Duration::from_secs(130)));
    /// assert!(deadlines.until(&conversation, now + Duration::from_secs(30)).is_err());
    /// ```
    pub fn until(&mut self, conversation: &Conversation, now: Duration) -> Result<Duration, TimedOut> {
        if conversation.is_idle() {
            self.since = None;
            return Ok(Duration::MAX);
        }
        if self.since.is_some() {
            self.received(0, now);
        }
        self.since = Some(now);
        Ok(now.saturating_add(self.answer(conversation)?))
    }

    /// Reports that `octets` octets arrived at `now`. This ends the wait that [`until`](Self::until) began.
    pub fn received(&mut self, octets: usize, now: Duration) {
        let waited = self.since.take().map_or(Duration::ZERO, |since| now.saturating_sub(since));
        self.spent(waited, octets);
    }

    /// Reports how long the wait was and how many octets arrived (0 if none).
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

/// Returns the rest of a limit, or `None` if it is used up.
fn until(limit: Duration, spent: Duration) -> Option<Duration> {
    if limit == Duration::MAX { Some(limit) } else { limit.checked_sub(spent).filter(|left| !left.is_zero()) }
}
