//! The permitted protection and methods of a login.

use core::fmt;

/// The protection that the connection needs before anything secret is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Security {
    /// TLS from the first octet (RFC 8314, section 3.1). The default.
    #[default]
    Tls,
    /// TLS that begins with STLS (RFC 2595, section 4). There is no fallback.
    StartTls,
    /// No protection.
    Plaintext,
}

/// A method to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// USER and PASS: sends the password itself (RFC 1939, section 7).
    UserPass,
    /// APOP: sends a digest of the password and the timestamp of the greeting (RFC 1939, section 7). It is used only if
    /// you name it, because many servers send a timestamp but do not support APOP.
    Apop,
    /// SASL PLAIN: sends the password in clear (RFC 4616).
    Plain,
    /// SASL LOGIN: sends the name and the password in clear, in two steps.
    Login,
    /// SASL CRAM-MD5: sends a digest of the password and a challenge (RFC 2195). It is used only if you name it.
    /// Requires the feature `cram-md5`.
    CramMd5,
    /// SASL SCRAM-SHA-1 (RFC 5802). Requires the feature `scram`.
    ScramSha1,
    /// SASL SCRAM-SHA-1-PLUS: the proof is valid only for this TLS connection (RFC 5802, section 6; RFC 9266). Requires
    /// the feature `scram`.
    ScramSha1Plus,
    /// SASL SCRAM-SHA-256-PLUS: the proof is valid only for this TLS connection (RFC 7677; RFC 9266). Requires the
    /// feature `scram`.
    ScramSha256Plus,
    /// SASL SCRAM-SHA-256 (RFC 7677). Requires the feature `scram`.
    ///
    /// The server sets the number of iterations. The client accepts 4,096 to 600,000 iterations, which take between a
    /// few milliseconds and a large fraction of a second. The computation runs inside the login step that receives the
    /// number.
    ScramSha256,
    /// SASL OAUTHBEARER: an access token (RFC 7628).
    OauthBearer,
    /// SASL XOAUTH2: an access token, as used by large providers.
    Xoauth2,
    /// SASL EXTERNAL: a client certificate (RFC 4422, appendix A).
    External,
}

impl Method {
    /// Returns the name of the command or of the SASL mechanism.
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

    /// Returns true if an eavesdropper could replay the exchange to log in.
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

    /// Returns true for all variants of SCRAM.
    pub(super) const fn is_scram(self) -> bool {
        matches!(self, Method::ScramSha1 | Method::ScramSha1Plus | Method::ScramSha256 | Method::ScramSha256Plus)
    }

    /// Returns true if the proof is bound to the TLS connection.
    pub(super) const fn is_bound(self) -> bool {
        matches!(self, Method::ScramSha1Plus | Method::ScramSha256Plus)
    }

