//! Every decision of this suite: the meaning of results, and the exceptions from them.

use pop3_proto::{Awaiting, Kind, State, UsageError};

use crate::transcript::Case;

/// An outcome that can be checked. Those that are poisoned send nothing ever after.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Expect {
    /// No error, nothing refused here, and the last answer is `+OK`.
    Success,
    /// A success that ends after UPDATE.
    Updated,
    /// A success that ends without UPDATE.
    ClosedByQuit,
    /// The last answer is `-ERR`, and the session goes on.
    Refused,
    /// The last answer before that to QUIT is `-ERR`.
    RefusedThenQuit,
    /// The same as `Refused`, in AUTHORIZATION.
    Denial,
    /// QUIT is answered by `-ERR`: the session is over all the same, and the caller knows.
    UpdateRefused,
    Poisoned,
    OkThenPoisoned,
    RefusedThenPoisoned,
    LineTooLong,
    /// The stream ended while this was awaited.
    Closed(Awaiting),
    StartsTls,
    /// TLS began, and STLS is refused from now on.
    Secured,
    /// The transcript's next line is refused here.
    Stopped(UsageError),
    NoTimestamp,
    /// Name or password is refused before anything is written.
    BadArgument,
    /// The password makes its line too long.
    TooLong,
    /// No response of PLAIN can be made.
    NoPlain,
    /// The calls that the transcript adds are refused here.
    LocalCall(UsageError),
    /// A bare client cannot tell: the login flow is judged, in [`LOGINS`].
    ByLogin,
    OtherMessage,
    NoNumbers,
    ZeroFails,
    RowsOrLimit,
    NoTimestampOrError,
}

