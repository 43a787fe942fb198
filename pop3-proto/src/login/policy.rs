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
    /// SASL SCRAM-SHA-1 (RFC 5802), with -PLUS where TLS and the server permit. Needs the feature `scram`.
    ScramSha1,
    /// SASL SCRAM-SHA-256 (RFC 7677), with -PLUS where TLS and the server permit. Needs the feature `scram`.
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
            Method::Apop | Method::CramMd5 | Method::ScramSha1 | Method::ScramSha256 | Method::External => false,
        }
    }

    /// The mechanism that binds the proof to the TLS connection.
    pub(super) const fn plus(self) -> Option<&'static str> {
        match self {
            Method::ScramSha1 => Some("SCRAM-SHA-1-PLUS"),
            Method::ScramSha256 => Some("SCRAM-SHA-256-PLUS"),
            _ => None,
        }
    }

    /// Whether it can say for whom to act.
    pub(super) const fn knows_authzid(self) -> bool {
        matches!(self, Method::Plain | Method::ScramSha1 | Method::ScramSha256 | Method::External)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is permitted on the way in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Policy {
    /// The protection that is required.
    pub security: Security,
    /// Leave to send a password or a token as it is without TLS. False by default.
    pub allow_plaintext: bool,
    /// The one way to log in, and no other. By default the best that the server offers: with a password SCRAM-SHA-256,
    /// SCRAM-SHA-1, PLAIN, then USER and PASS, or LOGIN where a server announces that and not USER; with a token
    /// OAUTHBEARER or XOAUTH2.
    pub method: Option<Method>,
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
