use pop3_blocking::testing::suites::dovecot::logins;

use crate::Blocking;

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn every_mechanism() {
    logins::every_mechanism::<Blocking>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn a_wrong_password_and_a_second_try_on_the_same_connection() {
    logins::a_wrong_password_and_a_second_try_on_the_same_connection::<Blocking>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn an_unprotected_password_stays_here() {
    logins::an_unprotected_password_stays_here::<Blocking>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn what_cannot_be_sent_is_not() {
    logins::what_cannot_be_sent_is_not::<Blocking>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn a_log_tells_all_but_secrets_and_bodies() {
    logins::a_log_tells_all_but_secrets_and_bodies::<Blocking>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn tokens_good_and_bad() {
    logins::tokens_good_and_bad::<Blocking>();
}
