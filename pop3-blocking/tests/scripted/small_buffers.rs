//! A server that does not read while it writes, with the smallest buffers that the system permits (RFC 2449, section
//! 6.6).

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use pop3_blocking::{Connect, Connection, Security, Timeouts};
use socket2::{Domain, Socket, Type};

use crate::peer::{PIPELINED_LOGIN, play};

const MESSAGES: u32 = 5000;
/// Far less than all the answers. Still smaller, and the system sends a few octets at a time, with pauses.
const ANSWERS: usize = 64 * 1024;

/// The system makes of a size of 1 the least that it can.
fn socket(receive: usize, send: usize) -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(receive).unwrap();
    socket.set_send_buffer_size(send).unwrap();
    socket
}

fn body(number: u32) -> String {
    format!("Subject: {number}\r\n\r\n{}", format!("a line of message {number}\r\n").repeat(40))
}

/// One command, one answer, strictly in turn.
fn serve(mut stream: TcpStream) {
    let mut commands = BufReader::new(stream.try_clone().unwrap());
    let mut command = String::new();
    while commands.read_line(&mut command).unwrap() > 0 {
        let number = command.trim_end().strip_prefix("RETR ").and_then(|number| number.parse().ok()).unwrap();
        stream.write_all(format!("+OK\r\n{}.\r\n", body(number)).as_bytes()).unwrap();
        command.clear();
    }
}

#[test]
fn d18_small_buffers_cause_no_deadlock() {
    let listener = socket(1, ANSWERS);
    listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    listener.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let mut stream = TcpStream::from(listener.accept().unwrap().0);
        play(&mut stream, PIPELINED_LOGIN);
        // Only a client that waits too lets this pass, and then it finds the connection closed.
        stream.set_write_timeout(Some(Duration::from_secs(600))).unwrap();
        serve(stream);
    });

    let client = socket(ANSWERS, 1);
    client.connect(&address).unwrap();
    let to = Connect::new().security(Security::Plaintext).allow_plaintext(true).window(1024 * 1024);
    let to = to.user("mrose").password("tanstaaf").timeouts(Timeouts::new().each(Duration::from_secs(600)));
    let mut session = Connection::over_tcp(client.into(), to).unwrap().login().unwrap();

    let mut batch = session.retrieve_many(1..=MESSAGES);
    let (mut count, mut octets) = (0, String::new());
    while let Some(mut message) = batch.next().unwrap() {
        count += 1;
        octets.clear();
        message.read_to_string(&mut octets).unwrap();
        assert!(octets == body(count), "message {count}");
    }
    assert_eq!(count, MESSAGES);
    drop(session);
    server.join().unwrap();
}
