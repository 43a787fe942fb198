//! SCRAM against an honest server of the test's own.

mod binding;
mod cheats;
mod server;

use pop3_proto::login::{Credentials, LoginError, Method};

use self::server::{Cheat, Function, Server};
use crate::play::{Played, by, capa, is_unproved, play};

fn pencil() -> Credentials {
    Credentials::new("user", "pencil")
}

fn against(credentials: Credentials, function: Function, cheat: Cheat) -> (Played, Server) {
    let mut server = Server::new(function, cheat);
    let method = if function == Function::Sha1 { Method::ScramSha1 } else { Method::ScramSha256 };
    let played = play(credentials, by(method), |line| match line {
        "CAPA" => capa("SCRAM-SHA-1 SCRAM-SHA-256"),
        line => server.answer(line),
    });
    (played, server)
}

#[test]
fn both_sides_prove_themselves() {
    for function in [Function::Sha1, Function::Sha256] {
        let (played, server) = against(pencil(), function, Cheat::default());
        played.result.as_ref().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(server.proved, Some(true));
        assert_eq!(played.proof().len(), 3);
        assert!(server.messages[0].starts_with("n,,n=user,r="), "{}", server.messages[0]);
        // The nonce is a new one each time.
        let (_, again) = against(pencil(), function, Cheat::default());
        assert_ne!(server.messages[0], again.messages[0]);
    }
}

#[test]
fn all_kinds_of_names_and_passwords() {
    for (user, password, prepared) in
        [("a=b,c", "p,a=s", "p,a=s"), ("user", "I\u{AD}X\u{BD}", "IX1\u{2044}2"), ("us er", "two words", "two words")]
    {
        let mut server = Server { password: prepared.into(), ..Server::new(Function::Sha256, Cheat::default()) };
        let credentials = Credentials::new(user, password).acting_for("other,one");
        let played = play(credentials, by(Method::ScramSha256), |line| match line {
            "CAPA" => capa("SCRAM-SHA-256"),
            line => server.answer(line),
        });
        assert!(server.messages[0].starts_with("n,a=other=2Cone,n="), "{}", server.messages[0]);
        assert_eq!(server.proved, Some(true), "{password}");
        played.result.unwrap();
    }
}

#[test]
fn a_wrong_password_is_refused_by_the_server() {
    let (played, server) = against(Credentials::new("user", "pencils"), Function::Sha256, Cheat::default());
    assert_eq!(server.proved, Some(false));
    let LoginError::Credentials(refused) = played.reason() else { panic!("{:?}", played.reason()) };
    assert_eq!(refused.to_string(), "-ERR [AUTH] no (invalid-proof)");
    assert!(played.error().is_recoverable());
    // A server that refuses inside SCRAM and then accepts the login is not believed.
    let cheat = Cheat { end: Some("+OK"), ..Cheat::default() };
    let (played, _) = against(Credentials::new("user", "pencils"), Function::Sha256, cheat);
    assert!(is_unproved(played.error()), "{:?}", played.error());
}
