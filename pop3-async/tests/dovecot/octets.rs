use pop3_blocking::testing::suites::dovecot::octets;

use crate::Tokio;

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn any_octet() {
    octets::any_octet::<Tokio>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn every_kind_of_line_end() {
    octets::every_kind_of_line_end::<Tokio>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn dots() {
    octets::dots::<Tokio>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn long_lines() {
    octets::long_lines::<Tokio>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn a_dot_as_the_first_octet_is_lost_by_dovecot() {
    octets::a_dot_as_the_first_octet_is_lost_by_dovecot::<Tokio>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn an_empty_message_is_a_blank_line() {
    octets::an_empty_message_is_a_blank_line::<Tokio>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn a_message_read_line_by_line() {
    octets::a_message_read_line_by_line::<Tokio>();
}
