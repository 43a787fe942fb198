//! The examples that both adapters have, run as a user would.

pub mod drain;
pub mod new_mail;
mod server;
pub mod system_calls;

use std::env;
use std::path::Path;
use std::process::Command;

/// An example, which `cargo test` builds beside the tests, but not if it is told to build only them.
pub fn example(name: &str) -> Command {
    let test = env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let program = profile.join("examples").join(format!("{name}{}", env::consts::EXE_SUFFIX));
    assert!(program.exists(), "build it first: cargo build --workspace --all-features --example {name}");
    Command::new(program)
}

/// Runs an example: returns its standard output if it succeeds, or else its standard error.
pub fn run(command: &mut Command) -> Result<String, String> {
    let ended = command.output().unwrap();
    let [out, said] = [ended.stdout, ended.stderr].map(|octets| String::from_utf8(octets).unwrap());
    if ended.status.success() { Ok(out + &said) } else { Err(said) }
}
