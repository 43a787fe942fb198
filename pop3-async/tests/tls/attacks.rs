use pop3_blocking::testing::suites::tls::attacks;

use crate::Tokio;

#[test]
fn a01_a02_in_the_same_segment() {
    attacks::a01_a02_in_the_same_segment::<Tokio>();
}

#[test]
fn a01_a02_in_the_next_segment() {
    attacks::a01_a02_in_the_next_segment::<Tokio>();
}

#[test]
fn a10_announcements_before_tls_are_forgotten() {
    attacks::a10_announcements_before_tls_are_forgotten::<Tokio>();
}
