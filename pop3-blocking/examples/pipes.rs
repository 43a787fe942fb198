//! Runs a session over the pipes of a child process, such as `ssh host nc localhost 110`.
//!
//! `pipes USER PASSWORD COMMAND [ARGUMENT...]` starts the command and downloads the maildrop from the server on its
//! standard output. Without arguments the command is this program as a server.

use std::error::Error;
use std::io::{self, Read, Write};
use std::process::{Command, Stdio};

use pop3_blocking::pop3_proto::ServerConfig;
use pop3_blocking::pop3_proto::serve::MailStore;
use pop3_blocking::{Connect, Connection, Security};

/// A stream made of a reader and a writer. A transport needs nothing else.
struct Both<R, W>(R, W);

impl<R: Read, W> Read for Both<R, W> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.0.read(room)
    }
}

impl<R, W: Write> Write for Both<R, W> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.1.write(octets)
    }

    // The adapters flush before they wait. The server needs this, because its standard output is buffered.
    fn flush(&mut self) -> io::Result<()> {
        self.1.flush()
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [] => {
            let mut server = Command::new(std::env::current_exe()?);
            server.arg("serve");
            download("mrose", "tanstaaf", server)
        }
        [role] if role == "serve" => Ok(serve()?),
        [user, password, program, arguments @ ..] => {
            let mut command = Command::new(program);
            command.args(arguments);
            download(user, password, command)
        }
        _ => Err("arguments: none, or USER PASSWORD COMMAND [ARGUMENT...]".into()),
    }
}

fn download(user: &str, password: &str, mut command: Command) -> Result<(), Box<dyn Error>> {
    // The child inherits the standard error, so that errors of ssh are shown.
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let (Some(from), Some(to)) = (child.stdout.take(), child.stdin.take()) else { return Err("no pipes".into()) };

    // The session cannot know that the transport is safe, as ssh is, so the settings permit the password in the clear.
    // Pipes cannot time out: to end a wait, kill the child, and the session ends with an error.
    let connect = Connect::new().security(Security::Plaintext).allow_plaintext(true).user(user).password(password);
    // (A failed login also returns the connection, for another try.)
    let login = Connection::over(Both(from, to), connect)?.login();
    let mut session = login.map_err(|failed| failed.error)?;

    // Writes to a pipe block. A batch sends no more commands ahead than a pipe takes, so the two ends never wait for
    // each other.
    let (mut messages, mut octets) = (0, 0);
    let mut batch = session.retrieve_all()?;
    while let Some(mut message) = batch.next()? {
        octets += io::copy(&mut message, &mut io::sink())?;
        messages += 1;
    }

    // The pipes are closed with the session, and the child ends when its input is closed. (After an error too, but then
    // nothing waits for the child.)
    session.quit()?;
    let status = child.wait()?;
    println!("{messages} messages, {octets} octets, by way of a child ({status})");
    Ok(())
}

/// Runs the embedded server on the standard input and output.
fn serve() -> io::Result<()> {
    let store = MailStore::new();
    store.add_user("mrose", "tanstaaf");
    for number in 1..=20 {
        store.deliver("mrose", format!("Subject: message {number}\n\n{}", ".a line\n".repeat(1000 * number)));
    }
    // Only the parent can read the password.
    let config = ServerConfig::new().plaintext_login(true);
    pop3_blocking::serve(Both(io::stdin(), io::stdout()), store.maildrop(), config)
}
