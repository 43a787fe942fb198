//! Clients of other projects read the embedded server: octets, deletions, and wrong passwords.
#![cfg(unix)]
#![allow(missing_docs, reason = "a test")]

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::{fs, thread};

use pop3_blocking::pop3_proto::ServerConfig;
use pop3_blocking::pop3_proto::serve::MailStore;
use tempfile::TempDir;

const PASSWORD: &str = "tan-staaf";

/// With lines of dots, an empty line at the end, a last line without its end, and octets that are no text.
const MESSAGES: [&[u8]; 4] = [
    b"Subject: dots\r\nFrom: a@example.org\r\n\r\n.\r\n..\r\n.hidden\r\n...\r\nend\r\n",
    b"Subject: \xe9t\xe9\r\nFrom: a@example.org\r\n\r\ncaf\xe9 au lait\r\n\r\n\r\n",
    b"Subject: long\r\nFrom: a@example.org\r\n\r\n0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\r\n",
    b"From: a@example.org\r\nSubject: no end\r\n\r\nof the last line",
];

/// Returns the message as a client receives it: every line with its end.
fn whole(message: &[u8]) -> Vec<u8> {
    let end: &[u8] = if message.ends_with(b"\r\n") { b"" } else { b"\r\n" };
    [message, end].concat()
}

fn store() -> MailStore {
    let store = MailStore::new();
    store.add_user("mrose", PASSWORD);
    for message in MESSAGES {
        assert!(store.deliver("mrose", message));
    }
    store
}

/// Serves on loopback, with a timestamp for APOP. Returns the port.
fn serve(store: &MailStore) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let store = store.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let maildrop = store.maildrop();
            thread::spawn(move || {
                let config = ServerConfig::new().plaintext_login(true);
                // Failures here are seen by the other side.
                let _ = pop3_blocking::serve(stream, maildrop, config);
            });
        }
    });
    port
}

fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

fn said(output: &Output) -> String {
    format!(
        "{:?} {}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn curl(port: u16, password: &str, path: &str, options: &[&str]) -> Output {
    let (url, user) = (format!("pop3://127.0.0.1:{port}/{path}"), format!("mrose:{password}"));
    run(Command::new("curl").args(["--silent", "--show-error", "--user", &user, &url]).args(options))
}

#[test]
#[ignore = "needs curl"]
fn curl_logs_in_by_each_method_and_deletes() {
    let store = store();
    let port = serve(&store);
    for options in [&[][..], &["--login-options", "AUTH=PLAIN"], &["--login-options", "AUTH=+APOP"]] {
        for (n, message) in (1..).zip(MESSAGES) {
            let output = curl(port, PASSWORD, &n.to_string(), options);
            assert!(output.status.success(), "{options:?}: {}", said(&output));
            assert_eq!(output.stdout, whole(message), "{options:?} {n}");
        }
        let output = curl(port, "wrong", "1", options);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(67), 0), "{options:?}: {}", said(&output));
    }
    let listing = String::from_utf8(curl(port, PASSWORD, "", &[]).stdout).unwrap();
    let sizes: Vec<_> = listing.lines().map(|row| row.split(' ').nth(1).unwrap().parse::<usize>().unwrap()).collect();
    assert_eq!(sizes, MESSAGES.map(|message| whole(message).len()));
    // curl shows one row of a listing for a command of its own, and none of STAT.
    let output = curl(port, PASSWORD, "2", &["--request", "DELE", "--list-only"]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(store.messages("mrose").len(), 3);
}

/// The messages of a Maildir, sorted, with the line ends of the wire.
fn maildir(path: &Path) -> Vec<Vec<u8>> {
    let mut mail: Vec<_> = fs::read_dir(path.join("new"))
        .unwrap()
        .map(|entry| {
            let octets = fs::read(entry.unwrap().path()).unwrap();
            octets.split_inclusive(|&octet| octet == b'\n').fold(Vec::new(), |mut all, line| {
                let text = line.strip_suffix(b"\n").unwrap_or(line);
                all.extend(text.strip_suffix(b"\r").unwrap_or(text));
                all.extend(b"\r\n");
                all
            })
        })
        .collect();
    mail.sort();
    mail
}

fn sorted() -> Vec<Vec<u8>> {
    let mut messages = MESSAGES.map(whole).to_vec();
    messages.sort();
    messages
}

fn private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(path, mode).unwrap();
}

#[test]
#[ignore = "needs mpop"]
fn mpop_downloads_into_a_maildir_and_deletes() {
    let store = store();
    let port = serve(&store);
    let home = TempDir::new().unwrap();
    for folder in ["new", "cur", "tmp"] {
        fs::create_dir_all(home.path().join("mail").join(folder)).unwrap();
    }
    let mpop = |auth: &str, password: &str, more: &str| {
        let mail = home.path().join("mail");
        let text = format!(
            "account default\nhost 127.0.0.1\nport {port}\nuser mrose\npassword {password}\nauth {auth}\ntls off\n\
             received_header off\nuidls_file {}/uidls\ndelivery maildir {}\n{more}",
            home.path().display(),
            mail.display()
        );
        private(&home.path().join("mpoprc"), &text);
        run(Command::new("mpop").arg("--file").arg(home.path().join("mpoprc")).env("HOME", home.path()))
    };
    for auth in ["user", "plain", "apop", "scram-sha-256"] {
        let output = mpop(auth, "wrong", "keep on\n");
        assert!(!output.status.success() && store.messages("mrose").len() == 4, "{auth}: {}", said(&output));
        assert!(maildir(&home.path().join("mail")).is_empty());
    }
    let output = mpop("scram-sha-256", PASSWORD, "keep on\n");
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(maildir(&home.path().join("mail")), sorted());
    // They are known, and are deleted now.
    let output = mpop("apop", PASSWORD, "keep off\n");
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(maildir(&home.path().join("mail")).len(), 4);
    assert!(store.messages("mrose").is_empty(), "{}", said(&output));
}

