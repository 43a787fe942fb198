use pop3_blocking::testing::suites::tls::handshakes;

use crate::Blocking;

#[test]
fn versions_of_tls() {
    handshakes::versions_of_tls::<Blocking>();
}

#[test]
fn a_second_connection() {
    handshakes::a_second_connection::<Blocking>();
}

#[test]
fn octet_by_octet() {
    handshakes::octet_by_octet::<Blocking>();
}

#[test]
fn a08_a_server_that_says_nothing() {
    handshakes::a08_a_server_that_says_nothing::<Blocking>();
}

#[test]
fn a08_a16_a_server_that_says_something_else() {
    handshakes::a08_a16_a_server_that_says_something_else::<Blocking>();
}

#[test]
fn a_binding_to_the_channel() {
    handshakes::a_binding_to_the_channel::<Blocking>();
}
