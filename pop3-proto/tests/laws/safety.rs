//! The laws of the client from the seventh on; `order.rs` has the first six.

use std::time::{Duration, Instant};

use pop3_proto::sasl::{Mechanism, Plain};
use pop3_proto::wire::{Digest, Payload, Response, Timestamp};
use pop3_proto::{Awaiting, Client, Command, Config, Kind, State, UsageError, Violation};
use proptest::prelude::*;

use crate::talk::Talk;

const ONE: u32 = 1;
const AUTH: Command<'static> = Command::Auth { mechanism: "X", initial_response: None };

/// Clients that wait for a line: the greeting, a status, a challenge, a row, and the end of an autologout.
fn waiting(config: Config) -> Vec<Client> {
    let (mut auth, mut list) = (Talk::greeted(config), Talk::logged_in(config));
    auth.client(AUTH);
    list.client(Command::List(None));
    let status = list.client.clone();
    list.server("+OK\r\n");
    vec![Client::new(config), status, auth.client, list.client, Talk::logged_in(config).client]
}

#[test]
fn law_7_no_octet_of_a_line_is_examined_twice() {
    for mut client in waiting(Config::default()) {
        // The octets that were looked at become LFs without the client's knowledge: a client that looks again sees a
        // line.
        for len in 1..4000 {
            let mut octets = vec![b'\n'; len];
            octets[0] = b'-';
            octets[len - 1] = b'-';
            assert_eq!(client.receive(&mut octets.as_slice()), Ok(None), "{:?}", client.awaiting());
        }
    }
}

#[test]
fn law_7_no_more_than_two_octets_of_a_message_wait() {
    let mut talk = Talk::logged_in(Config::default());
    talk.client(Command::Retr(ONE));
    talk.server("+OK\r\n");
    for octet in b"\r\n.\r.\n..\n.\r\r\n.\r".repeat(500) {
        talk.server([octet]);
        assert!(talk.left.len() <= 2);
    }
    assert_eq!(talk.error, None);
}

#[test]
#[ignore = "measures time: run it alone, in release"]
fn law_7_four_times_the_octets_take_four_times_the_time() {
    let hostile: [&[u8]; 5] = [b"x", b"\n.", b"\r\n.", b"\r\n.\r", b"\n.\r\n"];
    // The time is the best of some runs, and zero for octets that end the session: they cost nothing more.
    let time = |client: &Client, octets: &[u8], step: usize| {
        let best = (0..9).map(|_| {
            let (mut client, mut from, start) = (client.clone(), 0, Instant::now());
            for to in (0..=octets.len()).step_by(step) {
                let mut input = &octets[from..to];
                while let Some(event) = client.receive(&mut input).transpose() {
                    if event.is_err() {
                        return Duration::ZERO;
                    }
                }
                from = to - input.len();
            }
            start.elapsed()
        });
        best.min().unwrap().max(Duration::from_millis(10))
    };
    let config = Config::new().max_line(u32::MAX).max_challenge(u32::MAX);
    let mut message = Talk::logged_in(config);
    message.client(Command::Retr(ONE));
    message.server("+OK\r\n");
    for client in waiting(config).into_iter().chain([message.client]) {
        for piece in hostile {
            let octets = [b"-", piece.repeat((1 << 19) / piece.len()).as_slice()].concat();
            for step in [1, 7, octets.len()] {
                let quarter = octets.len() / 4;
                let few = time(&client, &octets[..quarter], step.min(quarter));
                let all = time(&client, &octets, step);
                // Quadratic work would take 16 times the time.
                assert!(all < few * 10, "{piece:?} by {step}: {few:?}, then {all:?}, {:?}", client.awaiting());
            }
        }
    }
}

