//! The example `pipes`, run as a user would.

use std::env;
use std::path::Path;
use std::process::Command;

/// The example, which `cargo test` builds beside the tests, but not if it is told to build only them.
fn pipes() -> Command {
    let test = env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let program = profile.join("examples").join(format!("pipes{}", env::consts::EXE_SUFFIX));
    assert!(program.exists(), "build it first: cargo build -p pop3-blocking --example pipes");
    Command::new(program)
}

/// Runs it: whether it succeeded, what it printed, and what it complained of.
fn run(command: &mut Command) -> (bool, String, String) {
    let ended = command.output().unwrap();
    let [out, said] = [ended.stdout, ended.stderr].map(|octets| String::from_utf8(octets).unwrap());
    (ended.status.success(), out, said)
}

#[test]
fn a_child_process_serves() {
    let (success, out, said) = run(&mut pipes());
    assert!(success && out.starts_with("20 messages, 1890451 octets, by way of a child ("), "{out}{said}");
}

#[test]
fn the_program_in_the_arguments_serves() {
    let program = pipes();
    let program = program.get_program().to_str().unwrap();
    let (success, out, said) = run(pipes().args(["mrose", "tanstaaf", program, "serve"]));
    assert!(success && out.starts_with("20 messages, "), "{out}{said}");
    let (success, out, said) = run(pipes().args(["mrose", "sesame", program, "serve"]));
    assert!(
        !success && out.is_empty() && said.contains("Credentials(Refused(-ERR [AUTH] wrong user name or password))"),
        "{out}{said}"
    );
    // It ends at once, and without a greeting.
    let (success, out, said) = run(pipes().args(["mrose", "tanstaaf", program, "no", "server"]));
    assert!(!success && out.is_empty() && said.contains("greeting"), "{out}{said}");
}

#[test]
#[cfg(unix)]
#[ignore = "needs the Dovecot that .ci/dovecot starts"]
fn dovecot() {
    let address = env::var("POP3_TEST_ADDR").expect("POP3_TEST_ADDR is not set: run `.ci/dovecot start DIR`");
    let (host, port) = address.split_once(':').unwrap();
    // The command does the same as `nc`, which is not installed everywhere.
    let relay = format!("exec 3<>/dev/tcp/{host}/{port}; cat <&3 & cat >&3; wait");
    let (success, out, said) = run(pipes().args(["pipes", "pass", "bash", "-c", &relay]));
    assert!(success && out.starts_with("0 messages, 0 octets, by way of a child ("), "{out}{said}");
}
