use pop3_blocking::testing::suites::tls::certificates;

use crate::Blocking;

#[test]
fn a_name_and_an_address() {
    certificates::a_name_and_an_address::<Blocking>();
}

#[test]
fn a14_a_wrong_name() {
    certificates::a14_a_wrong_name::<Blocking>();
}

#[test]
fn out_of_date() {
    certificates::out_of_date::<Blocking>();
}

#[test]
fn a14_an_unknown_authority() {
    certificates::a14_an_unknown_authority::<Blocking>();
}

#[test]
fn a14_a_nul_in_the_name() {
    certificates::a14_a_nul_in_the_name::<Blocking>();
}

#[test]
fn a_client_certificate() {
    certificates::a_client_certificate::<Blocking>();
}

#[test]
fn settings_of_ones_own_may_accept_anything() {
    certificates::settings_of_ones_own_may_accept_anything::<Blocking>();
}

#[test]
fn settings_that_are_made_once() {
    certificates::settings_that_are_made_once();
}

#[test]
fn what_cannot_be_tried() {
    certificates::what_cannot_be_tried::<Blocking>();
}
