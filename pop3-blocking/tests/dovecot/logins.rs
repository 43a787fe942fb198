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
fn no_password_is_sent_without_protection() {
    logins::no_password_is_sent_without_protection::<Blocking>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn no_invalid_credentials_are_sent() {
    logins::no_invalid_credentials_are_sent::<Blocking>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn the_log_shows_everything_except_secrets_and_bodies() {
    logins::the_log_shows_everything_except_secrets_and_bodies::<Blocking>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn good_tokens_log_in_and_bad_tokens_do_not() {
    logins::good_tokens_log_in_and_bad_tokens_do_not::<Blocking>();
}
