//! A session over the pipes of a child process, as where the way to the server is `ssh host nc localhost 110`.
//!
//! `pipes USER PASSWORD COMMAND [ARGUMENT...]` starts the command and downloads the maildrop that answers on its standard
//! output. Without arguments the command is this program again, as a server.

use std::error::Error;
use std::io::{self, Read, Write};
use std::process::{Command, Stdio};

use pop3_blocking::pop3_proto::ServerConfig;
use pop3_blocking::pop3_proto::serve::MailStore;
use pop3_blocking::{Config, Connection, Credentials, Policy, Security};

/// Two halves that make a stream: all that a transport has to be.
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

    // The adapters flush whenever they are about to wait. That matters to the server, whose standard output is buffered.
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
    // The child shares our standard error: that is where ssh says what is wrong.
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let (Some(from), Some(to)) = (child.stdout.take(), child.stdin.take()) else { return Err("no pipes".into()) };

    // Whether this way is safe, as through ssh it is, the session cannot know. So it wants leave to send the password as
    // it is. Nor can pipes time out: to end a wait, kill the child, and the session ends with an error.
    let policy = Policy { security: Security::Plaintext, allow_plaintext: true, methods: None };
    let connection = Connection::new(Both(from, to), Config::default())?;
    // (A login that fails gives back the connection too, for another try.)
    let login = connection.login(Credentials::new(user, password), policy);
    let mut session = login.map_err(|failed| failed.reason)?;

    // Writes to a pipe block. But a batch sends no more ahead than a pipe takes, so the two ends never wait for each other.
    let (mut messages, mut octets) = (0, 0);
    let mut batch = session.retrieve_all()?;
    while let Some(mut message) = batch.next()? {
        octets += io::copy(&mut message, &mut io::sink())?;
        messages += 1;
    }

    // With the session go the pipes, and without its input a child has no reason to stay. (After an error, too; only that
    // nobody waits for it then.)
    session.quit()?;
    let status = child.wait()?;
    println!("{messages} messages, {octets} octets, by way of a child ({status})");
    Ok(())
}

/// The other end: the embedded server, over the pipes that it was given.
fn serve() -> io::Result<()> {
    let store = MailStore::new();
    store.add_user("mrose", "tanstaaf");
    for number in 1..=20 {
        store.deliver("mrose", format!("Subject: message {number}\n\n{}", ".a line\n".repeat(1000 * number)));
    }
    // Nobody but the parent can hear the password.
    let config = ServerConfig { plaintext_login: true, ..ServerConfig::default() };
    pop3_blocking::serve_with(Both(io::stdin(), io::stdout()), store.maildrop(), config)
}
