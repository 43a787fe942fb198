//! The examples, run as a user would, against the embedded server.
#![allow(missing_docs, reason = "a test")]

use pop3_blocking::testing::suites::examples::{self, drain, new_mail, system_calls};
use tempfile::TempDir;

const DRAIN: &str = "drain-async";
const NEW_MAIL: &str = "new-mail-async";

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn all_messages_are_counted_and_stay_on_the_server() {
    drain::all_messages_are_counted_and_stay_on_the_server(DRAIN, folder().path());
}

#[test]
fn messages_are_downloaded_once_and_deleted_after_some_days() {
    new_mail::messages_are_downloaded_once_and_deleted_after_some_days(NEW_MAIL, folder().path());
}

#[test]
fn a_mark_ends_when_its_id_disappears() {
    new_mail::a_mark_ends_when_its_id_disappears(NEW_MAIL, folder().path());
}

#[test]
fn a_new_message_may_have_the_id_of_a_deleted_one() {
    new_mail::a_new_message_may_have_the_id_of_a_deleted_one(NEW_MAIL, folder().path());
}

#[test]
fn a_message_whose_file_was_moved_stays() {
    new_mail::a_message_whose_file_was_moved_stays(NEW_MAIL, folder().path());
}

#[test]
fn messages_that_share_an_id_are_never_deleted() {
    new_mail::messages_that_share_an_id_are_never_deleted(NEW_MAIL, folder().path());
}

#[test]
fn a_message_that_was_cut_off_is_downloaded_again() {
    new_mail::a_message_that_was_cut_off_is_downloaded_again(NEW_MAIL, folder().path());
}

#[test]
fn scale_with_a_few_sessions() {
    let out = examples::run(examples::example("scale").arg("20")).unwrap();
    assert!(out.contains("20 "), "{out}");
}

#[test]
#[ignore = "needs strace"]
#[cfg(target_os = "linux")]
fn a_message_without_pipelining_costs_few_system_calls() {
    system_calls::a_message_without_pipelining_costs_few_system_calls(DRAIN, folder().path(), 3.1);
}
