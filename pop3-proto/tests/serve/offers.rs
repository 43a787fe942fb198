//! The offers of a server: it announces what it permits now, and permits nothing else.

use pop3_proto::ServerConfig;

use crate::script::{LOGIN, inside, talk, talk_with};
use crate::service::store;

/// SCRAM shows no password, and is offered wherever there are keys for it.
const SCRAM: &str = if cfg!(feature = "scram") { " SCRAM-SHA-256" } else { "" };

#[test]
fn v29_v30_capabilities_are_true() {
    let script = format!(
        "
         C: CAPA
         S: +OK~
         S: TOP
         S: UIDL
         S: RESP-CODES
         S: AUTH-RESP-CODE
         S: PIPELINING
         S: USER
         S: SASL PLAIN{SCRAM}
         S: IMPLEMENTATION pop3-proto/~
         S: ."
    );
    talk(&format!("{script}\n{LOGIN}{script}"));
}

#[test]
fn v37_passwords_are_refused_outside_tls_unless_configured() {
    let sasl = if SCRAM.is_empty() { String::new() } else { format!("S: SASL{SCRAM}") };
    let script = format!(
        "C: CAPA
         S: +OK~
         S: TOP
         S: UIDL
         S: RESP-CODES
         S: AUTH-RESP-CODE
         S: PIPELINING
         {sasl}
         S: STLS
         S: IMPLEMENTATION pop3-proto/~
         S: .
         C: USER ann
         S: -ERR USER is permitted only inside TLS
         C: AUTH plain AGJvYgBwdw==
         S: -ERR~
         C: PASS pw
         S: -ERR~"
    );
    talk_with(ServerConfig::new().stls(true), || store().maildrop(), &script);
    let inside_tls = ServerConfig::new().inside_tls(true).stls(true);
    talk_with(inside_tls, || store().maildrop(), "C: STLS\nS: -ERR~\nC: AUTH PLAIN AGJvYgBwdw==\nS: +OK~");
}

#[test]
fn auth_alone_lists_the_mechanisms_that_are_offered_now() {
    let scram = if cfg!(feature = "scram") { "S: SCRAM-SHA-256\n" } else { "" };
    let list = format!("S: +OK~\nS: PLAIN\n{scram}S: .\n");
    // Between USER and PASS, AUTH makes the server forget the name, as any other command does.
    let named = format!("C: USER bob\nS: +OK~\nC: AUTH\n{list}C: PASS pw\nS: -ERR PASS~");
    talk(&format!("C: AUTH\n{list}C: auth \n{list}{named}"));
    talk_with(ServerConfig::default(), || store().maildrop(), &format!("C: AUTH\nS: +OK~\n{scram}S: ."));
    inside("C: AUTH\nS: -ERR~");
}