#[test]
fn law_8_barriers() {
    let try_all = |talk: &mut Talk, expected: UsageError| {
        for command in [Command::Capa, Command::Noop, Command::Quit, Command::Stls, AUTH, Command::User("u")] {
            assert_eq!(talk.client.send(command, &mut talk.sent), Err(expected), "{command}");
        }
    };
    for barrier in [Command::Stls, AUTH, Command::Quit] {
        let mut talk = Talk::greeted(Config::default());
        talk.client(barrier);
        try_all(&mut talk, UsageError::Barrier(barrier.kind()));
        talk.server("-ERR no\r\n");
        if barrier.kind() != Kind::Quit {
            talk.client(Command::Capa);
        }
    }
    // Other commands may come before AUTH and QUIT, and none before STLS.
    let mut talk = Talk::greeted(Config::default());
    talk.client(Command::Capa);
    assert_eq!(talk.client.send(Command::Stls, &mut talk.sent), Err(UsageError::InFlight));
    talk.client(AUTH);
    try_all(&mut talk, UsageError::Barrier(Kind::Auth));

    // Not one octet is sent between the +OK to STLS and TLS.
    let mut talk = Talk::greeted(Config::default());
    talk.client(Command::Stls);
    assert_eq!(talk.server("+OK\r\n"), ["#0 starts TLS"]);
    let sent = talk.sent.clone();
    for command in [Command::Capa, Command::Quit, Command::Stls, AUTH, Command::User("u")] {
        let (kind, state) = (command.kind(), State::Handshake);
        assert_eq!(talk.client.send(command, &mut talk.sent), Err(UsageError::NotPermitted { kind, state }));
    }
    assert_eq!(talk.client.respond(Response::Cancel, &mut talk.sent), Err(UsageError::NoChallenge));
    assert_eq!(talk.sent, sent);
    assert_eq!(talk.client.tls_established(b""), Ok(()));
    talk.client(Command::Capa);

    // A login cannot have succeeded if the name was refused and the password accepted.
    let mut talk = Talk::greeted(Config::default());
    for command in [Command::User("u"), Command::Pass("p"), Command::Stat] {
        talk.client(command);
    }
    let mut stat = talk.clone();
    assert_eq!(talk.server("-ERR\r\n+OK\r\n"), ["#0 refused", "error: Impossible"]);
    assert_eq!(stat.server("+OK\r\n-ERR\r\n+OK 1 2\r\n"), ["#0 ok", "#1 refused", "error: Impossible"]);
}

#[test]
fn law_9_no_secrets() {
    let secret = "tan staaf";
    let plain = Plain::new("", "mrose", secret).unwrap().first().unwrap().unwrap();
    let timestamp = Timestamp::find(b"<1896.697170952@dbc.mtview.ca.us>").unwrap();
    let digest = Digest::new(timestamp, secret.as_bytes());
    let mut texts = vec![];
    let pass = Command::Pass(secret);
    let apop = Command::Apop { user: "mrose", digest };
    let auth = Command::Auth { mechanism: "PLAIN", initial_response: Some(Payload::Octets(&plain)) };
    let raw = Command::Raw("XLOGIN tan staaf");
    for command in [pass, apop, auth, raw] {
        texts.push(format!("{command} {command:?} {digest:?} "));
        // The secret is sent, rejected, and echoed by the server in an invalid line, with and without a CAPA before it.
        for echo in ["tan staaf", "dGFuIHN0YWFm", std::str::from_utf8(digest.as_bytes()).unwrap()] {
            for in_front in [None, Some(Command::Capa)] {
                let mut talk = Talk::greeted(Config::default());
                in_front.map(|command| talk.client(command));
                let rejected = talk.client.send(command, &mut &mut [0; 3][..]);
                texts.push(format!("{rejected:?} {}", rejected.map(|_| ()).unwrap_err()));
                if command.kind() == Kind::Pass {
                    talk.client(Command::User("mrose"));
                }
                talk.client(command);
                let sent = talk.client.clone();
                talk.server(format!("{echo} was your password\r\n"));
                texts.push(format!("{sent:?} {:?} {:?} {}", talk.client, talk.error, talk.error.unwrap()));
            }
        }
    }
    // The same holds for a response inside AUTH, and for a bad one.
    let mut talk = Talk::greeted(Config::default());
    talk.client(AUTH);
    talk.server("+ \r\n");
    for response in [Response::Data(Payload::Base64(b"tan staaf")), Response::Data(Payload::Octets(secret.as_bytes()))]
    {
        texts.push(format!("{response:?} {:?} {:?}", talk.client.respond(response, &mut talk.sent), talk.client));
    }
    talk.server("dGFuIHN0YWFm?\r\n");
    texts.push(format!("{:?} {}", talk.client, talk.error.unwrap()));

    let text = texts.join("\n");
    let base64 = |octets: &[u8]| {
        let mut out = Vec::new();
        let initial_response = Some(Payload::Octets(octets));
        Talk::greeted(Config::default())
            .client
            .send(Command::Auth { mechanism: "X", initial_response }, &mut out)
            .unwrap();
        String::from_utf8(out).unwrap().split_whitespace().nth(2).unwrap().to_owned()
    };
    let octets = |octets: &[u8]| format!("{octets:?}").trim_matches(['[', ']']).to_owned();
    assert_eq!(base64(secret.as_bytes()), "dGFuIHN0YWFm");
    let digits = std::str::from_utf8(digest.as_bytes()).unwrap();
    let needles = [
        secret.to_owned(),
        "staaf".to_owned(),
        base64(secret.as_bytes()),
        base64(&plain),
        digits.to_owned(),
        octets(secret.as_bytes()),
        octets(&plain),
        octets(digest.as_bytes()),
        octets(base64(&plain).as_bytes()),
    ];
    for needle in needles {
        assert!(!text.contains(&needle), "{needle} stands in {text}");
    }
    assert!(text.contains("mrose"), "names are no secrets, so the scan sees something");
}

