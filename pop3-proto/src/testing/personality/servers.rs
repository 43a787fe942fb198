//! Ready-made personalities, from the documented behavior of real servers.

use std::time::Duration;

use super::config::{Personality, Sizes};
use crate::wire::kind::Kind;

impl Personality {
    /// All ready-made personalities, each with a name, so that a test can run once with each.
    pub fn all() -> [(&'static str, Personality); 6] {
        [
            ("dovecot", Personality::dovecot()),
            ("gmail", Personality::gmail()),
            ("outlook", Personality::outlook()),
            ("qmail", Personality::qmail()),
            ("qpopper", Personality::qpopper()),
            ("unix", Personality::unix()),
        ]
    }

    /// A server like Dovecot: an `+OK` without a value has no text, and a dot that begins a message is not stuffed.
    pub fn dovecot() -> Personality {
        Personality::new()
            .greeting("Dovecot ready.")
            .hide_capability("IMPLEMENTATION")
            .bare_ok(true)
            .first_dot_unstuffed(true)
    }

    /// A server like Gmail's: a session shows a part of the maildrop, and QUIT removes all messages that were
    /// retrieved.
    ///
    /// The part is 265 messages. For a small test, set [`visible`](Self::visible) to less.
    pub fn gmail() -> Personality {
        Personality::new()
            .greeting("Gpop ready for requests")
            .hide_capability("IMPLEMENTATION")
            .hide_capability("PIPELINING")
            .hide_capability("AUTH-RESP-CODE")
            .add_capability("EXPIRE 0")
            .add_capability("LOGIN-DELAY 300")
            .visible(265)
            .removes_retrieved(true)
    }

    /// A server like Outlook's and Exchange: a blank line precedes the answer to DELE, the session ends after 60
    /// seconds without a command, and neither pipelining nor response codes are announced.
    pub fn outlook() -> Personality {
        Personality::new()
            .greeting("The Microsoft Exchange POP3 service is ready.")
            .hide_capability("IMPLEMENTATION")
            .hide_capability("PIPELINING")
            .no_response_codes()
            .blank_line_before(Kind::Dele)
            .idle_with(Duration::from_secs(60), "Connection is closed.")
    }

    /// A server like qmail-pop3d: the sizes are those of the files, and it does not know CAPA.
    pub fn qmail() -> Personality {
        Personality::new().greeting("").no_capa().no_response_codes().bare_ok(true).sizes(Sizes::Stored)
    }

    /// A server like an old qpopper: it does not know CAPA, and refusals are prose without response codes.
    pub fn qpopper() -> Personality {
        Personality::new().greeting("QPOP (version 2.53) at mail.example starting.").no_capa().no_response_codes()
    }

    /// A small old server on a Unix system: all lines end in LF, and it knows neither CAPA nor TOP nor UIDL.
    pub fn unix() -> Personality {
        Personality::new().greeting("ready").lf(true).no_capa().no_top().no_uidl().no_response_codes()
    }
}
