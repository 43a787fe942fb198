//! The switches of a personality.

use std::borrow::ToOwned as _;
use std::fmt;
use std::string::String;
use std::time::Duration;
use std::vec::Vec;

use crate::wire::kind::Kind;

/// The unique-ids that a server gives out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UniqueIds {
    /// Those of the maildrop.
    #[default]
    Own,
    /// The number of the message. After a deletion, the next session has the same unique-id for another message.
    Reused,
    /// Messages 1 and 2 have the same unique-id, 3 and 4 as well, and so on.
    Doubled,
    /// None: each row of UIDL contains only the number.
    Empty,
}

/// The sizes that a server reports in STAT, LIST and the status line of RETR.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Sizes {
    /// The octets as transmitted, as RFC 1939, section 11, requires.
    #[default]
    Exact,
    /// The octets as stored. A line that is stored with LF counts one octet less than it has when transmitted.
    Stored,
    /// The octets as transmitted, rounded up to a multiple of 1,024.
    RoundedUp,
    /// 0 for each message.
    Zero,
}

/// The behavior of a server when a client that has logged in sends QUIT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Update {
    /// Removes the marked messages and answers.
    #[default]
    Prompt,
    /// Removes the marked messages. The answer is sent after so much time has
    /// [passed](super::QuirkyService::pass_time).
    Slow(Duration),
    /// Ends the connection without an answer. `removed` says whether the marked messages were removed: the client
    /// cannot know.
    Silent {
        /// True if the messages were removed before the connection ended.
        removed: bool,
    },
}

/// The behavior of a server, where it differs from a [`Service`](crate::Service).
///
/// All switches are independent. Texts are sent as they are, without a check: they may contain response codes and
/// non-ASCII octets, and must not contain a line end.
///
/// ```
/// use pop3_proto::Kind;
/// use pop3_proto::testing::personality::{Personality, Sizes, UniqueIds};
///
/// let personality = Personality::new()
///     .greeting("busy.example, please be brief")
///     .hide_capability("PIPELINING")
///     .add_capability("EXPIRE 30")
///     .refuse(Kind::Stat, "[SYS/TEMP] the index is being rebuilt")
///     .unique_ids(UniqueIds::Reused)
///     .sizes(Sizes::RoundedUp);
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
#[allow(clippy::struct_excessive_bools, reason = "each is a quirk that is there or not, independent of the others")]
pub struct Personality {
    /// The text of the greeting, without `+OK`. If the session has a timestamp, it follows the text.
    pub greeting: Option<String>,
    /// Keywords of capabilities that are not announced. The commands still work.
    pub hidden_capabilities: Vec<String>,
    /// Capabilities that are announced in addition, each with its arguments.
    pub added_capabilities: Vec<String>,
    /// Commands that are refused, each with the text of the `-ERR`.
    pub refusals: Vec<(Kind, String)>,
    /// True if every line ends in LF, and a dot is stuffed after each LF.
    pub lf: bool,
    /// True if an `+OK` that carries no value has no text.
    pub bare_ok: bool,
    /// True if refusals have no response codes (RFC 2449, section 8).
    pub no_response_codes: bool,
    /// A command whose status line follows a blank line.
    pub blank_line_before: Option<Kind>,
    /// True if a dot that begins a message is not stuffed, so that the client loses it.
    pub first_dot_unstuffed: bool,
    /// The unique-ids.
    pub unique_ids: UniqueIds,
    /// The sizes.
    pub sizes: Sizes,
    /// The number of messages that a session shows at most.
    pub visible: Option<u32>,
    /// True if UPDATE also removes the messages that were retrieved and not marked. RSET forgets them.
    pub removes_retrieved: bool,
    /// The time without input after which the session ends without UPDATE (RFC 1939, section 3), and the text of the
    /// `-ERR` before it, if there is one.
    pub idle: Option<(Duration, Option<String>)>,
    /// The behavior at QUIT.
    pub update: Update,
}

impl Personality {
    /// Creates the personality of a [`Service`](crate::Service).
    pub fn new() -> Personality {
        Personality::default()
    }

    /// Sets [`greeting`](Self#structfield.greeting).
    #[must_use]
    pub fn greeting(self, text: &str) -> Personality {
        Personality { greeting: Some(text.to_owned()), ..self }
    }

    /// Hides a capability, given by its keyword in any case.
    #[must_use]
    pub fn hide_capability(mut self, keyword: &str) -> Personality {
        self.hidden_capabilities.push(keyword.to_owned());
        self
    }

    /// Announces a capability in addition, such as `EXPIRE 30`.
    #[must_use]
    pub fn add_capability(mut self, capability: &str) -> Personality {
        self.added_capabilities.push(capability.to_owned());
        self
    }

