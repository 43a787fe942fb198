//! The exchanges of the RFCs, and servers that deviate from them.

use pop3_proto::login::{Credentials, LoginError, Method};
use pop3_proto::sasl::MechanismError;
use pop3_proto::{BadArgument, ErrorKind};

use crate::play::{CLEAR, Played, base64, by, capa, is_unproved, play, unbase64};

/// Returns a server that gives these answers, one a line.
fn answers<'a>(mechanisms: &'a str, answers: &'a [&'a str]) -> impl FnMut(&str) -> String + 'a {
    let mut answers = answers.iter();
    move |line| {
        if line == "CAPA" {
            capa(mechanisms)
        } else {
            answers.next().map_or_else(String::new, |line| format!("{line}\r\n"))
        }
    }
}

fn login(credentials: Credentials, method: Method, said: &[&str]) -> Played {
    play(credentials, by(method), answers(method.name(), said))
}

fn tim() -> Credentials {
    Credentials::new("tim", "tanstaaftanstaaf")
}

#[test]
fn plain_with_and_without_initial_response() {
    let played = login(Credentials::new("test", "test").acting_for("test"), Method::Plain, &["+OK"]);
    played.result.as_ref().unwrap();
    assert_eq!(played.proof(), ["AUTH PLAIN dGVzdAB0ZXN0AHRlc3Q="]);

    // The server has not announced it, so it waits for a challenge (RFC 5034, section 4).
    let mut said = ["-ERR unknown command\r\n", "+ \r\n", "+OK\r\n"].into_iter();
    let played = play(Credentials::new("test", "test"), by(Method::Plain), |_| said.next().unwrap().into());
    played.result.as_ref().unwrap();
    assert_eq!(played.proof(), ["AUTH PLAIN", "AHRlc3QAdGVzdA=="]);
}

#[test]
fn a_message_too_long_for_the_line_waits_for_the_challenge() {
    // `AUTH PLAIN ` and CRLF leave 242 octets: Base64 of 180 octets is 240, of 181 it is 244.
    for (len, alone) in [(180, false), (181, true)] {
        let password = "x".repeat(len - "\0u\0".len());
        let played =
            login(Credentials::new("u", &*password), Method::Plain, if alone { &["+", "+OK"] } else { &["+OK"] });
        played.result.as_ref().unwrap();
        assert_eq!(played.proof().len(), if alone { 2 } else { 1 });
        assert_eq!(unbase64(played.proof().last().unwrap().rsplit(' ').next().unwrap()).len(), len);
    }
}

#[test]
fn login_asks_for_name_and_password() {
    for (name, password) in
        [("+ VXNlcm5hbWU6", "+ UGFzc3dvcmQ6"), ("+", "+ "), ("+ VXNlciBOYW1lAA==", "+ eW91ciBwYXNzd29yZD8=")]
    {
        let played = login(Credentials::new("user", "secret"), Method::Login, &[name, password, "+OK"]);
        played.result.as_ref().unwrap();
        assert_eq!(played.proof(), ["AUTH LOGIN", "dXNlcg==", "c2VjcmV0"]);
    }
}

#[cfg(feature = "cram-md5")]
#[test]
fn cram_md5_of_the_rfc() {
    let challenge = base64("<1896.697170952@postoffice.reston.mci.net>");
    let played = login(tim(), Method::CramMd5, &[&format!("+ {challenge}"), "+OK"]);
    played.result.as_ref().unwrap();
    assert_eq!(played.proof(), ["AUTH CRAM-MD5", &base64("tim b913a602c7eda7a495b4e6e7334d3890")]);
    // This is not a msg-id, and is used all the same: servers send such challenges.
    let played = login(Credentials::new("user", "password"), Method::CramMd5, &["+ abcd", "+OK"]);
    assert_eq!(played.proof()[1], "dXNlciBhZGFhZTU2Zjk1NzAxZjQwNDQwZjhhMWU2YzY1ZjZmZg==");
}

