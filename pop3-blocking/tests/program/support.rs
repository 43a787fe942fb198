//! Servers on loopback, and the program.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use pop3_blocking::pop3_proto::ServerConfig;
use pop3_blocking::pop3_proto::serve::{MailStore, Maildrop};
use tempfile::TempDir;

pub(crate) const PASSWORD: &str = "open-sesame";

/// The program, which `cargo test` builds beside the tests, but not if it is told to build only them.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let program = profile.join("examples").join(format!("pop3{}", std::env::consts::EXE_SUFFIX));
    assert!(program.exists(), "build it first: cargo build -p pop3-blocking --example pop3");
    program
}

/// A home folder, and the environment that goes with it.
pub(crate) struct Home {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

impl Home {
    pub(crate) fn new() -> Home {
        Home { folder: TempDir::new().unwrap(), variables: Vec::new() }
    }

    /// A home with the right password that is in memory, if there is such a place: for tests that would wait for the
    /// disk most of the time.
    pub(crate) fn in_memory() -> Home {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
        Home { folder: folder.unwrap(), variables: Vec::new() }.set("POP3_PASSWORD", PASSWORD)
    }

    /// A home in whose environment the right password is.
    pub(crate) fn with_password() -> Home {
        Home::new().set("POP3_PASSWORD", PASSWORD)
    }

    pub(crate) fn set(mut self, name: &str, value: &str) -> Home {
        self.variables.push((name.into(), value.into()));
        self
    }

    pub(crate) fn file(&self, name: &str, content: &str) -> String {
        std::fs::write(self.path(name), content).unwrap();
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn wrap(&self, mut command: Command) -> Command {
        for name in ["NETRC", "MAILHOST", "POP3_PASSWORD"] {
            command.env_remove(name);
        }
        command.env("HOME", self.folder.path()).current_dir(self.folder.path());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(arguments);
        self.wrap(command)
    }

    /// Runs the program after a line of shell, which ends with `exec "$@"`.
    #[cfg(unix)]
    pub(crate) fn run_behind(&self, shell: &str, arguments: &[&str]) -> Ended {
        let mut command = Command::new("sh");
        command.args(["-c", shell, "sh"]).arg(program()).args(arguments);
        Ended::new(self.wrap(command).output().unwrap())
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        Ended::new(self.command(arguments).output().unwrap())
    }
}

/// The status and the output of the program.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) out: Vec<u8>,
    /// The standard error.
    pub(crate) said: String,
}

impl Ended {
    pub(crate) fn new(output: Output) -> Ended {
        Ended {
            status: output.status.code(),
            out: output.stdout,
            said: String::from_utf8(output.stderr).expect("what it says is UTF-8"),
        }
    }

    #[track_caller]
    pub(crate) fn expect(&self, status: i32, said: &str) {
        assert!(self.status == Some(status) && self.said.contains(said), "{status}, {said:?}: {self:?}");
    }

    #[track_caller]
    pub(crate) fn expect_out(&self, out: impl AsRef<[u8]>) {
        assert!(self.status == Some(0) && self.out == out.as_ref(), "{self:?}");
    }
}

/// A server, and what it was asked.
pub(crate) struct Server {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// A URL for user `u`.
    pub(crate) fn url(&self) -> String {
        self.url_of("u")
    }

    /// One with a login that takes no time: SCRAM is slow on purpose.
    pub(crate) fn quick_url(&self) -> String {
        self.url_of("u;AUTH=PLAIN")
    }

    pub(crate) fn url_of(&self, login: &str) -> String {
        format!("pop://{login}@{}", self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// The commands so far.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    pub(crate) fn heard_any(&self, beginning: &str) -> bool {
        self.heard().iter().any(|line| line.starts_with(beginning))
    }
}

pub(crate) fn listen(mut each: impl FnMut(TcpStream, Arc<Mutex<Vec<String>>>) + Send + 'static) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let heard = Arc::<Mutex<Vec<String>>>::default();
    let server = Server { address, heard: Arc::clone(&heard) };
    thread::spawn(move || listener.incoming().flatten().for_each(|stream| each(stream, Arc::clone(&heard))));
    server
}

/// An action of a scripted server.
pub(crate) enum Act {
    /// Sends these octets, which may be none.
    Say(Vec<u8>),
    /// Sends these, and closes the connection.
    Hang(Vec<u8>),
    /// Acts as without a script: no CAPA, any password, QUIT.
    Usual,
}

pub(crate) fn say(octets: impl AsRef<[u8]>) -> Act {
    Act::Say(octets.as_ref().to_vec())
}

/// A server that greets and then does what the script says to each line.
pub(crate) fn scripted(script: impl Fn(&str) -> Act + Send + Sync + 'static) -> Server {
    greeting_with("+OK ready\r\n", script)
}

pub(crate) fn greeting_with(greeting: &'static str, script: impl Fn(&str) -> Act + Send + Sync + 'static) -> Server {
    let script = Arc::new(script);
    listen(move |mut stream, heard| {
        let script = Arc::clone(&script);
        thread::spawn(move || -> std::io::Result<()> {
            stream.write_all(greeting.as_bytes())?;
            for line in BufReader::new(stream.try_clone()?).lines() {
                let line = line?;
                heard.lock().unwrap().push(line.clone());
                let (octets, over) = match script(&line) {
                    Act::Say(octets) => (octets, false),
                    Act::Hang(octets) => (octets, true),
                    Act::Usual if line == "AUTH PLAIN" => (b"+ \r\n".to_vec(), false),
                    Act::Usual if line == "CAPA" => (b"-ERR no\r\n".to_vec(), false),
                    Act::Usual if line == "QUIT" => (b"+OK bye\r\n".to_vec(), true),
                    Act::Usual => (b"+OK\r\n".to_vec(), false),
                };
                stream.write_all(&octets)?;
                if over {
                    break;
                }
            }
            Ok(())
        });
    })
}

/// The embedded server. `wrap` may put something in front of the maildrop of each connection.
pub(crate) fn serve<M: Maildrop + Send + 'static>(
    store: &MailStore,
    wrap: impl Fn(pop3_blocking::pop3_proto::serve::MemoryMaildrop) -> M + Send + 'static,
) -> Server {
    let store = store.clone();
    listen(move |stream, _| {
        let maildrop = wrap(store.maildrop());
        thread::spawn(move || {
            let config = ServerConfig::new().plaintext_login(true);
            pop3_blocking::serve(stream, maildrop, config)
        });
    })
}

/// A maildrop of user `u`.
pub(crate) fn store(messages: &[&[u8]]) -> MailStore {
    let store = MailStore::new();
    store.add_user("u", PASSWORD);
    for message in messages {
        store.deliver("u", message);
    }
    store
}

pub(crate) fn embedded(store: &MailStore) -> Server {
    serve(store, |maildrop| maildrop)
}

/// The messages in a Maildir, or in what there is of it, sorted.
pub(crate) fn mail(maildir: &Path) -> Vec<Vec<u8>> {
    let folders = ["new", "cur"].map(|folder| maildir.join(folder));
    let files = folders.iter().filter(|folder| folder.exists()).flat_map(|folder| files(folder));
    let mut mail: Vec<_> = files.map(|path| std::fs::read(path).unwrap()).collect();
    mail.sort();
    mail
}

pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}
