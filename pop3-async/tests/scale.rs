//! The example `scale`, with as many sessions as are promised; inside TLS with fewer, because handshakes take time.

#![cfg(feature = "tls")]

use std::process::Command;

/// Runs the example with these arguments.
fn scale(arguments: &[&str]) {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["run", "--quiet", "--example", "scale"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    // As this test was built, so that little is left to build.
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let output = cargo.arg("--").args(arguments).output().unwrap();
    let [said, complained] = [&output.stdout, &output.stderr].map(|octets| String::from_utf8_lossy(octets));
    assert!(output.status.success(), "{said}\n{complained}");
}

#[test]
#[ignore = "10,000 sessions need a limit of 10,050 descriptors on each side"]
fn ten_thousand_sessions_at_once() {
    scale(&["10000"]);
}

#[test]
#[ignore = "2,000 sessions need a limit of 2,050 descriptors on each side"]
fn two_thousand_sessions_at_once_inside_tls() {
    scale(&["--tls", "2000"]);
}
