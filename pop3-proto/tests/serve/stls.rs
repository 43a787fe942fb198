//! STLS: the server forgets what preceded TLS, and rejects plaintext after the command.

use pop3_proto::serve::MemoryMaildrop;
use pop3_proto::{ServerConfig, Service, State};

use crate::script::check;
use crate::service::{GREETING, PLAINTEXT, feed, store};

const STLS: ServerConfig = PLAINTEXT.stls(true);

fn at_handshake(before: &str) -> Service<MemoryMaildrop> {
    let mut service = Service::new(store().maildrop(), STLS, None);
    let said = feed(&mut service, format!("{before}STLS\r\n").as_bytes(), usize::MAX);
    assert!(said.ends_with("+OK begin TLS\r\n"), "{said}");
    assert!(service.wants_tls() && !service.wants_read() && !service.is_over());
    service
}

#[test]
fn v35_v36_tls_begins_anew() {
    let mut service = at_handshake("USER bob\r\n");
    service.tls_established();
    assert_eq!(service.pending(), b"", "no greeting inside TLS");
    let said = feed(&mut service, b"PASS pw\r\nSTLS\r\nCAPA\r\n", 1);
    assert!(said.starts_with("-ERR PASS is not permitted here"), "USER is forgotten: {said}");
    assert!(said.contains("-ERR STLS is not offered\r\n") && !said.contains("\r\nSTLS\r\n"), "{said}");
    check(&["+OK~".into(), "+OK~".into()], &feed(&mut service, b"USER bob\r\nPASS pw\r\n", 1));

    let after = feed(&mut service, b"STLS\r\n", 1);
    check(&["-ERR~".into()], &after);
    let argument = feed(&mut Service::new(store().maildrop(), STLS, None), b"STLS now\r\nNOOP\r\n", usize::MAX);
    assert!(argument.contains("-ERR wrong arguments for STLS"), "{argument}");
}

#[test]
fn v36_plaintext_behind_stls_ends_the_session() {
    for behind in ["CAPA\r\n", "\r\n", "\n", "U"] {
        let mut service = Service::new(store().maildrop(), STLS, None);
        let said = feed(&mut service, format!("STLS\r\n{behind}").as_bytes(), usize::MAX);
        let begun = format!("{GREETING}+OK begin TLS\r\n");
        assert_eq!((said.as_str(), service.is_over()), (begun.as_str(), true), "at once: {behind:?}");

        // The answers are the same wherever the octets are cut.
        let whole = format!("STLS\r\n{behind}");
        for cut in (1..whole.len()).filter(|cut| *cut != 6) {
            let mut service = Service::new(store().maildrop(), STLS, None);
            let said = feed(&mut service, &whole.as_bytes()[..cut], usize::MAX)
                + &feed(&mut service, &whole.as_bytes()[cut..], usize::MAX);
            assert_eq!((said.as_str(), service.is_over()), (begun.as_str(), true), "cut at {cut}: {behind:?}");
        }

        let mut service = at_handshake("");
        let spare = service.spare();
        spare[..behind.len()].copy_from_slice(behind.as_bytes());
        service.filled(behind.len());
        assert!(service.is_over(), "later: {behind:?}");
        service.tls_established();
        assert!(service.is_over());
    }
    let mut service = Service::new(store().maildrop(), STLS, None);
    service.tls_established();
    assert_eq!(service.state(), State::Closed, "nobody asked for TLS");
}
