use std::net::{SocketAddr, TcpListener};

use pop3_blocking::testing::suites::tls::sessions;
use socket2::{Domain, Socket, Type};

use crate::Blocking;

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
    sessions::a_message_larger_than_any_buffer::<Blocking>();
}

#[test]
fn the_server_may_change_its_keys() {
    sessions::the_server_may_change_its_keys::<Blocking>();
}

#[test]
fn a_pipelined_batch() {
    sessions::a_pipelined_batch::<Blocking>();
}

#[test]
fn small_buffers_cause_no_deadlock() {
    sessions::small_buffers_cause_no_deadlock::<Blocking>(listener());
}

#[test]
fn more_commands_than_the_socket_takes() {
    sessions::more_commands_than_the_socket_takes::<Blocking>();
}

#[test]
fn no_message_is_requested_ahead_behind_half_a_record() {
    sessions::no_message_is_requested_ahead_behind_half_a_record::<Blocking>();
}

#[test]
fn tls_works_on_the_callers_streams() {
    sessions::tls_works_on_the_callers_streams::<Blocking>();
}

#[test]
fn the_callers_stream_needs_a_host_for_tls() {
    sessions::the_callers_stream_needs_a_host_for_tls::<Blocking>();
}

#[test]
fn a_second_login_inside_tls() {
    sessions::a_second_login_inside_tls::<Blocking>();
}

#[test]
fn the_log_shows_tls() {
    sessions::the_log_shows_tls::<Blocking>();
}
