//! Sessions over tokio's sockets that fail at each of their octets, as in the tests of the blocking adapter.
#![cfg(target_os = "linux")]
#![allow(missing_docs, reason = "tests")]

use std::io;
use std::net::TcpStream;
use std::time::Duration;

use pop3_async::{Connect, Error, connect};
use pop3_blocking::testing::faults::results::{Results, Value};
use pop3_blocking::testing::suites::faults::sockets;
use socket2::SockRef;
use tokio::runtime::{Builder, Runtime};

mod session {
    use pop3_blocking::testing::faults::converse::go_on;
    use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};

    go_on!(pop3_async, over [AsyncRead + AsyncWrite + Unpin], is [async], waits by [.await]);
}

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread().enable_all().build().unwrap();
}

/// Connects, and notes the results of the session.
fn run(how: Connect, results: &mut Results) {
    RUNTIME.with(|runtime| {
        runtime.block_on(async {
            match connect(how).await {
                Ok(session) => {
                    results.note(Ok::<_, Error>(Value::LoggedIn));
                    session::go_on(session, results).await;
                }
                Err(error) => results.note(Err(error)),
            }
        });
    });
}

fn reset(stream: &TcpStream) -> io::Result<()> {
    SockRef::from(stream).set_linger(Some(Duration::ZERO))
}

#[test]
fn no_descriptor_and_no_thread_is_left() {
    sockets::no_descriptor_and_no_thread_is_left(run, reset);
}