#[test]
#[ignore = "needs fetchmail"]
fn fetchmail_hands_over_and_deletes() {
    let store = store();
    let port = serve(&store);
    let home = TempDir::new().unwrap();
    let fetchmail = |password: &str, auth: &str, keep: &str| {
        let text = format!(
            "set invisible\npoll 127.0.0.1 service {port} protocol {auth} user mrose password \"{password}\" sslproto \"\" {keep} \
             mda \"cat >>{}/mbox\" no rewrite pass8bits\n",
            home.path().display()
        );
        private(&home.path().join("fetchmailrc"), &text);
        let mut command = Command::new("fetchmail");
        command.args(["--nodetach", "--nosyslog", "--norewrite", "--all", "--fetchmailrc"]);
        command.arg(home.path().join("fetchmailrc")).env("HOME", home.path()).env("FETCHMAILHOME", home.path());
        run(&mut command)
    };
    for protocol in ["pop3", "apop"] {
        let output = fetchmail("wrong", protocol, "nokeep");
        assert_eq!((output.status.code(), store.messages("mrose").len()), (Some(3), 4), "{}", said(&output));
    }
    let output = fetchmail(PASSWORD, "pop3", "nokeep");
    assert!(output.status.success(), "{}", said(&output));
    assert!(store.messages("mrose").is_empty(), "{}", said(&output));
    // It adds fields to the header. The bodies follow each other, with the line ends of the system.
    let mbox = fs::read(home.path().join("mbox")).unwrap();
    let mut rest = mbox.as_slice();
    for message in MESSAGES {
        let text = whole(message);
        let at = text.windows(4).position(|octets| octets == b"\r\n\r\n").unwrap();
        let body: Vec<u8> = text[at + 2..].iter().copied().filter(|&octet| octet != b'\r').collect();
        let found = rest.windows(body.len()).position(|octets| octets == body);
        let found = found.unwrap_or_else(|| panic!("{} in {}", body.escape_ascii(), mbox.escape_ascii()));
        rest = &rest[found + body.len()..];
    }
}

#[test]
#[ignore = "needs ruby"]
fn ruby_reads_and_deletes() {
    const SCRIPT: &str = r#"
require "net/pop"
port, password = ARGV[0].to_i, ARGV[1]
[false, true].each do |apop|
  begin
    Net::POP3.start("127.0.0.1", port, "mrose", "wrong", apop)
    raise "a wrong password was accepted"
  rescue Net::POPAuthenticationError
  end
  Net::POP3.start("127.0.0.1", port, "mrose", password, apop) do |pop|
    raise "there are #{pop.n_mails}" unless pop.n_mails == 4
    raise "unique-ids" unless pop.mails.map(&:uidl).uniq.size == 4
    pop.mails.each { |mail| $stdout.binmode.write mail.pop } if apop
    raise "sizes" unless pop.mails.map(&:size).sum == pop.n_bytes
    pop.mails[1].delete if apop
  end
end
"#;
    let store = store();
    let port = serve(&store).to_string();
    let output = run(Command::new("ruby").args(["-e", SCRIPT, &port, PASSWORD]));
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(output.stdout, MESSAGES.map(whole).concat(), "{}", said(&output));
    assert_eq!(store.messages("mrose").len(), 3);
}

#[test]
#[ignore = "needs perl"]
fn perl_reads_and_deletes() {
    const SCRIPT: &str = r#"
use Net::POP3;
binmode STDOUT;
my ($port, $password) = @ARGV;
for my $apop (0, 1) {
    my $pop = Net::POP3->new("127.0.0.1", Port => $port) or die "no greeting";
    my $log = $apop ? "apop" : "login";
    defined $pop->$log("mrose", "wrong") and die "a wrong password was accepted";
    $pop = Net::POP3->new("127.0.0.1", Port => $port);
    $pop->$log("mrose", $password) == 4 or die "the login failed";
    my $ids = $pop->uidl;
    keys %$ids == 4 && !grep(/\s/, values %$ids) or die "unique-ids";
    print @{$pop->get($_)} for $apop ? 1 .. 4 : ();
    $pop->delete(3) if $apop;
    $pop->quit or die "QUIT";
}
"#;
    let store = store();
    let port = serve(&store).to_string();
    let output = run(Command::new("perl").args(["-e", SCRIPT, &port, PASSWORD]));
    assert!(output.status.success(), "{}", said(&output));
    // Lines end as Perl's do.
    let wanted: Vec<u8> = MESSAGES.map(whole).concat().into_iter().filter(|&octet| octet != b'\r').collect();
    let got: Vec<u8> = output.stdout.iter().copied().filter(|&octet| octet != b'\r').collect();
    assert_eq!(got, wanted, "{}", said(&output));
    assert_eq!(store.messages("mrose").len(), 3);
}
