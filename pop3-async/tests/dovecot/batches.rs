use pop3_blocking::testing::suites::dovecot::batches;

use crate::Tokio;

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn retrieve_all_and_many() {
    batches::retrieve_all_and_many::<Tokio>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn headers_all_and_many() {
    batches::headers_all_and_many::<Tokio>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn delete_many_and_all() {
    batches::delete_many_and_all::<Tokio>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn ten_thousand_messages() {
    batches::ten_thousand_messages::<Tokio>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn messages_read_in_part_are_skipped() {
    batches::messages_read_in_part_are_skipped::<Tokio>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn a_stopped_batch_returns_the_messages_in_flight() {
    batches::a_stopped_batch_returns_the_messages_in_flight::<Tokio>();
}
