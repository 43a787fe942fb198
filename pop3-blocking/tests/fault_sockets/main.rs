//! Sessions over sockets that fail at each of their octets leave no descriptor and no thread in the process. This is a
//! program of its own, because the descriptors and threads of other tests would count.
#![cfg(target_os = "linux")]
#![allow(missing_docs, reason = "tests")]

use std::io;
use std::net::TcpStream;
use std::time::Duration;

use pop3_blocking::testing::faults::results::{Results, Value};
use pop3_blocking::testing::suites::faults::sockets;
use pop3_blocking::{Connect, Error, connect};
use socket2::SockRef;

mod session {
    use std::io::{Read, Write};

    use pop3_blocking::testing::faults::converse::go_on;

    go_on!(pop3_blocking, over [Read + Write], is [], waits by []);
}

/// Connects, and notes the results of the session.
fn run(how: Connect, results: &mut Results) {
    match connect(how) {
        Ok(session) => {
            results.note(Ok::<_, Error>(Value::LoggedIn));
            session::go_on(session, results);
        }
        Err(error) => results.note(Err(error)),
    }
}

fn reset(stream: &TcpStream) -> io::Result<()> {
    SockRef::from(stream).set_linger(Some(Duration::ZERO))
}

#[test]
fn no_descriptor_and_no_thread_is_left() {
    sockets::no_descriptor_and_no_thread_is_left(run, reset);
}
