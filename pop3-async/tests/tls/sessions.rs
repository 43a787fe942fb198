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
fn the_server_may_change_its_keys() {
    sessions::the_server_may_change_its_keys::<Tokio>();
}

#[test]
fn a_pipelined_batch() {
    sessions::a_pipelined_batch::<Tokio>();
}

#[test]
fn small_buffers_cause_no_deadlock() {
    sessions::small_buffers_cause_no_deadlock::<Tokio>(listener());
}

#[test]
fn more_commands_than_the_socket_takes() {
    sessions::more_commands_than_the_socket_takes::<Tokio>();
}

#[test]
fn no_message_is_requested_ahead_behind_half_a_record() {
    sessions::no_message_is_requested_ahead_behind_half_a_record::<Tokio>();
}

#[test]
fn tls_works_on_the_callers_streams() {
    sessions::tls_works_on_the_callers_streams::<Tokio>();
}

#[test]
fn the_callers_stream_needs_a_host_for_tls() {
    sessions::the_callers_stream_needs_a_host_for_tls::<Tokio>();
}

#[test]
fn a_second_login_inside_tls() {
    sessions::a_second_login_inside_tls::<Tokio>();
}

#[test]
fn the_log_shows_tls() {
    sessions::the_log_shows_tls::<Tokio>();
}