#[derive(Clone, Debug)]
enum Call {
    Send(usize),
    Respond(bool),
    Receive(Vec<u8>),
    Eof(Vec<u8>),
    Tls(Vec<u8>),
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    const PIECES: &[&str] =
        &["+OK\r\n", "+OK\r\n", "+OK", "-ERR\r\n", "+ \r\n", ".\r\n", "1 2\r\n", "\r\n", "\n", "\r", "."];
    let octets = prop::collection::vec(prop::sample::select(PIECES), 0..6).prop_map(|p| p.concat().into_bytes());
    let octets = prop_oneof![4 => octets, 1 => prop::collection::vec(any::<u8>(), 0..12)];
    let call = prop_oneof![
        8 => (0_usize..12).prop_map(Call::Send),
        2 => any::<bool>().prop_map(Call::Respond),
        12 => octets.clone().prop_map(Call::Receive),
        1 => octets.clone().prop_map(Call::Eof),
        1 => octets.prop_map(Call::Tls),
    ];
    prop::collection::vec(call, 0..30)
}

proptest! {
    /// The octets offered have nothing to do with those that the client asked for, and the calls are in any order.
    #[test]
    fn law_10_no_input_panics(calls in calls(), max_line in 0_u32..20, max_body in 0_u64..9, logged_in: bool) {
        let max_challenge = max_line / 2;
        let config = Config::new().max_line(max_line).max_challenge(max_challenge).max_challenges(1).max_rows(1).max_body(max_body);
        let mut talk = Talk::new(config);
        if logged_in {
            talk = Talk::logged_in(config.max_line(20));
        }
        let commands = [
            Command::User("u"), Command::Pass("p"), AUTH, Command::Stls, Command::Capa, Command::Utf8, Command::List(None),
            Command::Retr(ONE), Command::Retr(ONE), Command::Top { number: ONE, lines: 1 }, Command::Dele(ONE), Command::Quit,
        ];
        for call in calls {
            match call {
                Call::Send(which) => _ = talk.client.send(commands[which], &mut talk.sent),
                Call::Respond(true) => _ = talk.client.respond(Response::Cancel, &mut talk.sent),
                Call::Respond(false) => _ = talk.client.respond(Response::Data(Payload::Octets(b"a")), &mut talk.sent),
                Call::Receive(octets) => {
                    let mut input = octets.as_slice();
                    while let Ok(Some(event)) = talk.client.receive(&mut input) {
                        let _ = format!("{event:?}");
                    }
                }
                Call::Eof(rest) => _ = talk.client.receive_eof(&rest),
                Call::Tls(rest) => _ = talk.client.tls_established(&rest),
            }
            let _ = (talk.client.projected(), talk.client.awaiting(), talk.client.oldest(), talk.client.in_flight());
        }
    }
}

