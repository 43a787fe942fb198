//! POP URLs: their parts, their mistakes, and the parts that no error shows.

use pop3_proto::Zeroizing;
use pop3_proto::login::netrc::NetrcEntry;
use pop3_proto::login::{Connect, Method, Methods, PopUrl, Security, UrlError};
use proptest::prelude::*;

fn parse(url: &str) -> PopUrl {
    url.parse().unwrap_or_else(|error| panic!("{url}: {error}"))
}

fn mistake(url: &str) -> UrlError {
    url.parse::<PopUrl>().expect_err(url)
}

/// The name that logs in, if the password comes from elsewhere.
fn user(connect: &Connect) -> String {
    let entry = NetrcEntry { login: "somebody".into(), password: Zeroizing::new("tanstaaf".into()) };
    let netrc = |_: &str, _: Option<&str>| Ok(Some(entry));
    connect.find_credentials(netrc).unwrap().user().to_owned()
}

#[test]
fn the_scheme_tells_the_protection_and_the_default_port() {
    for (url, security, port) in [
        ("pop://h", Security::Plaintext, 110),
        ("pop3://h", Security::Plaintext, 110),
        ("pop3s://h", Security::Tls, 995),
        ("PoP3S://h", Security::Tls, 995),
        ("pop://h:1", Security::Plaintext, 1),
        ("pop3s://h:65535", Security::Tls, 65535),
    ] {
        assert_eq!(parse(url).security, security, "{url}");
        let connect: Connect = url.parse().unwrap();
        assert_eq!((connect.get_policy().security, connect.server().unwrap()), (security, ("h", port)), "{url}");
    }
    assert_eq!(parse("pop3s://h").port, None);
    assert_eq!(parse("pop3s://h:995").port, Some(995));
}

#[test]
fn a_host_is_a_name_or_an_address() {
    for (url, host, port) in [
        ("pop://pop.Example.ORG", "pop.example.org", None),
        ("pop://u@127.0.0.1:1110/", "127.0.0.1", Some(1110)),
        ("pop://[::1]", "::1", None),
        ("pop://u@[2001:DB8:0::1]:110/", "2001:db8::1", Some(110)),
        ("pop://a_b-c.", "a_b-c.", None),
    ] {
        let url = parse(url);
        assert_eq!((&*url.host, url.port), (host, port));
    }
}

#[test]
fn a_login_is_a_name_or_a_mechanism_or_both() {
    let odd = "a%40b%3bc%3Ad%2Fe%25f";
    for (login, user, method) in [
        ("u", Some("u"), None),
        ("%75", Some("u"), None),
        // Names are not folded to one case.
        ("Mrose", Some("Mrose"), None),
        (odd, Some("a@b;c:d/e%f"), None),
        ("r%C3%B6se", Some("röse"), None),
        ("röse", Some("röse"), None),
        ("u;AUTH=*", Some("u"), None),
        ("u;auth=plain", Some("u"), Some(Method::Plain)),
        ("u;AUTH=LOGIN", Some("u"), Some(Method::Login)),
        ("u;AUTH=CRAM-MD5", Some("u"), Some(Method::CramMd5)),
        ("u;AUTH=SCRAM-SHA-1", Some("u"), Some(Method::ScramSha1)),
        ("u;AUTH=SCRAM-SHA-1-PLUS", Some("u"), Some(Method::ScramSha1Plus)),
        ("u;AUTH=SCRAM-SHA-256", Some("u"), Some(Method::ScramSha256)),
        ("u;AUTH=SCRAM-SHA-256-PLUS", Some("u"), Some(Method::ScramSha256Plus)),
        ("u;AUTH=OAUTHBEARER", Some("u"), Some(Method::OauthBearer)),
        ("u;AUTH=XOAUTH2", Some("u"), Some(Method::Xoauth2)),
        ("u;AUTH=EXTERNAL", Some("u"), Some(Method::External)),
        ("u;AUTH=+APOP", Some("u"), Some(Method::Apop)),
        ("u;AUTH=%2BAPOP", Some("u"), Some(Method::Apop)),
        (";AUTH=PLAIN", None, Some(Method::Plain)),
        (";AUTH=*", None, None),
    ] {
        let url = parse(&format!("pop3s://{login}@h:995"));
        assert_eq!((url.user.as_deref(), url.method), (user, method), "{login}");
        assert_eq!((&*url.host, url.port), ("h", Some(995)), "{login}");
    }
    assert_eq!(parse("pop3s://h").user, None);
}

