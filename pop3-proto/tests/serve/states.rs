//! The states of a session: each command is permitted in certain states, and some lead to the end.

use pop3_proto::State;

use crate::script::{LOGIN, inside, talk, talk_with};
use crate::service::{PLAINTEXT, store};

#[test]
fn v10_v15_each_command_has_its_state() {
    talk(
        "C: STAT
         S: -ERR~
         C: LIST
         S: -ERR~
         C: UIDL 1
         S: -ERR~
         C: RETR 1
         S: -ERR~
         C: TOP 1 1
         S: -ERR~
         C: DELE 1
         S: -ERR~
         C: RSET
         S: -ERR~
         C: NOOP
         S: -ERR~
         C: LAST
         S: -ERR~
         C: PASS  top  secret 
         S: -ERR~
         C: STLS
         S: -ERR~",
    );
    inside(
        "C: USER ann
         S: -ERR~
         C: PASS pw
         S: -ERR~
         C: APOP ann c4c9334bac560ecc979e58001b3e22fb
         S: -ERR~
         C: AUTH PLAIN
         S: -ERR~
         C: STLS
         S: -ERR~
         C: UTF8
         S: -ERR~
         C: STAT
         S: +OK 3 84",
    );
}

#[test]
fn v19_quit_before_the_login() {
    let service = talk("C: USER ann\nS: +OK~\nC: QUIT\nS: +OK~");
    assert_eq!(service.state(), State::Closed);
    assert!(service.is_over());
}

#[test]
fn too_many_refusals_before_the_login_end_the_session() {
    let config = PLAINTEXT.max_refusals(3);
    let maildrop = || store().maildrop();
    let over = talk_with(config, maildrop, "C: X1\nS: -ERR~\nC: USER a\nS: +OK~\nC: PASS b\nS: -ERR~\nC: X\nS: -ERR~");
    assert!(over.is_over());
    let mut after_login = format!("C: X1\nS: -ERR~\n{LOGIN}");
    after_login.push_str(&"C: X\nS: -ERR~\n".repeat(9));
    assert!(!talk_with(config, maildrop, &after_login).is_over());
}
