//! Logins by every method through a whole adapter, inside TLS, against servers that repeat what they hear. No log of
//! the adapter or of the libraries below it, and no other output, contains a secret.

use std::fmt::Debug;
use std::io::{BufRead, BufReader, Write};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use pop3_proto::testing::secrets::{
    LAST_ANSWERS, LastAnswer, METHODS, Notes, TIMESTAMP, answer, assert_absent, credentials, decoded, secrets_of,
};
use pop3_proto::tls::rustls::ServerConfig;

use crate::testing::authority::{Authority, valid_for};
use crate::testing::peer::Peer;
use crate::{Connect, Error, Method, Security};

/// A server that hears one login, and gives the lines of it.
fn serve(
    config: &Arc<ServerConfig>,
    method: Method,
    last_answer: LastAnswer,
) -> (Peer, std::sync::mpsc::Receiver<Vec<String>>) {
    let (sender, receiver) = channel();
    let server = Peer::encrypted(config, format!("S: +OK ready {TIMESTAMP}\nC: CAPA\n"), move |stream| {
        let mut stream = BufReader::new(stream);
        let all = METHODS.map(Method::name).join(" ");
        stream.get_mut().write_all(format!("+OK\r\nUTF8 USER\r\nSASL {all}\r\n.\r\n").as_bytes()).unwrap();
        let mut wire = vec![];
        let mut line = String::new();
        while stream.read_line(&mut line).is_ok_and(|octets| octets > 0) && line != "QUIT\r\n" {
            let said = line.trim_end().to_owned();
            line.clear();
            let heard = if method == Method::Apop { vec![] } else { decoded(said.rsplit(' ').next().unwrap()) };
            let reply = answer(&said, last_answer, wire.len(), method, &heard);
            wire.push(said);
            if reply.is_empty() || stream.get_mut().write_all(reply.as_bytes()).is_err() {
                break;
            }
        }
        sender.send(wire).unwrap();
    });
    (server, receiver)
}

/// `logged` gets the log entries of all libraries, at the most detailed level.
pub fn no_log_and_no_error_shows_a_secret<S: Debug>(
    connect: impl Fn(Connect) -> Result<S, Error>,
    logged: &Mutex<Notes>,
) {
    let authority = Authority::new();
    let config = authority.issue(valid_for(&["127.0.0.1"])).server();
    let mut outcomes = [0, 0];
    for method in METHODS {
        for last_answer in LAST_ANSWERS {
            let notes = logged.lock().unwrap().clone();
            let (server, wire) = serve(&config, method, last_answer);
            let how: Connect = server
                .connect_tls(Security::Tls, authority.trusted())
                .credentials(credentials(method))
                .methods([method])
                .log(notes.sink());
            notes.show(&how);
            match connect(how) {
                Ok(session) => {
                    outcomes[0] += 1;
                    notes.show(&session);
                    drop(session);
                }
                Err(error) => {
                    outcomes[1] += 1;
                    notes.add(error.to_string());
                    notes.show(&error);
                }
            }
            let wire = wire.recv().unwrap();
            server.done();
            assert!(!wire.is_empty());
            let notes = std::mem::take(&mut *notes.0.lock().unwrap());
            assert!(notes.contains("rustls") && notes.contains("C: CAPA"), "nothing was logged: {notes}");
            assert_absent(&notes, &secrets_of(method, &wire), &format!("{method} {last_answer:?}"));
        }
    }
    assert!(outcomes[0] >= 7 && outcomes[1] >= 30, "{outcomes:?}");
}
