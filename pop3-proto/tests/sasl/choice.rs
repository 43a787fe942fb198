//! Tests of the choice of a method, and of refusals before anything is sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use pop3_proto::login::{Credentials, LoginError, Method, Methods, Policy, Security};
use pop3_proto::{BadArgument, Error};
use zeroize::Zeroizing;

use crate::play::{CLEAR, by, capa, play};

/// Returns the first word or two of the line that follows CAPA.
fn chosen(policy: Policy, credentials: Credentials, capabilities: &str) -> Result<String, Error> {
    let mut at = None;
    let played = play(credentials, policy, |line| match line {
        "CAPA" => capabilities.into(),
        line => {
            at.get_or_insert_with(|| line.to_owned());
            String::new()
        }
    });
    match at {
        None => Err(played.result.unwrap_err()),
        Some(line) if line.starts_with("AUTH ") => Ok(line.split(' ').nth(1).unwrap().to_owned()),
        Some(line) => Ok(line.split(' ').next().unwrap().to_owned()),
    }
}

fn password() -> Credentials {
    Credentials::new("user", "secret")
}

#[cfg(feature = "scram")]
#[test]
fn the_best_offered_method_is_chosen() {
    for (offered, expected) in [
        ("PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256", "SCRAM-SHA-256"),
        ("plain scram-sha-256", "SCRAM-SHA-256"),
        ("SCRAM-SHA-1 PLAIN", "SCRAM-SHA-1"),
        ("LOGIN PLAIN CRAM-MD5", "PLAIN"),
        // CRAM-MD5 and APOP are used only by name, and LOGIN only where USER is not announced.
        ("LOGIN CRAM-MD5", "USER"),
        ("EXTERNAL XOAUTH2", "USER"),
    ] {
        assert_eq!(chosen(CLEAR, password(), &capa(offered)).unwrap(), expected, "{offered}");
    }
    assert_eq!(chosen(CLEAR, password(), "+OK\r\nSASL LOGIN\r\n.\r\n").unwrap(), "LOGIN");
    assert_eq!(chosen(CLEAR, password(), "+OK\r\n.\r\n").unwrap(), "USER");
    assert_eq!(chosen(CLEAR, password(), "-ERR\r\n").unwrap(), "USER");
    let token = || Credentials::token("user", "t");
    assert_eq!(chosen(CLEAR, token(), &capa("PLAIN XOAUTH2 OAUTHBEARER")).unwrap(), "OAUTHBEARER");
    assert_eq!(chosen(CLEAR, token(), &capa("PLAIN XOAUTH2")).unwrap(), "XOAUTH2");
    assert!(matches!(chosen(CLEAR, token(), &capa("PLAIN")).unwrap_err().login(), Some(LoginError::NotOffered(_))));
    assert_eq!(chosen(CLEAR, Credentials::external(), &capa("EXTERNAL")).unwrap(), "EXTERNAL");
    assert!(matches!(
        chosen(CLEAR, Credentials::external(), &capa("PLAIN")).unwrap_err().login(),
        Some(LoginError::NotOffered(_))
    ));
}

#[cfg(feature = "scram")]
#[test]
fn without_protection_only_methods_that_show_no_secret_are_used() {
    let policy = CLEAR.allow_plaintext(false);
    assert_eq!(chosen(policy, password(), &capa("PLAIN SCRAM-SHA-1")).unwrap(), "SCRAM-SHA-1");
    assert!(matches!(
        chosen(policy, password(), &capa("PLAIN LOGIN CRAM-MD5")).unwrap_err().login(),
        Some(LoginError::Unprotected)
    ));
    assert!(matches!(chosen(policy, password(), "-ERR\r\n").unwrap_err().login(), Some(LoginError::Unprotected)));
    let token = chosen(policy, Credentials::token("u", "t"), &capa("OAUTHBEARER XOAUTH2"));
    assert!(matches!(token.unwrap_err().login(), Some(LoginError::Unprotected)));
    for (method, offered) in [(Method::Apop, ""), (Method::CramMd5, "CRAM-MD5"), (Method::ScramSha256, "SCRAM-SHA-256")]
    {
        let by = by(method).allow_plaintext(false);
        assert_eq!(chosen(by, password(), &capa(offered)).unwrap(), method.name());
    }
    for method in [Method::UserPass, Method::Plain, Method::Login] {
        let by = by(method).allow_plaintext(false);
        assert!(matches!(
            chosen(by, password(), &capa(method.name())).unwrap_err().login(),
            Some(LoginError::Unprotected)
        ));
    }
}