#[test]
fn law_11_honest_endings() {
    let commands = [
        Command::List(None),
        Command::Retr(ONE),
        Command::Top { number: ONE, lines: 0 },
        Command::Dele(ONE),
        Command::Quit,
    ];
    // Each item is a part of the server's answers. `complete` has the number of answers that are complete after it.
    let says = [
        "+OK\r\n1 9\r\n",
        ".\r\n",
        "+OK\r\n..\r\nmail\r\n",
        ".\r\n",
        "+OK\r\nA: b\r\n\r\n",
        ".\r\n",
        "+OK\r\n",
        "+OK bye\r\n",
    ];
    let complete = [0, 1, 1, 2, 2, 3, 4, 5];
    let session = says.concat();
    for cut in 0..=session.len() {
        let mut talk = Talk::logged_in(Config::default());
        let tickets = commands.map(|command| talk.client(command));
        talk.server(&session[..cut]);
        let (mut ends, mut expected) = (0, 0);
        for (said, complete) in says.iter().zip(complete) {
            ends += said.len();
            if ends <= cut {
                expected = complete;
            }
        }
        assert_eq!(talk.client.in_flight(), 5 - expected, "behind {:?}", &session[..cut]);
        assert_eq!(talk.client.oldest(), tickets.get(expected).copied());
        let ends = talk.heard.iter().filter(|heard| heard.ends_with("end")).count();
        assert_eq!(ends, expected.min(3));
        let told = talk.client.receive_eof(&talk.left);
        if cut == session.len() {
            assert_eq!((told, talk.client.state()), (Ok(()), State::Update));
        } else {
            assert_eq!(told.unwrap_err().violation(), Violation::Closed);
            assert_eq!(talk.client.state(), State::Closed);
        }
    }
}

#[test]
fn law_11_quit_was_committed_refused_or_is_unknown() {
    let quit = |answer: &str| {
        let mut talk = Talk::logged_in(Config::default());
        talk.client(Command::Dele(ONE));
        talk.client(Command::Quit);
        let heard = talk.server(format!("+OK\r\n{answer}")).split_off(1);
        let end = talk.client.receive_eof(&talk.left).map_err(|error| (error.violation(), error.awaiting()));
        (heard, end, talk.client.state())
    };
    let heard = |event: &str| vec![event.to_owned()];
    assert_eq!(quit("+OK\r\n"), (heard("#3 ok"), Ok(()), State::Update));
    assert_eq!(quit("-ERR some remain\r\n"), (heard("#3 refused some remain"), Ok(()), State::Update));
    let unknown = Err((Violation::Closed, Awaiting::Status(Kind::Quit)));
    assert_eq!(quit(""), (vec![], unknown, State::Closed));
    assert_eq!(quit("+OK"), (vec![], unknown, State::Closed));

    // QUIT before the login commits nothing, and the state says so.
    let mut talk = Talk::greeted(Config::default());
    talk.client(Command::Quit);
    assert_eq!((talk.server("+OK\r\n"), talk.client.state()), (vec!["#0 ok".to_owned()], State::Closed));
    assert_eq!(talk.client.receive_eof(b""), Ok(()));
    // A greeting that refuses service is an end too.
    let mut talk = Talk::new(Config::default());
    assert_eq!(talk.server("-ERR [IN-USE] later\r\n"), ["no service later"]);
    assert_eq!(talk.client.receive_eof(b""), Ok(()));
}
