//! What is permitted on the way in: the protection, and the ways to log in.

use core::fmt;

/// How the connection must be protected before anything secret is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Security {
    /// TLS from the first octet on (RFC 8314, section 3.1). The default.
    #[default]
    Tls,
    /// TLS begun by STLS (RFC 2595, section 4). It never falls back.
    StartTls,
    /// No protection.
    Plaintext,
}

/// How to prove who logs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// USER and PASS: the password as it is (RFC 1939, section 7).
    UserPass,
    /// APOP: a digest of the password and of the greeting's timestamp (RFC 1939, section 7). Used only if asked for by
    /// name: many servers send timestamps that they cannot serve.
    Apop,
    /// SASL PLAIN: the password as it is (RFC 4616).
    Plain,
    /// SASL LOGIN: the password as it is, asked for in two steps.
    Login,
    /// SASL CRAM-MD5: a digest of the password and of a challenge (RFC 2195). Used only if asked for by name. Needs the
    /// feature `cram-md5`.
    CramMd5,
    /// SASL SCRAM-SHA-1 (RFC 5802). Needs the feature `scram`.
    ScramSha1,
    /// SASL SCRAM-SHA-1-PLUS: the proof is good for this TLS connection only (RFC 5802, section 6; RFC 9266). Needs the
    /// feature `scram`.
    ScramSha1Plus,
    /// SASL SCRAM-SHA-256-PLUS: the proof is good for this TLS connection only (RFC 7677; RFC 9266). Needs the feature
    /// `scram`.
    ScramSha256Plus,
    /// SASL SCRAM-SHA-256 (RFC 7677). Needs the feature `scram`.
    ///
    /// The server says how much work it takes, from some milliseconds to a good part of a second (4,096 to 600,000
    /// iterations; others are refused), which is done inside the step of the login that hears of it.
    ScramSha256,
    /// SASL OAUTHBEARER: an access token (RFC 7628).
    OauthBearer,
    /// SASL XOAUTH2: an access token, as large providers have it.
    Xoauth2,
    /// SASL EXTERNAL: a client certificate (RFC 4422, appendix A).
    External,
}

