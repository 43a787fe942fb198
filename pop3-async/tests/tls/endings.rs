use pop3_blocking::testing::suites::tls::endings;

use crate::Tokio;

#[test]
fn a15_a_connection_cut_at_every_octet_is_an_error() {
    endings::a15_a_connection_cut_at_every_octet_is_an_error::<Tokio>();
}

#[test]
fn a_server_may_close_an_idle_connection() {
    endings::a_server_may_close_an_idle_connection::<Tokio>();
}

#[test]
fn a_bad_record_is_an_error() {
    endings::a_bad_record_is_an_error::<Tokio>();
}

#[test]
fn a_bad_record_is_noticed_before_the_next_command() {
    endings::a_bad_record_is_noticed_before_the_next_command::<Tokio>();
}

#[test]
fn the_client_closes_tls() {
    endings::the_client_closes_tls::<Tokio>();
}

#[test]
fn only_quit_closes_tls_on_the_callers_stream() {
    endings::only_quit_closes_tls_on_the_callers_stream::<Tokio>();
}
