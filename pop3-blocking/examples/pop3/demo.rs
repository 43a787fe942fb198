//! A sample maildrop, served on loopback by the embedded server.

use std::net::{Ipv4Addr, TcpListener};
use std::{io, thread};

use pop3_blocking::pop3_proto::ServerConfig;
use pop3_blocking::pop3_proto::serve::MailStore;

pub(crate) const USER: &str = "demo";
pub(crate) const PASSWORD: &str = "demo";

/// Serves the samples while the program runs. Returns the port.
pub(crate) fn start() -> io::Result<u16> {
    let store = MailStore::new();
    store.add_user(USER, PASSWORD);
    for (unique_id, message) in samples() {
        store.deliver_as(USER, unique_id, message);
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let maildrop = store.maildrop();
            thread::spawn(move || {
                let config = ServerConfig::new().plaintext_login(true);
                // The client reports errors.
                let _ = stream.set_nodelay(true).and_then(|()| pop3_blocking::serve(stream, maildrop, config));
            });
        }
    });
    Ok(port)
}

/// Returns the samples with their unique-ids, which are the same in every run, so that a second `fetch` finds nothing
/// new.
fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let header = |subject: &str| {
        format!(
            "Date: Thu, 1 Jan 2026 12:00:00 +0000\r\nFrom: Postmaster <postmaster@example.org>\r\n\
             To: Demo <demo@example.org>\r\nSubject: {subject}\r\n"
        )
    };
    let mut folded = header("a header field");
    folded += "References: <first@example.org>\r\n\t<second@example.org>\r\n  <third@example.org>\r\n";
    folded += "\r\nThe References field above has three lines, and is one field.\r\n";

    let mut eight_bit = header("=?iso-8859-1?Q?eight_bits:_Gr=FC=DFe?=").into_bytes();
    eight_bit.extend_from_slice(b"Content-Type: text/plain; charset=iso-8859-1\r\n\r\nGr\xfc\xdfe, d\xe9j\xe0 vu\r\n");

    vec![
        ("demo-hello", (header("hello") + "\r\nThis message is the first of five.\r\n").into_bytes()),
        (
            "demo-dots",
            (header("dots") + "\r\n.\r\n..\r\n.a line may begin with a dot, and one may be nothing else\r\n")
                .into_bytes(),
        ),
        ("demo-folded", folded.into_bytes()),
        ("demo-eight-bit", eight_bit),
        (
            "demo-long",
            (header("a long line") + "\r\n" + &"no line end for a long while; ".repeat(4000) + "\r\n").into_bytes(),
        ),
    ]
}