impl Method {
    /// The name: that of the command, or of the SASL mechanism.
    pub const fn name(self) -> &'static str {
        match self {
            Method::UserPass => "USER",
            Method::Apop => "APOP",
            Method::Plain => "PLAIN",
            Method::Login => "LOGIN",
            Method::CramMd5 => "CRAM-MD5",
            Method::ScramSha1 => "SCRAM-SHA-1",
            Method::ScramSha1Plus => "SCRAM-SHA-1-PLUS",
            Method::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
            Method::ScramSha256 => "SCRAM-SHA-256",
            Method::OauthBearer => "OAUTHBEARER",
            Method::Xoauth2 => "XOAUTH2",
            Method::External => "EXTERNAL",
        }
    }

    /// Whether somebody who listens could log in with what he heard.
    pub const fn shows_secret(self) -> bool {
        match self {
            Method::UserPass | Method::Plain | Method::Login | Method::OauthBearer | Method::Xoauth2 => true,
            Method::Apop
            | Method::CramMd5
            | Method::ScramSha1
            | Method::ScramSha1Plus
            | Method::ScramSha256
            | Method::ScramSha256Plus
            | Method::External => false,
        }
    }

    /// This method and no other, for [`Policy::methods`].
    pub const fn only(self) -> Methods {
        Methods::of(&[self])
    }

    /// Returns true for SCRAM in any of its variants.
    pub(super) const fn is_scram(self) -> bool {
        matches!(self, Method::ScramSha1 | Method::ScramSha1Plus | Method::ScramSha256 | Method::ScramSha256Plus)
    }

    /// Returns true for what is bound to the TLS connection.
    pub(super) const fn is_bound(self) -> bool {
        matches!(self, Method::ScramSha1Plus | Method::ScramSha256Plus)
    }

    /// Whether it can say for whom to act.
    pub(super) const fn knows_authzid(self) -> bool {
        self.is_scram() || matches!(self, Method::Plain | Method::External)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Some methods. The order in which they were given has no meaning: the best one that the server offers is used.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Methods(u16);

impl Methods {
    /// The methods in `list`.
    pub const fn of(list: &[Method]) -> Methods {
        let mut bits = 0;
        let mut at = 0;
        while at < list.len() {
            bits |= 1 << list[at] as u16;
            at += 1;
        }
        Methods(bits)
    }

    /// Returns true if `method` is one of them.
    pub const fn contains(self, method: Method) -> bool {
        self.0 & 1 << method as u16 != 0
    }

    /// The methods, the best one first: what proves most before what shows the password.
    pub fn iter(self) -> impl Iterator<Item = Method> {
        Methods::BEST_FIRST.into_iter().filter(move |method| self.contains(*method))
    }

    const BEST_FIRST: [Method; 12] = [
        Method::ScramSha256Plus,
        Method::ScramSha256,
        Method::ScramSha1Plus,
        Method::ScramSha1,
        Method::CramMd5,
        Method::Apop,
        Method::Plain,
        Method::UserPass,
        Method::Login,
        Method::OauthBearer,
        Method::Xoauth2,
        Method::External,
    ];

    /// The methods that are used where none is named: all but those that are asked for by name only.
    pub(super) const DEFAULT: Methods =
        Methods(Methods::of(&Methods::BEST_FIRST).0 & !Methods::of(&[Method::Apop, Method::CramMd5]).0);

    /// The method, if there is one only.
    pub(super) fn single(self) -> Option<Method> {
        if self.0.is_power_of_two() { self.iter().next() } else { None }
    }
}

impl FromIterator<Method> for Methods {
    fn from_iter<I: IntoIterator<Item = Method>>(methods: I) -> Methods {
        Methods(methods.into_iter().fold(0, |bits, method| bits | method.only().0))
    }
}

impl fmt::Debug for Methods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// The names, as in `PLAIN or LOGIN`.
impl fmt::Display for Methods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.0.count_ones().saturating_sub(1) as usize;
        for (at, method) in self.iter().enumerate() {
            f.write_str(if at == 0 {
                ""
            } else if at == last {
                " or "
            } else {
                ", "
            })?;
            method.fmt(f)?;
        }
        Ok(())
    }
}

/// What is permitted on the way in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Policy {
    /// The protection that is required.
    pub security: Security,
    /// Leave to send a password or a token as it is without TLS. False by default.
    pub allow_plaintext: bool,
    /// The methods that may be used; no other is. By default all but APOP and CRAM-MD5.
    ///
    /// The best one that the server offers is used: with a password SCRAM-SHA-256, SCRAM-SHA-1 (each with -PLUS before
    /// without), CRAM-MD5, APOP, PLAIN, then USER and PASS, or LOGIN where a server announces that and not USER; with a
    /// token OAUTHBEARER or XOAUTH2. A single method is used as it is named, also where no capabilities were announced.
    ///
    /// No method follows another one that was refused, with one exception: if the server does not know the binding of -PLUS,
    /// the same SCRAM follows once without it, if it is permitted and offered. It does not know it if it refuses before any
    /// proof was sent, or says so behind the proof; that the binding does not match is another matter, and nothing follows.
    /// Some servers announce -PLUS and do not know the channel binding of TLS 1.3. Both sides still prove that they know the
    /// password. This gives up one thing that -PLUS is for: to detect somebody inside TLS who has a certificate that is
    /// taken for the server's, and passes on what both sides say. He can refuse -PLUS in the server's place, and the proof
    /// that follows without it tells the server nothing of the two connections. (To strike -PLUS from the list would not help
    /// him: then the proof says that the client saw no offer, and a server with -PLUS refuses it.) To keep the detection,
    /// permit -PLUS alone.
    pub methods: Option<Methods>,
}

impl Policy {
    /// Whether an adapter can give the protection that is required, which is `inside_tls` already or not, and has the settings
    /// to begin TLS or not. If it cannot, the answer is [`LoginError::NoTls`](crate::login::LoginError::NoTls), before anything
    /// is sent.
    pub const fn is_attainable(&self, inside_tls: bool, can_begin: bool) -> bool {
        match self.security {
            Security::Tls => inside_tls,
            Security::StartTls => inside_tls || can_begin,
            Security::Plaintext => true,
        }
    }
}
