//! The example `scale`, with as many sessions as are promised.

use std::process::Command;

#[test]
#[ignore = "10,000 sessions need a limit of 10,050 descriptors on each side"]
fn ten_thousand_sessions_at_once() {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["run", "--quiet", "--example", "scale"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    // As this test was built, so that little is left to build.
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let output = cargo.args(["--", "10000"]).output().unwrap();
    let [said, complained] = [&output.stdout, &output.stderr].map(|octets| String::from_utf8_lossy(octets));
    assert!(output.status.success(), "{said}\n{complained}");
}
