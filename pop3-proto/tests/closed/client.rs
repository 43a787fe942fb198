//! Every state of a client with up to two commands in flight.

use std::collections::BTreeSet;

use pop3_proto::wire::{Digest, Payload, Response};
use pop3_proto::{Client, Command, Config, Event, Kind, ProtocolError, State, Violation};

use crate::graph::Graph;
use crate::key::Key;
use crate::model::{Heard, MAX_BODY, MAX_CHALLENGES, MAX_ROWS, Model};
use crate::phase::Phase;
use crate::sizes;
use crate::units::{LONGEST, Unit, arrivals};

/// A client, the octets that it has not consumed, and what the model says about both.
#[derive(Clone)]
struct Node {
    client: Client,
    model: Model,
    left: Vec<Unit>,
    /// The last call returned an event, so there may be more of them in `left`.
    has_more: bool,
    error: Option<ProtocolError>,
}

fn start() -> Node {
    let config = Config::new()
        .max_line(LONGEST)
        .max_challenge(LONGEST)
        .max_rows(MAX_ROWS)
        .max_body(MAX_BODY as u64)
        .max_challenges(u8::try_from(MAX_CHALLENGES).expect("a small number"));
    Node { client: Client::new(config), model: Model::new(), left: Vec::new(), has_more: false, error: None }
}

fn key(node: &Node) -> Vec<u8> {
    if node.model.failed {
        return Key::default().add(&node.error).octets();
    }
    Key::default().add_client(&node.client).add(&node.model).add(&node.left).add(&node.has_more).octets()
}

/// One command of each kind, and AUTH with and without an initial response.
fn commands() -> Vec<Command<'static>> {
    let digest = Digest::parse(&[b'0'; 32]).expect("32 digits");
    let auth = |initial_response| Command::Auth { mechanism: "X", initial_response };
    let commands = vec![
        Command::User("u"),
        Command::Pass("p"),
        Command::Apop { user: "u", digest },
        Command::AuthList,
        auth(None),
        auth(Some(Payload::Octets(b"x"))),
        Command::Stls,
        Command::Capa,
        Command::Utf8,
        Command::Lang("de"),
        Command::LangList,
        Command::Stat,
        Command::List(None),
        Command::List(Some(1)),
        Command::Uidl(None),
        Command::Uidl(Some(1)),
        Command::Retr(1),
        Command::Top { number: 1, lines: 0 },
        Command::Dele(1),
        Command::Rset,
        Command::Noop,
        Command::Last,
        Command::Quit,
        Command::Raw("X"),
        Command::RawListing("X"),
    ];
    assert!(Kind::ALL.iter().all(|kind| commands.iter().any(|command| command.kind() == *kind)));
    commands
}

/// Makes every call on a client, checks each against the model, and returns the clients after those that succeeded or
/// ended the session.
fn expand(node: &Node) -> Vec<Node> {
    agree(node);
    let mut nodes = Vec::new();
    if let Some(error) = node.error {
        is_permanent(node, error);
        return nodes;
    }
    nodes.extend(send_all(node));
    for response in [Response::Data(Payload::Octets(b"x")), Response::Cancel] {
        nodes.extend(respond(node, response));
    }
    nodes.push(told(node, Client::tls_established, |model, left| model.handshake(!left.is_empty())));
    nodes.push(told(node, Client::receive_eof, |model, _| model.eof()));
    if node.has_more {
        nodes.push(receive(node.clone()));
    } else {
        for arrived in arrivals(&node.left) {
            let mut more = node.clone();
            more.left.extend(arrived);
            nodes.push(receive(more));
        }
    }
    nodes
}

/// Compares everything that a caller can see.
fn agree(node: &Node) {
    let Node { client, model, .. } = node;
    let (state, projected) =
        if model.failed { (State::Closed, State::Closed) } else { (model.phase.state(), model.projected().state()) };
    assert_eq!((client.state(), client.in_flight()), (state, model.owed.len()), "{model:?}");
    assert_eq!(client.oldest().is_some(), !model.owed.is_empty());
    if !model.failed {
        assert_eq!((client.projected(), client.awaiting()), (projected, model.awaiting()), "{model:?}");
        assert_eq!(client.inside_tls(), model.tls);
    }
}

/// Checks that a failed client does nothing any more.
fn is_permanent(node: &Node, error: ProtocolError) {
    let mut client = node.client.clone();
    for octets in [&b""[..], b"+OK\r\n", b".\r\n"] {
        assert_eq!(client.receive(&mut &*octets), Err(error));
        assert_eq!(client.receive_eof(octets), Err(error));
        assert_eq!(client.tls_established(octets), Err(error));
    }
    let mut out = Vec::new();
    assert!(commands().into_iter().all(|command| client.send(command, &mut out).is_err()));
    assert!(client.respond(Response::Cancel, &mut out).is_err() && out.is_empty());
    assert_eq!(client, node.client);
}

/// Tries every command, and returns the clients that are to be followed.
fn send_all(node: &Node) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut next = node.clone();
    for command in commands() {
        let mut room = [0; 64];
        let mut out = &mut room[..];
        let has_data = matches!(command, Command::Auth { initial_response: Some(_), .. });
        let sent = next.client.send(command, &mut out);
        let expected = next.model.send(command.kind(), has_data);
        assert_eq!(sent.err(), expected.err(), "{command}: {:?}", node.model);
        let written = 64 - out.len();
        let Ok(ticket) = sent else {
            assert!(next.client == node.client && written == 0, "a rejected call changes nothing");
            continue;
        };
        assert!(room[..written].ends_with(b"\r\n"));
        let ahead = node.model.owed.len();
        if ahead == 0 {
            assert_eq!(next.client.oldest(), Some(ticket));
        } else {
            // The oldest command keeps its ticket, and the new one has a later one.
            assert_eq!(next.client.oldest(), node.client.oldest());
            assert!(node.client.oldest() < Some(ticket));
        }
        let sent = std::mem::replace(&mut next, node.clone());
        if ahead < 2 && is_followed(command.kind()) {
            nodes.push(sent);
        }
    }
    nodes
}

