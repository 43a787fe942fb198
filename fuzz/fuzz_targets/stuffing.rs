//! Byte-stuffing: a client and a naive reader receive the same, and a server and a naive writer send the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pop3_fuzz::{CheckedClient, Cuts, End, Ending, Heard, content, stored, stuff};
use pop3_proto::{Command, Config, Server, ServerConfig, Violation, transmitted_octets};

fuzz_target!(|octets: &[u8]| {
    let Some((&[choice, seed], octets)) = octets.split_first_chunk() else { return };
    let ending = if choice & 1 == 0 { Ending::CrLf } else { Ending::Lf };
    let max_body = if choice & 2 == 0 { u64::MAX } else { u64::from(choice >> 2) };
    let told = stored(octets);
    assert_eq!(transmitted_octets(octets), told.len() as u64);
    let (sent, _) = stuff(&told, Ending::CrLf);
    for room in [octets.len() * 2 + 2, 2, usize::from(seed) + 2] {
        assert_eq!(serve(octets, room), sent, "{room} octets of room");
    }

    let space = usize::from(seed) + 1;
    let ways = [
        (Cuts::Whole, 0),
        (Cuts::Every, 0),
        (Cuts::Some(seed), 0),
        (Cuts::Some(seed), space),
        (Cuts::Whole, space),
        (Cuts::Whole, octets.len() + 128),
    ];
    for (cuts, space) in ways {
        // The octets are a message, sent and received. If its lines end in both ways, its end in LF is not certain.
        let (sent, expected) = stuff(octets, ending);
        let mut client = retrieve(ending, u64::MAX, space);
        client.offer(&sent, cuts);
        assert_eq!(message(&client), expected, "{cuts:?}");
        let mixed =
            ending == Ending::Lf && expected.windows(2).any(|pair| pair == b"\r\n") && !expected.ends_with(b"\r\n");
        if mixed {
            assert_eq!(client.error.map(|error| error.violation()), Some(Violation::AmbiguousEnd), "{cuts:?}");
        } else {
            assert!(client.owed.is_empty() && client.inbox.is_empty() && client.error.is_none(), "{cuts:?}");
        }

        // The octets come from a server, whatever it meant by them.
        let (expected, end) = content(octets, ending);
        let mut client = retrieve(ending, max_body, space);
        let len = if let End::At(len) | End::Unclear(len) = end { len } else { octets.len() };
        client.offer(&octets[..len], cuts);
        if let Ok(room) = usize::try_from(max_body).map(|room| room.min(expected.len())) {
            assert_eq!(message(&client), expected[..room], "{cuts:?}");
            if room < expected.len() {
                assert_eq!(client.error.map(|e| e.violation()), Some(Violation::BodyTooLong { limit: max_body }));
            } else if let End::Unclear(_) = end {
                assert_eq!(client.error.map(|error| error.violation()), Some(Violation::AmbiguousEnd), "{cuts:?}");
            } else {
                assert_eq!(client.owed.is_empty(), end != End::Open, "{cuts:?}");
                assert_eq!(client.error, None);
            }
        }
    }
});

/// Returns the octets that a server sends for a stored message, offered in pieces and with so much room at a time.
fn serve(message: &[u8], room: usize) -> Vec<u8> {
    let mut server = Server::new(ServerConfig::new().plaintext_login(true));
    server.greeting(None, "", &mut Vec::new()).expect("it is due");
    let mut input = &b"USER u\r\nPASS p\r\nRETR 1\r\n"[..];
    while server.receive(&mut input).expect("there is no TLS").is_some() {
        server.ok("", &mut Vec::new()).expect("it is due");
    }
    let (mut out, mut space) = (Vec::new(), vec![0; room]);
    for mut piece in message.chunks(room) {
        while !piece.is_empty() {
            let len = server.body(&mut piece, &mut space).expect("it is due");
            assert!(len > 0, "two octets of room are enough");
            out.extend(&space[..len]);
        }
    }
    server.end(&mut out).expect("it is due");
    out
}

/// Returns a client that has heard the `+OK` to RETR. It copies messages into so much space, unless that is 0.
fn retrieve(ending: Ending, max_body: u64, space: usize) -> CheckedClient {
    let mut client = CheckedClient::new(Config::new().max_body(max_body), false);
    client.space = vec![0; space];
    let ok: &[u8] = if ending == Ending::CrLf { b"+OK\r\n" } else { b"+OK\n" };
    client.offer(ok, Cuts::Whole);
    let mut out = Vec::new();
    for command in [Command::User("u"), Command::Pass("p"), Command::Retr(1)] {
        let ticket = client.client.send(command, &mut out).expect("is permitted");
        client.owed.push_back((ticket, command.kind(), false));
        client.offer(ok, Cuts::Whole);
    }
    client
}

fn message(client: &CheckedClient) -> Vec<u8> {
    let body = client.heard.iter().find_map(|heard| match heard {
        Heard::Body(_, body) => Some(body.clone()),
        _ => None,
    });
    body.unwrap_or_default()
}
