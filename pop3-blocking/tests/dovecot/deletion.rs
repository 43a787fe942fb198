use pop3_blocking::testing::suites::dovecot::deletion;

use crate::Blocking;

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn quit_commits() {
    deletion::quit_commits::<Blocking>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn reset_unmarks() {
    deletion::reset_unmarks::<Blocking>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn without_quit_nothing_is_deleted() {
    deletion::without_quit_nothing_is_deleted::<Blocking>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn a_broken_connection_deletes_nothing() {
    deletion::a_broken_connection_deletes_nothing::<Blocking>();
}
