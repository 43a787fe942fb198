//! popa3d, which sends the messages of an mbox file, and supports only RFC 1939.

use std::fs;

use pop3_blocking::{Credentials, LoginError, connect};

use crate::{
    MESSAGES, comes_back, connection, is, mbox, quoted, read, reads_and_deletes, to, variable, what_comes_back,
};

fn deliver_to_popa3d(user: &str, messages: impl IntoIterator<Item: AsRef<[u8]>>) {
    fs::write(format!("{}/{user}", variable("POP3_TEST_POPA3D_MAIL")), mbox(messages)).unwrap();
}

/// popa3d makes a unique-id of the fields Message-ID, Date and Received.
#[test]
#[ignore = "needs the servers that .ci/servers starts"]
fn popa3d() {
    let messages =
        (1..).zip(MESSAGES).map(|(n, message)| format!("Message-ID: <{n}@example.org>\n{}", quoted(message)));
    deliver_to_popa3d("u1", messages);
    reads_and_deletes("POP3_TEST_POPA3D", "u1");
}

/// popa3d stuffs every dot. The end of an mbox's message is a blank line, unless it is what ends the header.
#[test]
#[ignore = "needs the servers that .ci/servers starts"]
fn octets_of_popa3d() {
    let mut stored = what_comes_back();
    stored.extend([b".first\nsecond\n\n.third\n".to_vec(), b".\nSubject: x\n\nbody\n".to_vec()]);
    deliver_to_popa3d("u2", &stored);
    comes_back("POP3_TEST_POPA3D", "u2", &stored);

    let headers: [&[u8]; 3] = [b"", b"Subject: x\n", b".\n"];
    deliver_to_popa3d("u2", headers);
    comes_back("POP3_TEST_POPA3D", "u2", &headers.map(|header| [header, b"\n"].concat()));
}

/// Messages without the fields that popa3d makes it of have one unique-id together. They are told apart by their
/// numbers.
#[test]
#[ignore = "needs the servers that .ci/servers starts"]
fn popa3d_gives_all_messages_one_unique_id() {
    deliver_to_popa3d("u3", MESSAGES.map(quoted));
    let mut session = connect(to("POP3_TEST_POPA3D", "u3", "pass")).unwrap();
    let ids = session.uidl().unwrap();
    assert_eq!(ids.len(), 4);
    assert!(ids.iter().all(|(_, id)| *id == ids[0].1), "{ids:?}");
    assert!(is(&read(&mut session, 3), MESSAGES[2]));
    assert_eq!(session.last().unwrap(), 3);
    session.delete(2).unwrap();
    session.quit().unwrap();

    let mut session = connect(to("POP3_TEST_POPA3D", "u3", "pass")).unwrap();
    assert_eq!(session.last().unwrap(), 0);
    for (n, message) in [(1, MESSAGES[0]), (2, MESSAGES[2]), (3, MESSAGES[3])] {
        assert!(is(&read(&mut session, n), message), "{n}");
    }
    session.quit().unwrap();
}

#[test]
#[ignore = "needs the servers that .ci/servers starts"]
fn popa3d_announces_nothing_and_hangs_up_on_a_wrong_password() {
    let mut capa = connection("POP3_TEST_POPA3D");
    let error = capa.capabilities().unwrap_err();
    assert!(error.refused().is_some() && error.is_recoverable(), "{error}");
    capa.login_as(Credentials::new("u4", "pass")).unwrap().quit().unwrap();

    let failed = connection("POP3_TEST_POPA3D").login_as(Credentials::new("u4", "wrong")).unwrap_err();
    assert!(matches!(failed.error.login(), Some(LoginError::Credentials(_))), "{failed}");
    let mut again = failed.connection.expect("nothing tells yet that it is closed");
    let error = again.capabilities().unwrap_err();
    assert!(!error.is_recoverable(), "{error}");
}