#[test]
fn oauthbearer_of_the_rfc() {
    let token = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==";
    let credentials = || Credentials::token("user@example.com", token).for_server("server.example.com", 143);
    let message = "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB";
    let played = login(credentials(), Method::OauthBearer, &["+OK"]);
    played.result.as_ref().unwrap();
    assert_eq!(played.proof(), [format!("AUTH OAUTHBEARER {message}")]);

    let said = r#"{"status":"invalid_token","scope":"example_scope"}"#;
    let played =
        login(credentials(), Method::OauthBearer, &[&format!("+ {}", base64(said)), "-ERR Authentication failed"]);
    assert_eq!(played.proof(), [&format!("AUTH OAUTHBEARER {message}"), "AQ=="]);
    let LoginError::Token(refused) = played.reason() else { panic!("{:?}", played.reason()) };
    assert_eq!(played.error().kind(), ErrorKind::Credentials);
    assert_eq!(refused.explanation().unwrap().as_bytes(), said.as_bytes());
    assert_eq!(
        played.reason().to_string(),
        format!("the token was refused; the server said -ERR Authentication failed ({said})")
    );
}

#[test]
fn a_name_with_commas_is_written_otherwise_in_oauthbearer() {
    let played = login(Credentials::token("a=b,c", "t"), Method::OauthBearer, &["+OK"]);
    let message = unbase64(played.proof()[0].rsplit(' ').next().unwrap());
    assert_eq!(message, b"n,a=a=3Db=2Cc,\x01auth=Bearer t\x01\x01");
}

