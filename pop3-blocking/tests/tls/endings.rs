use pop3_blocking::testing::suites::tls::endings;

use crate::Blocking;

#[test]
fn a15_at_every_octet() {
    endings::a15_at_every_octet::<Blocking>();
}

#[test]
fn while_idle() {
    endings::while_idle::<Blocking>();
}

#[test]
fn by_a_bad_record() {
    endings::by_a_bad_record::<Blocking>();
}

#[test]
fn by_a_bad_record_before_more_is_asked() {
    endings::by_a_bad_record_before_more_is_asked::<Blocking>();
}

#[test]
fn by_us() {
    endings::by_us::<Blocking>();
}

#[test]
fn by_us_on_a_stream_of_ones_own() {
    endings::by_us_on_a_stream_of_ones_own::<Blocking>();
}
