use pop3_blocking::testing::suites::dovecot::deletion;

use crate::Tokio;

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn quit_commits() {
    deletion::quit_commits::<Tokio>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn reset_unmarks() {
    deletion::reset_unmarks::<Tokio>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn without_quit_nothing_is_deleted() {
    deletion::without_quit_nothing_is_deleted::<Tokio>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn a_broken_connection_deletes_nothing() {
    deletion::a_broken_connection_deletes_nothing::<Tokio>();
}
