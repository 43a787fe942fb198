//! The examples, run as a user would. Most tests are those of the blocking adapter's examples.
#![allow(missing_docs, reason = "a test")]

#[path = "../../../pop3-blocking/tests/examples/drain.rs"]
mod drain;
#[path = "../../../pop3-blocking/tests/examples/new_mail.rs"]
mod new_mail;
mod readme;
#[path = "../../../pop3-blocking/tests/examples/stage.rs"]
mod stage;

const DRAIN: &str = "drain-async";
const NEW_MAIL: &str = "new-mail-async";

#[test]
fn scale_with_a_few_sessions() {
    let out = stage::run(stage::example("scale").arg("20")).unwrap();
    assert!(out.contains("20 "), "{out}");
}