/// Returns true if clients that have sent this command are followed: with `POP3_EXHAUSTIVE=1` all, and by default those
/// whose answers differ in more than their names. All are tried.
fn is_followed(kind: Kind) -> bool {
    let is_another = matches!(
        kind,
        Kind::Lang
            | Kind::LangList
            | Kind::RawListing
            | Kind::Stat
            | Kind::ListOne
            | Kind::UidlAll
            | Kind::UidlOne
            | Kind::Top
            | Kind::Rset
            | Kind::Noop
            | Kind::Last
    );
    !is_another || sizes::is_long()
}

fn respond(node: &Node, response: Response<'_>) -> Option<Node> {
    let (mut next, mut out) = (node.clone(), Vec::new());
    let done = next.client.respond(response, &mut out);
    assert_eq!(done, next.model.respond(response == Response::Cancel), "{:?}", node.model);
    if done.is_err() {
        assert!(next.client == node.client && out.is_empty(), "a rejected call changes nothing");
        return None;
    }
    assert_eq!(next.client.oldest(), node.client.oldest(), "a response has no ticket");
    Some(next)
}

/// Tells the client that TLS began or that the stream ended.
fn told(
    node: &Node,
    client: impl FnOnce(&mut Client, &[u8]) -> Result<(), ProtocolError>,
    model: impl FnOnce(&mut Model, &[Unit]) -> Result<(), Violation>,
) -> Node {
    let mut next = node.clone();
    let done = client(&mut next.client, octets(&node.left).as_bytes());
    let expected = model(&mut next.model, &node.left);
    assert_eq!(done.map_err(|error| error.violation()), expected, "{:?}", node.model);
    if let Err(error) = done {
        next.failed(error, node);
    }
    next
}

fn octets(units: &[Unit]) -> String {
    units.iter().map(|unit| unit.octets()).collect()
}

/// Receives up to the next event that is not a piece of a message.
fn receive(mut node: Node) -> Node {
    let before = node.clone();
    let arrived = octets(&node.left);
    let mut input = arrived.as_bytes();
    let mut content = Vec::new();
    let got = loop {
        match node.client.receive(&mut input) {
            Ok(Some(Event::Body { to, bytes })) => {
                assert_eq!(Some(to), before.client.oldest(), "the oldest command owns the message");
                content.extend_from_slice(bytes);
            }
            other => break other,
        }
    };
    let mut expected = String::new();
    let heard = node.model.receive(&mut node.left, &mut expected);
    assert_eq!(content.escape_ascii().to_string(), expected.as_bytes().escape_ascii().to_string());
    match got {
        Err(error) => {
            assert_eq!(Err(error.violation()), heard, "{arrived:?}, {:?}", before.model);
            node.failed(error, &before);
        }
        Ok(event) => {
            assert_eq!(Ok(event.map(|event| meaning(&event))), heard, "{arrived:?}, {:?}", before.model);
            if let Some(to) = event.and_then(|event| event.to()) {
                assert_eq!(Some(to), before.client.oldest(), "the oldest command owns the answer");
            }
            assert_eq!(input, octets(&node.left).as_bytes(), "{arrived:?}, {:?}", before.model);
            node.has_more = event.is_some() && !node.left.is_empty();
            if node.left.is_empty() {
                let mut again = node.client.clone();
                assert_eq!(again.receive(&mut &b""[..]), Ok(None));
                assert_eq!(again, node.client, "no octets change nothing");
            }
        }
    }
    node
}

fn meaning(event: &Event<'_>) -> Heard {
    match event {
        Event::Greeting(_) => Heard::Greeting,
        Event::NoService(_) => Heard::NoService,
        Event::Ok { .. } => Heard::Ok,
        Event::StartTls { .. } => Heard::StartTls,
        Event::Refused { .. } => Heard::Refused,
        Event::Challenge { .. } => Heard::Challenge,
        Event::Row { row, .. } => Heard::Row(String::from_utf8_lossy(row.as_bytes()).into_owned()),
        Event::End { .. } => Heard::End,
        Event::Body { .. } => unreachable!("pieces of a message are joined before"),
    }
}

impl Node {
    fn failed(&mut self, error: ProtocolError, before: &Node) {
        assert_eq!(error.awaiting(), self.model.awaiting(), "{error}: {:?}", before.model);
        if before.model.may_echo {
            assert_eq!(error.excerpt().as_bytes(), b"", "the server may echo a secret");
        }
        self.error = Some(error);
        self.left.clear();
        self.has_more = false;
    }
}

#[test]
fn every_state_of_a_client() {
    let graph = Graph::search(start(), key, expand);
    let ends = graph.leads_to(|node| matches!(node.model.phase, Phase::Over { .. }) && !node.model.failed);
    for (node, ends) in graph.nodes.iter().zip(ends).filter(|(node, _)| !node.has_more) {
        assert_eq!(ends, !node.model.is_doomed(&node.left), "an orderly end: {:?}, {:?}", node.model, node.left);
    }
    let violations = graph.nodes.iter().filter_map(|node| node.error).map(|error| format!("{:?}", error.violation()));
    // Two of the fifteen need LF.
    let reached = if sizes::is_long() { 15 } else { 13 };
    assert_eq!(violations.collect::<BTreeSet<_>>().len(), reached, "each violation is reached");
    let name = if sizes::is_long() { "client, all commands" } else { "client" };
    sizes::check(name, graph.nodes.len(), graph.edge_count());
}
