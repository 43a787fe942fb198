use std::net::{SocketAddr, TcpListener};

use pop3_blocking::testing::suites::tls::sessions;
use socket2::{Domain, Socket, Type};

use crate::Tokio;

/// Sockets that receive into as little as the system permits.
fn listener() -> TcpListener {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.set_recv_buffer_size(1).unwrap();
    listener.set_send_buffer_size(64 * 1024).unwrap();
    listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    listener.listen(1).unwrap();
    listener.into()
}

#[test]
fn a_message_larger_than_any_buffer() {
    sessions::a_message_larger_than_any_buffer::<Tokio>();
}

#[test]
fn keys_that_change_on_the_way() {
    sessions::keys_that_change_on_the_way::<Tokio>();
}

#[test]
fn a_pipelined_batch() {
    sessions::a_pipelined_batch::<Tokio>();
}

#[test]
fn nobody_waits_for_ever() {
    sessions::nobody_waits_for_ever::<Tokio>(listener());
}

#[test]
fn more_commands_than_the_socket_takes() {
    sessions::more_commands_than_the_socket_takes::<Tokio>();
}

#[test]
fn streams_of_ones_own() {
    sessions::streams_of_ones_own::<Tokio>();
}

#[test]
fn a_stream_of_ones_own_needs_a_host_for_tls() {
    sessions::a_stream_of_ones_own_needs_a_host_for_tls::<Tokio>();
}

#[test]
fn another_try_inside_tls() {
    sessions::another_try_inside_tls::<Tokio>();
}

#[test]
fn a_log_tells_of_tls() {
    sessions::a_log_tells_of_tls::<Tokio>();
}
