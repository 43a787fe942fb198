use pop3_blocking::testing::suites::tls::endings;

use crate::Tokio;

#[test]
fn a15_at_every_octet() {
    endings::a15_at_every_octet::<Tokio>();
}

#[test]
fn while_idle() {
    endings::while_idle::<Tokio>();
}

#[test]
fn by_a_bad_record() {
    endings::by_a_bad_record::<Tokio>();
}

#[test]
fn by_a_bad_record_before_more_is_asked() {
    endings::by_a_bad_record_before_more_is_asked::<Tokio>();
}

#[test]
fn by_us() {
    endings::by_us::<Tokio>();
}

#[test]
fn by_us_on_a_stream_of_ones_own() {
    endings::by_us_on_a_stream_of_ones_own::<Tokio>();
}