#[test]
fn settings_have_what_the_url_has() {
    let from_url = Connect::from(parse("pop3s://mrose;AUTH=+APOP@pop.example.org:1995"));
    assert_eq!(from_url.server().unwrap(), ("pop.example.org", 1995));
    assert_eq!(user(&from_url), "mrose");
    assert_eq!(from_url.get_policy().methods, Some(Methods::from(Method::Apop)));

    let bare: Connect = "pop3s://pop.example.org".parse().unwrap();
    assert_eq!(user(&bare), "somebody");
    assert_eq!(bare.get_policy().methods, None);
    assert_eq!("pop3s://".parse::<Connect>().unwrap_err(), UrlError::NoHost);
}

/// No scheme permits a password in the clear, and what `pop://` leaves open can be chosen afterwards.
#[test]
fn a_url_permits_no_password_in_the_clear() {
    for url in ["pop://u@h", "pop3://u;AUTH=PLAIN@h", "pop3s://u@h"] {
        assert!(!url.parse::<Connect>().unwrap().get_policy().allow_plaintext, "{url}");
    }
    let later = "pop://u@h".parse::<Connect>().unwrap().security(Security::StartTls);
    assert_eq!((later.get_policy().security, later.server().unwrap().1), (Security::StartTls, 110));
}

#[test]
fn each_mistake_has_a_name() {
    for (url, error) in [
        ("http://h", UrlError::UnknownScheme),
        ("popp://u@h", UrlError::UnknownScheme),
        ("pops://u@h", UrlError::UnknownScheme),
        ("://u@h", UrlError::UnknownScheme),
        ("pop:u@h", UrlError::NoSlashes),
        ("pop3s:/u@h", UrlError::NoSlashes),
        ("", UrlError::NoScheme),
        ("u@h", UrlError::NoScheme),
        // A host and its port, not a scheme.
        ("pop.example.org:995", UrlError::NoScheme),
        ("pop://", UrlError::NoHost),
        ("pop://u@", UrlError::NoHost),
        ("pop://u@:110", UrlError::NoHost),
        ("pop://@h", UrlError::NoUser),
        ("pop://u@example.org@h", UrlError::Unescaped('@')),
        ("pop://u/v@h", UrlError::Unescaped('/')),
        ("pop://u;v@h", UrlError::UnknownParameter),
        ("pop://u;@h", UrlError::UnknownParameter),
        ("pop://u;AUTH=@h", UrlError::UnknownMechanism),
        ("pop://u;AUTH@h", UrlError::UnknownMechanism),
        ("pop://u;AUTH=SCRAM@h", UrlError::UnknownMechanism),
        ("pop://u;AUTH=USER@h", UrlError::UnknownMechanism),
        ("pop://u;AUTH=+X@h", UrlError::UnknownMechanism),
        ("pop://u;AUTH=PLAIN;AUTH=LOGIN@h", UrlError::UnknownMechanism),
        ("pop://u;AUTH=APOP@h", UrlError::ApopWithoutPlus),
        ("pop://u%@h", UrlError::BadEscape),
        ("pop://u%4@h", UrlError::BadEscape),
        ("pop://u%zz@h", UrlError::BadEscape),
        ("pop://u%+4@h", UrlError::BadEscape),
        ("pop://u%4ö@h", UrlError::BadEscape),
        ("pop://u%%34@h", UrlError::BadEscape),
        ("pop://u;AUTH=%4@h", UrlError::BadEscape),
        ("pop://u%ff@h", UrlError::NotUtf8),
        ("pop://u%c3@h", UrlError::NotUtf8),
        ("pop://u@h h", UrlError::BadHost),
        ("pop://u@%68", UrlError::BadHost),
        ("pop://u@h\n", UrlError::BadHost),
        ("pop://u@hö", UrlError::NonAsciiHost),
        ("pop://u@::1", UrlError::NoBrackets),
        ("pop://u@[::1", UrlError::OpenBracket),
        ("pop://u@[h]", UrlError::BadAddress),
        ("pop://u@[]", UrlError::BadAddress),
        ("pop://u@[::1]110", UrlError::BehindBracket),
        ("pop://u@h:", UrlError::BadPort),
        ("pop://u@h:0", UrlError::BadPort),
        ("pop://u@h:65536", UrlError::BadPort),
        ("pop://u@h:+110", UrlError::BadPort),
        ("pop://u@h:pop3", UrlError::BadPort),
        ("pop://u@[::1]:", UrlError::BadPort),
        ("pop://u@h/inbox", UrlError::BehindPort),
        ("pop://u@h//", UrlError::BehindPort),
        ("pop://u@h?x", UrlError::BehindPort),
        ("pop://u@h#x", UrlError::BehindPort),
    ] {
        assert_eq!(mistake(url), error, "{url}");
    }
}