/// The cases to which a row of [`RESULTS`] applies.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Key {
    /// The case of this name.
    Id(&'static str),
    /// The result begins with this.
    Says(&'static str),
    /// The result is this.
    Is(&'static str),
}

impl Key {
    pub(crate) fn applies(self, case: &Case) -> bool {
        let result = case.expected.get("result").map(|result| result.as_str().expect("a text"));
        match self {
            Key::Id(id) => id == case.id,
            Key::Says(start) => result.is_some_and(|result| result.starts_with(start)),
            Key::Is(whole) => result == Some(whole),
        }
    }
}

/// Meanings of results. The first row that applies counts.
pub(crate) const RESULTS: &[(Key, Expect)] = {
    use Expect as E;
    use Key::{Id, Is, Says};
    const AUTHORIZATION: State = State::Authorization;
    &[
        (Id("curl-852"), E::RefusedThenQuit),
        (Id("curl-855"), E::RefusedThenQuit),
        (Id("curl-982"), E::RefusedThenPoisoned),
        (Id("poplib-user-double-reply"), E::RefusedThenPoisoned),
        (Id("poplib-pass-double-reply"), E::RefusedThenPoisoned),
        (Id("poplib-too-long-line"), E::Poisoned),
        (Id("poplib-stls"), E::Secured),
        (Id("poplib-stls-inside-tls"), E::LocalCall(UsageError::InsideTls)),
        (Id("k9-external-missing"), E::ByLogin),
        (Id("tcllib-bad-greeting"), E::Poisoned),
        (Id("tcllib-status-after-quit"), E::LocalCall(UsageError::Over)),
        (Id("issue-cpython-95252-unstuffed-dot"), E::OkThenPoisoned),
        (Id("issue-cve-2018-1060-apop-regex"), E::NoTimestampOrError),
        (Id("rfc1939-session"), E::Updated),
        (Id("rfc1939-quit-auth"), E::ClosedByQuit),
        (Id("rfc1939-quit-left"), E::Updated),
        (Id("rfc1939-quit-err"), E::UpdateRefused),
        (Id("rfc1939-dele-twice"), E::Refused),
        (Id("rfc2595-stls"), E::Stopped(UsageError::InsideTls)),
        (Id("rfc5802-scram-bad-server-signature"), E::Denial),
        (Id("rfc5802-scram-ok-without-server-final"), E::ByLogin),
        (Id("rfc5802-scram-nonce-not-extended"), E::Denial),
        (Id("rfc5802-scram-mandatory-extension"), E::Denial),
        (Id("rfc5802-scram-huge-iterations"), E::Denial),
        (Id("rfc6856-stls-after-utf8"), E::LocalCall(UsageError::AfterUtf8)),
        (Id("rfc1957-no-space-after-ok"), E::Refused),
        (Id("fetchmail-list-number-mismatch"), E::OtherMessage),
        (Id("fetchmail-list-number-range"), E::ZeroFails),
        (Id("atk-a05-capa-eof"), E::Closed(Awaiting::Status(Kind::Capa))),
        (Id("atk-a09-0"), E::LocalCall(UsageError::NotPermitted { kind: Kind::Stat, state: AUTHORIZATION })),
        (Id("atk-a09-1"), E::LocalCall(UsageError::NotPermitted { kind: Kind::Stat, state: AUTHORIZATION })),
        (Id("atk-a09-2"), E::LocalCall(UsageError::NotPermitted { kind: Kind::Stat, state: AUTHORIZATION })),
        (Id("atk-b02-plain-nul"), E::NoPlain),
        (Id("atk-b05-pass-249"), E::TooLong),
        (Id("atk-c04-uidl"), E::RowsOrLimit),
        (Id("atk-c16-endless"), E::Poisoned),
        (Id("atk-d08-err-body"), E::RefusedThenPoisoned),
        (Id("atk-d10-double"), E::OkThenPoisoned),
        (Id("atk-d10-pass"), E::RefusedThenPoisoned),
        (Id("atk-d16-quit-eof"), E::Closed(Awaiting::Status(Kind::Quit))),
        (Id("atk-d16-quit-err"), E::UpdateRefused),
        (Id("atk-d16-eof-idle"), E::Closed(Awaiting::Nothing)),
        (Says("success"), E::Success),
        (Says("protocol error"), E::Poisoned),
        (Says("error: line too long"), E::LineTooLong),
        (Says("error: login denied"), E::Denial),
        (Says("login refused"), E::Denial),
        (Says("mechanism refused"), E::Denial),
        (Says("error: command refused"), E::Refused),
        (Says("error; session usable"), E::Refused),
        (Is("error"), E::Refused),
        (Says("error: refused before any byte"), E::BadArgument),
        (Is("local error"), E::BadArgument),
        (Says("error: TLS re"), E::ByLogin),
        (Says("error: required TLS"), E::ByLogin),
    ]
};

/// A decision where the RFCs leave the choice.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Decision {
    /// The same outcome as in the transcript.
    Same,
    /// The result of the transcript has this meaning here.
    Result(Expect),
    /// Another outcome: this.
    Other(Expect),
    /// The text is this, and there is no timestamp.
    Text(&'static str),
}

pub(crate) const POLICY: &[(&str, Decision)] = {
    use Decision::{Other, Result, Same, Text};
    use Expect as E;
    &[
        // LIST of one message is a single line; the dot after it is unsolicited.
        ("curl-851", Other(E::OkThenPoisoned)),
        // A bare LF comes in a session of CRLF.
        ("curl-891", Other(E::Poisoned)),
        ("curl-banner-art", Result(E::Poisoned)),
        ("poplib-welcome", Same),
        ("poplib-greeting-plus-lf", Result(E::Poisoned)),
        // `+OK` comes before the client has proved anything.
        ("k9-auth-plain-ok-as-continuation", Other(E::Poisoned)),
        ("k9-apop-loose-stamp", Other(E::NoTimestamp)),
        ("rfc7628-oauthbearer-fail", Same),
        ("mpop-uidl-two-spaces", Same),
        ("mpop-uidl-high-bit", Same),
        ("mpop-uidl-over-count", Result(E::Success)),
        ("mpop-uidl-dup-number", Result(E::Success)),
        ("mpop-stat-count-huge", Result(E::NoNumbers)),
        ("mpop-capa-51-lines", Result(E::Success)),
        ("fetchmail-capa-then-close", Result(E::Closed(Awaiting::Status(Kind::Capa)))),
        // Indicators are read in any case.
        ("atk-a07-2", Other(E::StartsTls)),
        ("atk-a07-4", Same),
        ("atk-a07-5", Same),
        ("atk-a07-9", Same),
        ("atk-a11-apop-stale", Same),
        // Unique-ids that break the rule are kept and marked as such.
        ("atk-c10-uid-3", Same),
        ("atk-c10-uid-4", Same),
        ("atk-c10-uid-5", Same),
        ("atk-c10-uid-6", Same),
        ("atk-c10-uid-7", Same),
        ("pop3codec-greeting-4", Same),
        // Text that is not a msg-id is ordinary text.
        ("pop3codec-greeting-5", Text("Hello <123> World!")),
        ("pop3codec-greeting-6", Same),
        ("pop3codec-greeting-7", Text("Hello <123> World!")),
        ("pop3codec-single-6", Same),
        ("pop3codec-single-8", Same),
        ("pop3codec-single-9", Same),
        ("james-stuff-7", Same),
    ]
};

/// The ending of a login, where the whole flow is played.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Ending {
    /// The login ends as the last answer says; after a refusal there may be another try.
    AsAnswered,
    /// The server broke the protocol, and nothing more is sent.
    Broken,
    /// The server did not prove what it must, and nothing more is sent.
    ServerUnverified,
    /// There is no TLS where it is required: no name and no credentials were sent.
    NoTls,
    /// The method was not offered: no name and no credentials were sent.
    NotOffered,
    /// The name or the password cannot be sent, and no part of them was.
    Unsendable,
    /// The handshake begins, and the transcript shows nothing more.
    StartsTls,
}

/// Endings of logins. The first row that applies counts; without one the login ends as answered.
pub(crate) const LOGINS: &[(Key, Ending)] = {
    use Key::{Id, Says};
    &[
        (Id("poplib-stls"), Ending::StartsTls),
        // Indicators are read in any case.
        (Id("atk-a07-2"), Ending::StartsTls),
        (Id("curl-982"), Ending::NoTls),
        (Id("curl-985"), Ending::NoTls),
        (Id("curl-891"), Ending::Broken),
        (Id("k9-stls-missing"), Ending::NoTls),
        (Id("k9-stls-err"), Ending::NoTls),
        (Id("k9-external-missing"), Ending::NotOffered),
        (Id("k9-apop-loose-stamp"), Ending::NotOffered),
        (Id("rfc5802-scram-bad-server-signature"), Ending::ServerUnverified),
        (Id("rfc5802-scram-ok-without-server-final"), Ending::ServerUnverified),
        (Id("atk-a05-capa-err"), Ending::NoTls),
        (Id("atk-a05-capa-eof"), Ending::Broken),
        (Id("atk-a11-apop-stale"), Ending::NotOffered),
        (Id("atk-c16-endless"), Ending::Broken),
        (Says("protocol error"), Ending::Broken),
        (Says("local error"), Ending::Unsendable),
    ]
};

/// Cases that look like logins and are not, with the reasons.
pub(crate) const NO_LOGINS: &[(&str, &str)] = &[
    ("poplib-user-ok", "it ends before PASS"),
    ("atk-e09-user-ok", "it ends before PASS"),
    (
        "atk-a03-capa-tail",
        "whether the tail is there before STLS depends on the cuts, all of which a test of A03 plays",
    ),
    (
        "k9-auth-plain-ok-as-continuation",
        "the response goes along with AUTH, so that this +OK answers it; a test of D20 has it asked for",
    ),
];
