//! A large message needs little memory. This is a program of its own, so that no other test is measured.
#![allow(missing_docs, reason = "a test")]

use pop3_blocking::testing::suites::adapter::Blocking;
use pop3_blocking::testing::suites::dovecot::memory;

#[test]
#[cfg(target_os = "linux")]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn a_message_of_64_mib_in_flat_memory() {
    memory::a_message_of_64_mib_in_flat_memory::<Blocking>();
}