#[test]
fn a_method_by_name_is_taken_or_nothing() {
    for method in [Method::Plain, Method::Login, Method::CramMd5, Method::ScramSha1, Method::ScramSha256] {
        let none = chosen(by(method), password(), &capa("EXTERNAL"));
        match none.unwrap_err().login() {
            Some(LoginError::NotOffered(name) | LoginError::Mechanism { name, .. }) => assert_eq!(name, method.name()),
            other => assert!(matches!(other, Some(LoginError::Unsuitable(_))), "{other:?}"),
        }
    }
}

#[test]
fn credentials_of_another_kind_are_not_sent() {
    for (credentials, method) in [
        (password(), Method::OauthBearer),
        (password(), Method::Xoauth2),
        (password(), Method::External),
        (Credentials::token("u", "t"), Method::Plain),
        (Credentials::token("u", "t"), Method::UserPass),
        (Credentials::external(), Method::Plain),
        (password().acting_for("x"), Method::UserPass),
        (password().acting_for("x"), Method::Apop),
        (password().acting_for("x"), Method::Login),
    ] {
        let played = play(credentials, by(method), |_| panic!("something was sent"));
        assert!(matches!(played.reason(), LoginError::Unsuitable(unsuitable) if unsuitable == method.name()));
        assert!(played.error().is_recoverable());
    }
}

#[cfg(feature = "scram")]
#[test]
fn an_authorization_identity_needs_a_mechanism_that_sends_it() {
    let other = || password().acting_for("other");
    assert_eq!(chosen(CLEAR, other(), &capa("PLAIN SCRAM-SHA-1")).unwrap(), "SCRAM-SHA-1");
    assert_eq!(chosen(CLEAR, other(), &capa("PLAIN LOGIN")).unwrap(), "PLAIN");
    assert!(matches!(
        chosen(CLEAR, other(), &capa("LOGIN CRAM-MD5")).unwrap_err().login(),
        Some(LoginError::NotOffered(_))
    ));
}

#[cfg(feature = "scram")]
#[test]
fn a_proof_that_is_bound_needs_a_binding() {
    // There is nothing to bind to: the choice is PLAIN, not a SCRAM that cannot be done.
    assert_eq!(chosen(CLEAR, password(), &capa("SCRAM-SHA-256-PLUS PLAIN")).unwrap(), "PLAIN");
    let by_name = chosen(by(Method::ScramSha256), password(), &capa("SCRAM-SHA-256-PLUS PLAIN"));
    assert!(matches!(by_name.unwrap_err().login(), Some(LoginError::NotOffered(_))));
}