    /// Returns true if the method can send an authorization identity.
    pub(super) const fn knows_authzid(self) -> bool {
        self.is_scram() || matches!(self, Method::Plain | Method::External)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of methods. The order in which you list them has no effect: the best one that the server offers is used.
///
/// ```
/// use pop3_proto::login::{Method, Methods, Policy};
///
/// // Neither sends the password itself.
/// const SCRAM: Methods = Methods::of(&[Method::ScramSha256, Method::ScramSha256Plus]);
/// let policy = Policy::new().methods(Some(SCRAM));
/// assert_eq!(SCRAM.to_string(), "SCRAM-SHA-256-PLUS or SCRAM-SHA-256");
/// # let _ = policy;
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Methods(u16);

impl Methods {
    /// Creates a set from a list.
    pub const fn of(list: &[Method]) -> Methods {
        let mut bits = 0;
        let mut at = 0;
        while at < list.len() {
            bits |= 1 << list[at] as u16;
            at += 1;
        }
        Methods(bits)
    }

    /// Returns true if `method` is in the set.
    pub(crate) const fn contains(self, method: Method) -> bool {
        self.0 & 1 << method as u16 != 0
    }

    /// Returns the methods, best first: methods that prove knowledge of the password come before methods that send it.
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

    /// The default: all methods except those that you must name.
    pub(super) const DEFAULT: Methods =
        Methods(Methods::of(&Methods::BEST_FIRST).0 & !Methods::of(&[Method::Apop, Method::CramMd5]).0);

    /// The methods that are SASL mechanisms.
    pub(super) const SASL: Methods =
        Methods(Methods::of(&Methods::BEST_FIRST).0 & !Methods::of(&[Method::UserPass, Method::Apop]).0);

    /// Returns the method if the set has exactly one.
    pub(super) fn single(self) -> Option<Method> {
        if self.0.is_power_of_two() { self.iter().next() } else { None }
    }
}

impl From<Method> for Methods {
    fn from(method: Method) -> Methods {
        Methods::of(&[method])
    }
}

impl FromIterator<Method> for Methods {
    fn from_iter<I: IntoIterator<Item = Method>>(methods: I) -> Methods {
        Methods(methods.into_iter().fold(0, |bits, method| bits | Methods::of(&[method]).0))
    }
}

impl fmt::Debug for Methods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// Formats the names, as in `PLAIN or LOGIN`.
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

/// The permitted protection and methods of a login.
///
/// ```
/// use pop3_proto::login::{Method, Policy, Security};
///
/// let policy = Policy::new().security(Security::StartTls).method(Method::ScramSha256);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Policy {
    /// The required protection.
    pub security: Security,
    /// True to allow sending a password or a token without TLS. The default is false.
    pub allow_plaintext: bool,
    /// The permitted methods. The default is all except APOP and CRAM-MD5.
    ///
    /// The login uses the best one that the server offers and that the enabled features support: SCRAM needs the
    /// feature `scram`, and CRAM-MD5 the feature `cram-md5`. With a password the order is SCRAM-SHA-256, SCRAM-SHA-1
    /// (each first with -PLUS, then without), CRAM-MD5, APOP, PLAIN, then USER and PASS, or LOGIN if the server
    /// announces it but not USER. With a token it is OAUTHBEARER, XOAUTH2. If you permit a single method, it is used
    /// even if the server announced no capabilities.
    ///
    /// If the server refuses a method, no other method follows, with one exception: if the server does not support the
    /// channel binding of -PLUS, the same SCRAM follows once without it, provided that it is permitted and offered. The
    /// binding counts as unsupported if the server refuses before the client has sent a proof, or if it says so after
    /// the proof. If the server says that the binding does not match, no method follows.
    ///
    /// The exception exists because some servers announce -PLUS but do not support the channel binding of TLS 1.3. Both
    /// sides still prove that they know the password. The exception gives up one guarantee of -PLUS: that it detects an
    /// attacker inside TLS who has a certificate that is accepted for the server and relays the exchange. Such an
    /// attacker can refuse -PLUS in the name of the server, and the proof without -PLUS does not tell the server that
    /// there are two connections. (Removing -PLUS from the announcement does not help the attacker: the proof then
    /// states that the client saw no offer, and a server with -PLUS refuses it.) To keep this guarantee, permit only
    /// -PLUS.
    pub methods: Option<Methods>,
}

impl Policy {
    /// Creates the default policy: TLS from the first octet, and all methods except APOP and CRAM-MD5.
    pub const fn new() -> Policy {
        Policy { security: Security::Tls, allow_plaintext: false, methods: None }
    }

    /// Sets [`security`](Self#structfield.security).
    #[must_use]
    pub const fn security(self, security: Security) -> Policy {
        Policy { security, ..self }
    }

    /// Sets [`allow_plaintext`](Self#structfield.allow_plaintext).
    #[must_use]
    pub const fn allow_plaintext(self, allow: bool) -> Policy {
        Policy { allow_plaintext: allow, ..self }
    }

    /// Permits only one method: see [`methods`](Self#structfield.methods).
    #[must_use]
    pub const fn method(self, method: Method) -> Policy {
        self.methods(Some(Methods::of(&[method])))
    }

    /// Sets [`methods`](Self#structfield.methods).
    #[must_use]
    pub const fn methods(self, methods: Option<Methods>) -> Policy {
        Policy { methods, ..self }
    }
}
