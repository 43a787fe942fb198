use pop3_blocking::testing::suites::tls::handshakes;

use crate::Tokio;

#[test]
fn tls_1_2_and_1_3_are_accepted() {
    handshakes::tls_1_2_and_1_3_are_accepted::<Tokio>();
}

#[test]
fn a_second_connection() {
    handshakes::a_second_connection::<Tokio>();
}

#[test]
fn a_handshake_octet_by_octet() {
    handshakes::a_handshake_octet_by_octet::<Tokio>();
}

#[test]
fn a08_a_silent_server_times_out() {
    handshakes::a08_a_silent_server_times_out::<Tokio>();
}

#[test]
fn a08_a16_a_server_that_does_not_speak_tls() {
    handshakes::a08_a16_a_server_that_does_not_speak_tls::<Tokio>();
}

#[test]
fn scram_is_bound_to_the_channel() {
    handshakes::scram_is_bound_to_the_channel::<Tokio>();
}
