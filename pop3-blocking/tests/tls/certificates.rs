use pop3_blocking::testing::suites::tls::certificates;

use crate::Blocking;

#[test]
fn a_certificate_is_valid_for_a_name_or_an_address() {
    certificates::a_certificate_is_valid_for_a_name_or_an_address::<Blocking>();
}

#[test]
fn a14_a_certificate_for_another_name_is_refused() {
    certificates::a14_a_certificate_for_another_name_is_refused::<Blocking>();
}

#[test]
fn a_certificate_out_of_date_is_refused() {
    certificates::a_certificate_out_of_date_is_refused::<Blocking>();
}

#[test]
fn a14_an_unknown_authority_is_refused() {
    certificates::a14_an_unknown_authority_is_refused::<Blocking>();
}

#[test]
fn a14_a_name_with_a_nul_is_refused() {
    certificates::a14_a_name_with_a_nul_is_refused::<Blocking>();
}

#[test]
fn a_client_certificate() {
    certificates::a_client_certificate::<Blocking>();
}

#[test]
fn own_tls_settings_may_accept_any_certificate() {
    certificates::own_tls_settings_may_accept_any_certificate::<Blocking>();
}

#[test]
fn own_tls_settings_are_used_unchanged() {
    certificates::own_tls_settings_are_used_unchanged();
}

#[test]
fn invalid_tls_settings_open_no_connection() {
    certificates::invalid_tls_settings_open_no_connection::<Blocking>();
}