/// RFC 2384, section 5.
#[test]
fn a_relative_url_is_rejected() {
    for url in ["//u@h", "h", "/", "./h"] {
        assert_eq!(mistake(url), UrlError::NoScheme, "{url}");
    }
}

#[test]
fn errors_say_what_to_write() {
    for (url, text) in [
        ("pop://u@v@h", "`@` in the user name must be written %40"),
        ("pop://u/v@h", "`/` in the user name must be written %2F"),
        (
            "pop://@h",
            "the user name before `@` is missing: a URL looks like pop3s://user@host or pop3s://user@host:port",
        ),
        (
            "pop://u;AUTH=X@h",
            "the mechanism after AUTH= is unknown; use * for any, +APOP, or one of SCRAM-SHA-256-PLUS, SCRAM-SHA-256, \
             SCRAM-SHA-1-PLUS, SCRAM-SHA-1, CRAM-MD5, PLAIN, LOGIN, OAUTHBEARER, XOAUTH2 or EXTERNAL",
        ),
    ] {
        assert_eq!(mistake(url).to_string(), text);
    }
}

#[test]
fn a_password_is_named_before_any_other_mistake() {
    for url in [
        "pop://u:hush@h",
        "pop://:hush@h",
        "pop://u:@h",
        "pop3s://u:hush@h:995/",
        "pop:u:hush@h",
        "pop:/u:hush@h",
        "popp://u:hush@h",
        "http://u:hush@",
        "://u:hush@h",
        "pop://u:hu@sh@h",
        "pop://u:hu/sh@h:x",
        "pop://u:hu%zzsh@[h",
        "pop://u;AUTH=X:hush@h",
    ] {
        assert_eq!(mistake(url), UrlError::Password, "{url}");
    }
}

#[test]
fn b08_no_name_in_a_url_ends_a_line() {
    for ending in ["%0d%0a", "%0D%0A", "%0a", "%0d", "%00", "%7f", "%0a%0aQUIT", "%C2%85", "\r\n", "\n", "\0", "\u{85}"]
    {
        for login in
            [format!("{ending}bob"), format!("bo{ending}b"), format!("bob{ending}"), format!("bob;AUTH={ending}")]
        {
            assert_eq!(mistake(&format!("pop://{login}@h")), UrlError::Control, "{login:?}");
        }
    }
}

/// A word that no text contains.
const SECRET: &str = "Tanstaaf7";

const SCHEMES: [&str; 9] = ["", "pop", "pop:", "pop:/", "pop://", "POP3S://", "http://", "mrose://", "//"];

/// Parts of URLs in odd orders, so that all kinds of mistakes come up.
fn junk() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "@", ":", "/", "//", ";", "AUTH=", ";AUTH=", "%", "%0a", "%ff", "+", "[", "]", "ö", " "
        ])
        .prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn no_error_shows_the_login(
        scheme in prop::sample::select(&SCHEMES[..]),
        before in junk(),
        behind in junk(),
        place in prop::sample::select(vec!["", "@", "@h", "@h:995", "@h/", "@[::1]", "@[h", "@h:x", "@h ", "@h/x@y"]),
    ) {
        let url = format!("{scheme}{before}{SECRET}{behind}{place}");
        if let Err(error) = url.parse::<PopUrl>() {
            prop_assert!(!format!("{error} {error:?}").contains(SECRET), "{url}: {error:?}");
        }
        if let Err(error) = url.parse::<Connect>() {
            prop_assert!(!format!("{error} {error:?}").contains(SECRET), "{url}: {error:?}");
        }
    }

    #[test]
    fn every_name_can_be_written_in_a_url(name in "[^\\p{Cc}]{1,20}", host in "[a-z0-9]{1,9}", port in 1..=u16::MAX) {
        let encoded = name.bytes().fold(String::new(), |encoded, octet| format!("{encoded}%{octet:02x}"));
        let url = parse(&format!("pop3s://{encoded}@{host}:{port}"));
        prop_assert_eq!((url.user, url.host, url.port), (Some(name), host, Some(port)));
    }

    #[test]
    fn no_text_panics(text in ".*", rest in junk()) {
        let _ = text.parse::<PopUrl>();
        let _ = format!("pop://{rest}").parse::<PopUrl>();
    }
}