#[test]
fn xoauth2_in_two_steps() {
    let credentials = || Credentials::token("user@example.com", "ya29.vF9");
    let message = base64("user=user@example.com\x01auth=Bearer ya29.vF9\x01\x01");
    let played = login(credentials(), Method::Xoauth2, &["+", "+OK"]);
    played.result.as_ref().unwrap();
    assert_eq!(played.proof(), ["AUTH XOAUTH2", &message]);

    let said = base64(r#"{"status":"400"}"#);
    let played = login(credentials(), Method::Xoauth2, &["+ ", &format!("+ {said}"), "-ERR [AUTH] no"]);
    assert_eq!(played.proof(), ["AUTH XOAUTH2", &message, ""]);
    assert!(matches!(played.reason(), LoginError::Token(_)), "{:?}", played.reason());
    assert!(played.error().is_recoverable());
}

#[test]
fn a_server_that_refuses_a_token_and_then_accepts_it_is_not_believed() {
    for (method, said) in [(Method::OauthBearer, &["+ e30=", "+OK"][..]), (Method::Xoauth2, &["+", "+ e30=", "+OK"])] {
        let played = login(Credentials::token("u", "t"), method, said);
        assert!(is_unproved(played.error()), "{:?}", played.error());
    }
}

#[test]
fn external_with_and_without_an_identity() {
    let played = login(Credentials::external(), Method::External, &["+OK"]);
    assert_eq!(played.proof(), ["AUTH EXTERNAL ="]);
    let played = login(Credentials::external().acting_for("user"), Method::External, &["+OK"]);
    assert_eq!(played.proof(), ["AUTH EXTERNAL dXNlcg=="]);
    let mut said = ["-ERR\r\n", "+\r\n", "+OK\r\n"].into_iter();
    let played = play(Credentials::external(), CLEAR, |_| said.next().unwrap().into());
    played.result.as_ref().unwrap();
    assert_eq!(played.proof(), ["AUTH EXTERNAL", ""]);

    let played = login(Credentials::external(), Method::External, &["-ERR no"]);
    assert!(matches!(played.reason(), LoginError::External(_)), "{:?}", played.reason());
    assert_eq!(played.error().kind(), ErrorKind::Credentials);
    assert_eq!(played.reason().to_string(), "the client certificate or its user was refused; the server said -ERR no");
}

#[test]
fn an_early_ok_is_not_a_login() {
    for method in [Method::Login, Method::Plain, Method::Xoauth2, Method::OauthBearer] {
        let token = matches!(method, Method::Xoauth2 | Method::OauthBearer);
        let credentials = if token { Credentials::token("user", "t") } else { Credentials::new("user", "secret") };
        // CAPA is refused, so that nothing goes with the command.
        let mut said = ["-ERR\r\n", "+OK come in\r\n"].into_iter();
        let played = play(credentials, by(method), |_| said.next().unwrap().into());
        assert!(is_unproved(played.error()), "{:?}", played.error());
        assert_eq!(played.proof(), [format!("AUTH {method}")]);
        assert!(played.conversation.pending().is_empty());
    }
    // The mechanism is half done.
    let played = login(Credentials::new("user", "secret"), Method::Login, &["+", "+OK"]);
    assert_eq!(played.proof(), ["AUTH LOGIN", "dXNlcg=="]);
    assert!(!played.error().is_recoverable());
}

#[test]
fn a_challenge_too_many_is_cancelled() {
    for (method, said) in [
        (Method::Plain, &["+ ", "-ERR"][..]),
        (Method::Login, &["+", "+", "+", "-ERR"]),
        #[cfg(feature = "cram-md5")]
        (Method::CramMd5, &["+ abcd", "+ abcd", "-ERR"]),
    ] {
        let played = login(Credentials::new("user", "secret"), method, said);
        assert_eq!(played.said.last().unwrap(), "*");
        let LoginError::Mechanism { name, error: MechanismError::Challenge(_) } = played.reason() else {
            panic!("{:?}", played.reason())
        };
        assert_eq!(name, method.name());
        assert!(played.error().is_recoverable());
    }
    // Success after a cancelled exchange is not accepted.
    let played = login(Credentials::new("user", "secret"), Method::Plain, &["+ ", "+OK"]);
    assert_eq!(played.said.last().unwrap(), "*");
    assert!(is_unproved(played.error()), "{:?}", played.error());
}

#[cfg(feature = "cram-md5")]
#[test]
fn a_challenge_that_is_not_base64_is_cancelled() {
    for challenge in ["=AAA", "AAA", "AAA=BBB", "AA AA", "A", "====", "AB=="] {
        let played = login(tim(), Method::CramMd5, &[&format!("+ {challenge}"), "-ERR"]);
        assert_eq!(played.proof(), ["AUTH CRAM-MD5", "*"], "{challenge}");
        assert!(matches!(played.reason(), LoginError::Mechanism { error: MechanismError::Challenge(_), .. }));
    }
}

#[test]
fn a_refusal_names_its_reason_and_shows_no_secret() {
    for (method, echoed) in [
        (Method::Plain, base64("\0user\0tan,staaf")),
        (Method::Login, base64("tan,staaf")),
        (Method::Login, "tan,staaf".into()),
    ] {
        let refusal = format!("-ERR no such thing: {echoed}");
        let said: &[&str] = if method == Method::Plain { &[&refusal] } else { &["+", "+", &refusal] };
        let played = login(Credentials::new("user", "tan,staaf"), method, said);
        let text = format!("{} {:?}", played.reason(), played.reason());
        assert!(text.contains("the server said -ERR ***") && !text.contains("no such thing"), "{text}");
    }
}

#[test]
fn a_refused_method_is_not_a_wrong_password() {
    let user = || Credentials::new("user", "tanstaaf");
    // Before a message of the mechanism, nothing can be judged; and some servers say that they do not implement it.
    for (method, said) in [
        (Method::CramMd5, &["-ERR"][..]),
        (Method::Login, &["-ERR no"]),
        (Method::Plain, &["-ERR command not implemented yet"]),
        (Method::UserPass, &["-ERR Unknown command."]),
        (Method::UserPass, &["+OK", "-ERR unsupported"]),
    ] {
        let played = login(user(), method, said);
        let LoginError::MethodRefused { name, .. } = played.reason() else { panic!("{method}: {}", played.reason()) };
        assert!(*name == method.name() || method == Method::UserPass, "{name}");
        assert!(!played.reason().to_string().contains("wrong"), "{}", played.reason());
    }
    // An unknown code says nothing about the credentials, whatever comes after it.
    for code in ["[X-FOO]", "[LIMIT]", "[AUTHX/y]"] {
        let refusal = format!("-ERR {code} wrong password");
        let played = login(user(), Method::UserPass, &["+OK", &refusal]);
        assert!(matches!(played.reason(), LoginError::Refused(_)), "{}", played.reason());
        assert!(played.reason().to_string().contains(&refusal), "{}", played.reason());
    }
    // The name alone is no proof.
    for said in ["-ERR", "-ERR no", "-ERR wrong password", "-ERR internal error"] {
        let played = login(user(), Method::Login, &["+ VXNlcm5hbWU6", said]);
        assert!(matches!(played.reason(), LoginError::MethodRefused { .. }), "{}", played.reason());
        let played = login(user(), Method::Login, &["+ VXNlcm5hbWU6", "+ UGFzc3dvcmQ6", "-ERR no"]);
        assert!(matches!(played.reason(), LoginError::Credentials(_)), "{}", played.reason());
        #[cfg(feature = "scram")]
        for method in [Method::ScramSha1, Method::ScramSha256] {
            let played = login(user(), method, &[said]);
            assert_eq!(played.proof().len(), 1);
            assert!(matches!(played.reason(), LoginError::MethodRefused { .. }), "{}", played.reason());
            let played = login(user(), method, &["-ERR [AUTH] no such user"]);
            assert!(matches!(played.reason(), LoginError::Credentials(_)), "{}", played.reason());
        }
    }
    // These are judged as far as possible.
    for (method, said) in [
        (Method::Plain, &["-ERR no"][..]),
        (Method::CramMd5, &["+ PDEuMkBoPg==", "-ERR"]),
        (Method::UserPass, &["+OK", "-ERR"]),
        (Method::CramMd5, &["-ERR [AUTH] unknown user"]),
    ] {
        let played = login(user(), method, said);
        assert!(matches!(played.reason(), LoginError::Credentials(_)), "{method}: {}", played.reason());
    }
}

#[test]
fn unsendable_credentials_are_reported_before_anything_is_sent() {
    let long = "x".repeat(70_000);
    for (credentials, method, bad) in [
        (Credentials::new("user", "a\0b"), Method::Plain, BadArgument::Control),
        (Credentials::new("us\0er", "ab"), Method::Login, BadArgument::Control),
        (Credentials::new("", "ab"), Method::Plain, BadArgument::Empty),
        (Credentials::new("user", ""), Method::Login, BadArgument::Empty),
        (Credentials::token("user", "a b"), Method::Xoauth2, BadArgument::Control),
        (Credentials::token("user", "a\x01b"), Method::OauthBearer, BadArgument::Control),
        (Credentials::token("us\x01er", "t"), Method::OauthBearer, BadArgument::Control),
        (Credentials::token("us\x01er", "t"), Method::Xoauth2, BadArgument::Control),
        (Credentials::token("user", ""), Method::Xoauth2, BadArgument::Empty),
        (Credentials::external().acting_for("a\0b"), Method::External, BadArgument::Control),
    ] {
        let played = login(credentials, method, &[]);
        assert!(matches!(played.reason(), LoginError::Unsendable(reason) if *reason == bad), "{:?}", played.reason());
        assert!(played.said.iter().all(|line| line == "CAPA"), "{:?}", played.said);
    }
    // A long token is sent.
    let played = login(Credentials::token("user", long), Method::OauthBearer, &["+", "+OK"]);
    played.result.as_ref().unwrap();
    assert!(played.proof()[1].len() > 90_000);
}
