use pop3_blocking::testing::suites::tls::pins;

use crate::Tokio;

#[test]
fn a_pinned_certificate_or_key_is_judged_by_its_pin_alone() {
    pins::a_pinned_certificate_or_key_is_judged_by_its_pin_alone::<Tokio>();
}

#[test]
fn another_certificate_is_refused_even_if_its_authority_is_trusted() {
    pins::another_certificate_is_refused_even_if_its_authority_is_trusted::<Tokio>();
}

#[test]
fn a_server_without_the_key_is_refused() {
    pins::a_server_without_the_key_is_refused::<Tokio>();
}

#[test]
fn a_refused_certificate_is_reported_with_its_fingerprint() {
    pins::a_refused_certificate_is_reported_with_its_fingerprint::<Tokio>();
}

#[test]
fn a_certificate_of_version_1() {
    pins::a_certificate_of_version_1::<Tokio>();
}