    /// Refuses a command with this text, which may begin with a response code, such as `[IN-USE] try later`.
    ///
    /// QUIT after the login removes nothing then, and ends the session as it always does (RFC 1939, section 6).
    #[must_use]
    pub fn refuse(mut self, kind: Kind, text: &str) -> Personality {
        self.refusals.push((kind, text.to_owned()));
        self
    }

    /// Does not know UIDL: refuses it, and does not announce it.
    #[must_use]
    pub fn no_uidl(self) -> Personality {
        let text = "unknown command";
        self.hide_capability("UIDL").refuse(Kind::UidlAll, text).refuse(Kind::UidlOne, text)
    }

    /// Does not know TOP: refuses it, and does not announce it.
    #[must_use]
    pub fn no_top(self) -> Personality {
        self.hide_capability("TOP").refuse(Kind::Top, "unknown command")
    }

    /// Does not know CAPA.
    #[must_use]
    pub fn no_capa(self) -> Personality {
        self.refuse(Kind::Capa, "unknown command")
    }

    /// Sets [`lf`](Self#structfield.lf).
    #[must_use]
    pub fn lf(self, lf: bool) -> Personality {
        Personality { lf, ..self }
    }

    /// Sets [`bare_ok`](Self#structfield.bare_ok).
    #[must_use]
    pub fn bare_ok(self, bare_ok: bool) -> Personality {
        Personality { bare_ok, ..self }
    }

    /// Sets [`no_response_codes`](Self#structfield.no_response_codes), and hides the capabilities of response codes.
    #[must_use]
    pub fn no_response_codes(self) -> Personality {
        let hidden = self.hide_capability("RESP-CODES").hide_capability("AUTH-RESP-CODE");
        Personality { no_response_codes: true, ..hidden }
    }

    /// Sets [`blank_line_before`](Self#structfield.blank_line_before).
    #[must_use]
    pub fn blank_line_before(self, kind: Kind) -> Personality {
        Personality { blank_line_before: Some(kind), ..self }
    }

    /// Sets [`first_dot_unstuffed`](Self#structfield.first_dot_unstuffed).
    #[must_use]
    pub fn first_dot_unstuffed(self, first_dot_unstuffed: bool) -> Personality {
        Personality { first_dot_unstuffed, ..self }
    }

    /// Sets [`unique_ids`](Self#structfield.unique_ids).
    #[must_use]
    pub fn unique_ids(self, unique_ids: UniqueIds) -> Personality {
        Personality { unique_ids, ..self }
    }

    /// Sets [`sizes`](Self#structfield.sizes).
    #[must_use]
    pub fn sizes(self, sizes: Sizes) -> Personality {
        Personality { sizes, ..self }
    }

    /// Sets [`visible`](Self#structfield.visible).
    #[must_use]
    pub fn visible(self, messages: u32) -> Personality {
        Personality { visible: Some(messages), ..self }
    }

    /// Sets [`removes_retrieved`](Self#structfield.removes_retrieved).
    #[must_use]
    pub fn removes_retrieved(self, removes_retrieved: bool) -> Personality {
        Personality { removes_retrieved, ..self }
    }

    /// Ends the session without a word after so much time without input.
    #[must_use]
    pub fn idle(self, limit: Duration) -> Personality {
        Personality { idle: Some((limit, None)), ..self }
    }

    /// Ends the session with `-ERR` and this text after so much time without input.
    #[must_use]
    pub fn idle_with(self, limit: Duration, text: &str) -> Personality {
        Personality { idle: Some((limit, Some(text.to_owned()))), ..self }
    }

    /// Sets [`update`](Self#structfield.update).
    #[must_use]
    pub fn update(self, update: Update) -> Personality {
        Personality { update, ..self }
    }

    /// Returns the refusal of a command.
    pub(super) fn refusal(&self, kind: Kind) -> Option<&str> {
        self.refusals.iter().find(|(refused, _)| *refused == kind).map(|(_, text)| text.as_str())
    }
}

/// Shows only what differs from a [`Service`](crate::Service), so that the report of a failed test is short.
impl fmt::Debug for Personality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let usual = Personality::new();
        let mut shown = f.debug_struct("Personality");
        macro_rules! show {
            ($($field:ident),*) => {
                // Without `..`, a field that is not listed does not compile.
                let Personality { $($field),* } = self;
                $(if *$field != usual.$field {
                    shown.field(stringify!($field), $field);
                })*
            };
        }
        show!(
            greeting,
            hidden_capabilities,
            added_capabilities,
            refusals,
            lf,
            bare_ok,
            no_response_codes,
            blank_line_before,
            first_dot_unstuffed,
            unique_ids,
            sizes,
            visible,
            removes_retrieved,
            idle,
            update
        );
        shown.finish()
    }
}