#[test]
fn the_secret_is_requested_last() {
    let asked = Arc::new(AtomicU32::new(0));
    let ask = || {
        let asked = Arc::clone(&asked);
        Credentials::ask("mrose", move |user| {
            assert_eq!(user, "mrose");
            asked.fetch_add(1, Ordering::Relaxed);
            Some(Zeroizing::new("tanstaaf".into()))
        })
    };
    // The callback is not called for a server without STLS, nor for a method that is not offered.
    let tls = Policy::new().security(Security::StartTls);
    assert!(matches!(chosen(tls, ask(), "+OK\r\nUSER\r\n.\r\n").unwrap_err().login(), Some(LoginError::NoStartTls)));
    assert!(matches!(
        chosen(by(Method::Plain), ask(), &capa("LOGIN")).unwrap_err().login(),
        Some(LoginError::NotOffered(_))
    ));
    assert_eq!(asked.load(Ordering::Relaxed), 0);

    let mut said = [capa("PLAIN"), "+OK\r\n".into(), capa("PLAIN"), "+OK\r\n".into()].into_iter();
    let played = play(ask(), tls, |_| said.next().unwrap());
    played.result.as_ref().unwrap();
    assert_eq!(played.said, ["CAPA", "STLS", "CAPA", "AUTH PLAIN AG1yb3NlAHRhbnN0YWFm"]);
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[test]
fn a_callback_without_a_secret_ends_the_login() {
    for credentials in [Credentials::ask("u", |_| None), Credentials::ask_token("u", |_| None)] {
        let played = play(credentials, CLEAR, |_| capa("PLAIN XOAUTH2"));
        assert!(matches!(played.reason(), LoginError::NoSecret), "{:?}", played.reason());
        assert_eq!(played.said, ["CAPA"]);
    }
    // A secret from the callback is checked in the same way as one that is given.
    let played =
        play(Credentials::ask("u", |_| Some(Zeroizing::new("a\r\nDELE 1".into()))), by(Method::UserPass), |_| capa(""));
    assert!(matches!(played.reason(), LoginError::Unsendable(_)), "{:?}", played.reason());
    assert_eq!(played.said, ["CAPA"]);
}

#[cfg(feature = "saslprep")]
#[test]
fn a_password_that_is_not_ascii() {
    // In NFKC the fraction is 1/2 with a slash of its own, and the soft hyphen is nothing (RFC 4013, section 2).
    let password = "I\u{AD}X\u{BD}";
    assert_eq!(pop3_proto::sasl::prepare(password).unwrap().as_str(), "IX1\u{2044}2");
    assert!(pop3_proto::sasl::prepare("a\u{7}\u{e4}").is_err());
    assert!(pop3_proto::sasl::prepare("\u{627}1").is_err());
    // USER and APOP take a name in UTF-8 only if the server announced it (RFC 6856, section 2.2). SASL is always UTF-8.
    let named = || Credentials::new("\u{fc}ser", "pass");
    let credentials = || Credentials::new("user", "p\u{e4}ss");
    for method in [Method::UserPass, Method::Apop] {
        assert!(matches!(chosen(by(method), named(), &capa("")).unwrap_err().login(), Some(LoginError::Unsendable(_))));
        assert_eq!(chosen(by(method), named(), "+OK\r\nUTF8 USER\r\n.\r\n").unwrap(), method.name());
        assert_eq!(chosen(by(method), credentials(), &capa("")).unwrap(), method.name());
    }
    assert_eq!(chosen(by(Method::Plain), credentials(), &capa("PLAIN")).unwrap(), "PLAIN");
}

/// Unicode 3.2 does not assign this code point, and other servers may have stored another form of it in a password.
#[cfg(feature = "saslprep")]
#[test]
fn a_code_point_of_a_later_unicode() {
    let named = Credentials::new("\u{1f600}", "pass");
    assert_eq!(chosen(by(Method::Apop), named.clone(), "+OK\r\nUTF8 USER\r\n.\r\n").unwrap(), "APOP");
    let secret = Credentials::new("user", "\u{1f600}");
    let error = chosen(by(Method::Apop), secret.clone(), &capa("")).unwrap_err();
    assert!(matches!(error.login(), Some(LoginError::Unsendable(_))), "{error}");
    #[cfg(feature = "scram")]
    {
        let scram = Method::ScramSha256;
        assert_eq!(chosen(by(scram), named, &capa("SCRAM-SHA-256")).unwrap(), "SCRAM-SHA-256");
        let error = chosen(by(scram), secret, &capa("SCRAM-SHA-256")).unwrap_err();
        assert!(matches!(error.login(), Some(LoginError::Unsendable(_))), "{error}");
    }
}

#[test]
fn apop_accepts_passwords_that_cannot_be_sent() {
    use md5::{Digest as _, Md5};
    let timestamp = "<1896.697170952@dbc.mtview.ca.us>";
    let long = "x".repeat(300);
    let beyond_ascii = cfg!(feature = "saslprep").then_some("p\u{e4}sswort");
    for password in [long.as_str()].into_iter().chain(beyond_ascii) {
        let played = play(Credentials::new("mrose", password), by(Method::Apop), |line| match line {
            "CAPA" => capa("PLAIN"),
            _ => "+OK\r\n".into(),
        });
        let hex = Md5::digest(format!("{timestamp}{password}"))
            .iter()
            .fold(String::new(), |hex, octet| format!("{hex}{octet:02x}"));
        played.result.as_ref().unwrap();
        assert_eq!(played.proof(), [format!("APOP mrose {hex}")]);
    }
}

#[test]
fn pass_takes_utf8_but_no_controls() {
    let server = |line: &str| if line == "CAPA" { "+OK\r\nUSER\r\n.\r\n".to_owned() } else { "+OK\r\n".into() };
    for policy in [CLEAR, by(Method::UserPass)] {
        let played = play(Credentials::new("mrose", "p\u{e4}ss w\u{f6}rt"), policy, server);
        played.result.as_ref().unwrap();
        assert_eq!(played.proof(), ["USER mrose", "PASS p\u{e4}ss w\u{f6}rt"]);
        for password in ["p\tq", "p\r\nDELE 1", "\u{7f}"] {
            let played = play(Credentials::new("mrose", password), policy, |line| panic!("{line}"));
            assert!(matches!(played.reason(), LoginError::Unsendable(BadArgument::Control)), "{:?}", played.reason());
        }
    }
    // UTF-8 names must be announced (RFC 6856, section 2.2).
    let played = play(Credentials::new("m\u{fc}ller", "pw"), by(Method::UserPass), server);
    assert!(matches!(played.reason(), LoginError::Unsendable(BadArgument::NotAscii)), "{:?}", played.reason());
}

#[test]
fn a_policy_permits_a_list_of_methods() {
    use Method::{Apop, CramMd5, Login, Plain, ScramSha1, UserPass};
    let chosen = |methods: &[Method], offered: &str| {
        let policy = CLEAR.methods(Some(Methods::of(methods)));
        let played = play(Credentials::new("mrose", "tanstaaf"), policy, |line| match line {
            "CAPA" => format!("+OK\r\nSASL {offered}\r\n.\r\n"),
            _ => String::new(),
        });
        match played.result.as_ref().map_err(Error::login) {
            Err(Some(LoginError::NotOffered(names))) => format!("none of {names}"),
            _ => played.proof()[0].split(' ').take(2).collect::<Vec<_>>().join(" "),
        }
    };
    let all = "LOGIN PLAIN CRAM-MD5 SCRAM-SHA-1";
    assert_eq!(chosen(&[Plain, Login], all), "AUTH PLAIN");
    assert_eq!(chosen(&[Login, Plain], "LOGIN"), "AUTH LOGIN");
    assert_eq!(chosen(&[UserPass, Apop], all), "APOP mrose");
    assert_eq!(chosen(&[UserPass, Plain], "LOGIN"), "USER mrose");
    assert_eq!(chosen(&[Plain, Login], "CRAM-MD5"), "none of PLAIN or LOGIN");
    assert_eq!(chosen(&[Plain, ScramSha1, Login], ""), "none of SCRAM-SHA-1, PLAIN or LOGIN");
    if cfg!(feature = "cram-md5") {
        assert_eq!(chosen(&[Plain, CramMd5], all), "AUTH CRAM-MD5");
        assert_eq!(chosen(&[CramMd5, UserPass], "PLAIN"), "USER mrose");
    }
    if cfg!(feature = "scram") {
        assert_eq!(chosen(&[Plain, ScramSha1], all), "AUTH SCRAM-SHA-1");
    }
    // A token fits none of these methods.
    let policy = CLEAR.methods(Some(Methods::of(&[Plain, UserPass])));
    let played = play(Credentials::token("mrose", "ya29"), policy, |line| panic!("{line}"));
    assert!(matches!(played.reason(), LoginError::Unsuitable(name) if name == "PLAIN"), "{:?}", played.reason());
    // Nothing fits an empty list either, and a mechanism of one's own does not fit a list without it.
    let policy = CLEAR.methods(Some(Methods::of(&[])));
    let played = play(password(), policy, |line| panic!("{line}"));
    assert!(matches!(played.reason(), LoginError::NotOffered(_)), "{:?}", played.reason());
    let own = Credentials::mechanism(|| pop3_proto::sasl::Plain::new("", "mrose", "tanstaaf").unwrap());
    let played = play(own, by(Plain), |line| panic!("{line}"));
    assert!(matches!(played.reason(), LoginError::Unsuitable(name) if name == "PLAIN"), "{:?}", played.reason());
}
