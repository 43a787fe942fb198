//! Every way to log in that both roles know, from both sides at once.

use pop3_proto::ServerConfig;
use pop3_proto::login::{Method, Methods, Policy, Security};

use crate::link::{Scene, Schedule};
use crate::typed;

/// Returns schedules that deliver whole, octet by octet, and in odd pieces.
fn schedules() -> [Schedule; 3] {
    [vec![], vec![1, 5, 10], vec![3, 200, 0, 7, 130, 1]].map(|throws| Schedule { throws, ..Schedule::IDEAL })
}

fn scene(security: Security, exporters: Option<(u8, u8)>) -> Scene {
    let server = ServerConfig::new()
        .inside_tls(security == Security::Tls)
        .stls(security == Security::StartTls)
        .plaintext_login(security == Security::Plaintext);
    let scram = cfg!(feature = "scram");
    Scene { mails: Vec::new(), max_read: usize::MAX, server, timestamp: true, scram, exporters }
}

fn methods() -> Vec<Option<Method>> {
    let scram = cfg!(feature = "scram").then_some(Some(Method::ScramSha256));
    let methods = [None, Some(Method::UserPass), Some(Method::Apop), Some(Method::Plain)];
    // The greeting's timestamp cannot be used after STLS.
    methods.into_iter().chain(scram).collect()
}

#[test]
fn every_method_logs_in_and_only_with_the_password() {
    for security in [Security::Plaintext, Security::StartTls, Security::Tls] {
        for method in methods() {
            if method == Some(Method::Apop) && security == Security::StartTls {
                continue;
            }
            for schedule in schedules() {
                let policy = Policy::new().security(security).allow_plaintext(true).methods(method.map(Methods::from));
                let results =
                    typed::converse(&scene(security, Some((7, 7))), &[(policy, false), (policy, true)], &[], &schedule);
                let [greeted, refused, logged_in, quit] = &results[..] else { panic!("{method:?}: {results:?}") };
                assert!(greeted.starts_with("Ok("), "{greeted}");
                assert!(refused.contains("-ERR [AUTH]"), "{method:?} {security:?}: {refused}");
                assert_eq!((logged_in.as_str(), quit.as_str()), ("logged in", "quit"), "{method:?} {security:?}");
            }
        }
    }
}

/// An attacker between the two, with a TLS connection to each of them, can carry a proof from one to the other, but the
/// proof is bound to the wrong connection.
#[test]
#[cfg(feature = "scram")]
fn a_proof_for_another_connection_is_refused() {
    let policy = Policy::new();
    let results =
        |exporters| typed::converse(&scene(Security::Tls, exporters), &[(policy, true)], &[], &Schedule::IDEAL);
    assert_eq!(results(Some((7, 7)))[1..], ["logged in", "quit"]);
    assert_eq!(results(None)[1..], ["logged in", "quit"]);
    let refused = results(Some((7, 8)));
    assert!(refused.len() == 2 && refused[1].contains("-ERR [AUTH]"), "{refused:?}");
}
