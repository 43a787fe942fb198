//! Downloads a whole maildrop and counts its octets, or writes one file for each message. The measurements run it.
//!
//! `drain [--tls CA | --starttls CA] HOST PORT USER PASSWORD [FOLDER]`
//!
//! CA is a PEM file with the authority that issued the server's certificate.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use pop3_blocking::{Connect, Security, Tls, connect};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (security, tls, arguments) = match arguments.as_slice() {
        [how, ca, rest @ ..] if how == "--tls" || how == "--starttls" => {
            let security = if how == "--tls" { Security::Tls } else { Security::StartTls };
            (security, Tls::new().root_pem(&std::fs::read(ca)?)?, rest)
        }
        rest => (Security::Plaintext, Tls::new(), rest),
    };
    let [host, port, user, password, folder @ ..] = arguments else {
        return Err("usage: drain [--tls CA | --starttls CA] HOST PORT USER PASSWORD [FOLDER]".into());
    };
    let how = Connect::new().host(host).port(port.parse()?).user(user).password(password).tls(tls);
    let mut session = connect(how.security(security).allow_plaintext(security == Security::Plaintext))?;
    let (mut count, mut octets, mut buffer) = (0, 0, vec![0; 64 * 1024]);
    let mut messages = session.retrieve_all()?;
    while let Some(mut message) = messages.next()? {
        let mut file = match folder.first() {
            Some(folder) => Some(File::create(Path::new(folder).join(format!("{}.eml", message.number())))?),
            None => None,
        };
        loop {
            let read = message.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            if let Some(file) = &mut file {
                file.write_all(&buffer[..read])?;
            }
        }
        count += 1;
        octets += message.octets();
    }
    session.quit()?;
    println!("{count} messages {octets} octets");
    Ok(())
}
