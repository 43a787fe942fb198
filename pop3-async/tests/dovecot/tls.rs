use pop3_blocking::testing::suites::dovecot::tls;

use crate::Tokio;

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn a_whole_session() {
    tls::a_whole_session::<Tokio>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn every_mechanism_inside_tls() {
    tls::every_mechanism_inside_tls::<Tokio>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn bad_certificates_are_refused() {
    tls::bad_certificates_are_refused::<Tokio>();
}

#[test]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn a_client_certificate() {
    tls::a_client_certificate::<Tokio>();
}
