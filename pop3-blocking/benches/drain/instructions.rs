//! The instructions for each message, counted by valgrind. Compared with a time, they depend little on the load of the
//! machine.

use std::error::Error;
use std::process::Command;

/// The mailboxes that are downloaded, which differ only in the number of their messages.
const FEW: (&str, u64) = ("few", 2_000);
const MANY: (&str, u64) = ("small", 10_000);

/// Prints the instructions that the client executes for each message of 2 KiB, without the start of the program and the
/// login: the difference between two downloads.
pub(crate) fn print(port: u16) -> Result<(), Box<dyn Error>> {
    let (few, many) = (count(FEW.0, port)?, count(MANY.0, port)?);
    println!("{} instructions for each message of 2 KiB", many.saturating_sub(few) / (MANY.1 - FEW.1));
    Ok(())
}

/// Returns the instructions of a download, which is this program as a child process.
fn count(name: &str, port: u16) -> Result<u64, Box<dyn Error>> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args(["--download", name, &port.to_string()])
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let count = said.lines().find_map(|line| line.split_once("Collected : ")).filter(|_| output.status.success());
    let (_, count) = count.ok_or_else(|| format!("valgrind failed: {said}"))?;
    Ok(count.trim().parse()?)
}
