use pop3_blocking::testing::suites::dovecot::calls;

use crate::Blocking;

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn totals_listings_and_unique_ids_agree() {
    calls::totals_listings_and_unique_ids_agree::<Blocking>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn messages_and_their_parts() {
    calls::messages_and_their_parts::<Blocking>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn a_refusal_does_not_change_the_session() {
    calls::a_refusal_does_not_change_the_session::<Blocking>();
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
