//! Downloads a whole maildrop and counts its octets, or writes one file for each message: the driver of the measurements.
//!
//! `drain-async HOST PORT USER PASSWORD [FOLDER]`

use std::fs::File;
use std::io::Write;
use std::path::Path;

use pop3_async::{Connect, Security, connect};
use tokio::io::AsyncBufReadExt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [host, port, user, password, folder @ ..] = arguments.as_slice() else {
        return Err("usage: drain-async HOST PORT USER PASSWORD [FOLDER]".into());
    };
    let how = Connect::new().host(host).port(port.parse()?).user(user).password(password);
    let mut session = connect(how.security(Security::Plaintext).allow_plaintext(true)).await?;
    let (mut count, mut octets) = (0, 0);
    let mut messages = session.retrieve_all().await?;
    while let Some(mut message) = messages.next().await? {
        let mut file = match folder.first() {
            Some(folder) => Some(File::create(Path::new(folder).join(format!("{}.eml", message.number())))?),
            None => None,
        };
        loop {
            let run = message.fill_buf().await?;
            if run.is_empty() {
                break;
            }
            if let Some(file) = &mut file {
                file.write_all(run)?;
            }
            let taken = run.len();
            message.consume(taken);
        }
        count += 1;
        octets += message.octets();
    }
    session.quit().await?;
    println!("{count} messages {octets} octets");
    Ok(())
}
