use pop3_blocking::testing::suites::dovecot::calls;

use crate::Blocking;

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn questions_about_the_maildrop() {
    calls::questions_about_the_maildrop::<Blocking>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn messages_and_their_parts() {
    calls::messages_and_their_parts::<Blocking>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn what_the_server_refuses_leaves_the_session_as_it_was() {
    calls::what_the_server_refuses_leaves_the_session_as_it_was::<Blocking>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn a_connection_before_its_login() {
    calls::a_connection_before_its_login::<Blocking>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn an_empty_maildrop() {
    calls::an_empty_maildrop::<Blocking>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn two_sessions_at_once() {
    calls::two_sessions_at_once::<Blocking>();
}
