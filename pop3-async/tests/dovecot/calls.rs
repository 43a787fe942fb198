use pop3_blocking::testing::suites::dovecot::calls;

use crate::Tokio;

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn totals_listings_and_unique_ids_agree() {
    calls::totals_listings_and_unique_ids_agree::<Tokio>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn messages_and_their_parts() {
    calls::messages_and_their_parts::<Tokio>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn a_refusal_does_not_change_the_session() {
    calls::a_refusal_does_not_change_the_session::<Tokio>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn a_connection_before_its_login() {
    calls::a_connection_before_its_login::<Tokio>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn an_empty_maildrop() {
    calls::an_empty_maildrop::<Tokio>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn two_sessions_at_once() {
    calls::two_sessions_at_once::<Tokio>();
}
