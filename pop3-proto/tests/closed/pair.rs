//! Every state of a client and a server together, over a link that delivers any prefix of what was written.
//!
//! The maildrop has one message. The caller of the client sends any permitted command, up to two in flight; the caller
//! of the server accepts or refuses. Each answer of the server repeats a letter of its request, so the client knows
//! which request was answered.

use std::collections::VecDeque;

use pop3_proto::wire::{Payload, Response};
use pop3_proto::{Awaiting, Client, Command, Config, Event, Kind, Request, Server, ServerConfig, Shape, State};

use crate::graph::Graph;
use crate::key::Key;
use crate::sizes;

/// The commands, each with its letter.
const COMMANDS: [(Command<'static>, &str); 9] = [
    (Command::User("u"), "U"),
    (Command::Pass("p"), "P"),
    (Command::Dele(1), "D"),
    (Command::Rset, "R"),
    (Command::Retr(1), "T"),
    (Command::Quit, "Q"),
    (Command::Stls, "S"),
    (Command::Capa, "C"),
    (Command::Auth { mechanism: "X", initial_response: None }, "A"),
];

fn letter(kind: Kind) -> &'static str {
    COMMANDS.iter().find(|(command, _)| command.kind() == kind).expect("the client sends nothing else").1
}

#[allow(clippy::struct_excessive_bools, reason = "the flags are independent")]
#[derive(Clone, Hash)]
struct Node {
    client: End<Client>,
    server: End<Server>,
    /// The commands in flight, oldest first.
    sent: VecDeque<Kind>,
    /// The client has heard that the message is marked.
    believes_marked: bool,
    /// The client has heard that QUIT succeeded in TRANSACTION.
    believes_updated: bool,
    must_respond: bool,
    /// A request that the caller of the server has not answered.
    asked: Option<Asked>,
    marked: bool,
    /// The server has entered UPDATE; true if it removed the message.
    removed: Option<bool>,
    /// The server closed the connection, and the client knows it.
    has_ended: bool,
}

#[derive(Clone, Copy, Hash, PartialEq, Eq)]
enum Asked {
    Command(Kind),
    Response,
    Cancelled,
    Bad,
}

/// One end of the link.
#[derive(Clone, Hash)]
struct End<R> {
    role: R,
    /// Octets that were written and not delivered.
    out: Vec<u8>,
    /// Octets that were delivered and not consumed.
    left: Vec<u8>,
}

fn start() -> Node {
    let config = ServerConfig::new().stls(true).plaintext_login(true).max_refusals(2).max_before_login(u32::MAX);
    let end = |role| End { role, out: Vec::new(), left: Vec::new() };
    let mut server = End { role: Server::new(config), out: Vec::new(), left: Vec::new() };
    server.role.greeting(None, "", &mut server.out).expect("a greeting is due");
    Node {
        client: end(Client::new(Config::new())),
        server,
        sent: VecDeque::new(),
        believes_marked: false,
        believes_updated: false,
        must_respond: false,
        asked: None,
        marked: false,
        removed: None,
        has_ended: false,
    }
}

fn expand(node: &Node) -> Vec<Node> {
    agree(node);
    if node.has_ended {
        return Vec::new();
    }
    let mut nodes = send(node);
    if node.must_respond {
        nodes.extend([Response::Data(Payload::Octets(b"")), Response::Cancel].map(|response| respond(node, response)));
    }
    if node.asked.is_some() {
        nodes.extend(answer(node, true));
        nodes.extend(answer(node, false));
    }
    for len in 1..=node.client.out.len() {
        let mut next = node.clone();
        next.server.left.extend(next.client.out.drain(..len));
        next.serve();
        nodes.push(next);
    }
    for len in 1..=node.server.out.len() {
        let mut next = node.clone();
        next.client.left.extend(next.server.out.drain(..len));
        next.hear();
        nodes.push(next);
    }
    let at_handshake = |state| state == State::Handshake;
    if at_handshake(node.client.role.state()) && at_handshake(node.server.role.state()) {
        let mut next = node.clone();
        next.client.role.tls_established(&next.client.left).expect("nothing came before TLS");
        next.server.role.tls_established(&next.server.left).expect("nothing came before TLS");
        nodes.push(next);
    }
    if node.server.role.state().is_over() && node.server.out.is_empty() {
        let mut next = node.clone();
        let expects_it = next.client.role.state().is_over();
        assert_eq!(next.client.role.receive_eof(&next.client.left).is_ok(), expects_it);
        next.has_ended = true;
        nodes.push(next);
    }
    nodes
}

fn send(node: &Node) -> Vec<Node> {
    let mut nodes = Vec::new();
    if node.sent.len() == 2 {
        return nodes;
    }
    let commands = if sizes::is_long() { &COMMANDS[..] } else { &COMMANDS[..7] };
    for (command, _) in commands {
        let mut next = node.clone();
        if next.client.role.send(*command, &mut next.client.out).is_ok() {
            next.sent.push_back(command.kind());
            nodes.push(next);
        }
    }
    nodes
}

fn respond(node: &Node, response: Response<'_>) -> Node {
    let mut next = node.clone();
    next.client.role.respond(response, &mut next.client.out).expect("a response is due");
    next.must_respond = false;
    next
}

/// Answers the request, if this answer is possible.
fn answer(node: &Node, accept: bool) -> Option<Node> {
    let mut next = node.clone();
    let asked = next.asked.take()?;
    let (server, out) = (&mut next.server.role, &mut next.server.out);
    let kind = match asked {
        Asked::Command(kind) => kind,
        Asked::Cancelled | Asked::Bad if accept => return None,
        Asked::Response | Asked::Cancelled => Kind::Auth,
        Asked::Bad => {
            server.err(None, "?", out).expect("a refusal is due");
            next.serve();
            return Some(next);
        }
    };
    let letter = letter(kind);
    let was_in_transaction = server.state() == State::Transaction;
    if !accept {
        server.err(None, letter, out).expect("a refusal is due");
    } else if asked == Asked::Command(Kind::Auth) {
        server.challenge(b"", out).expect("a challenge is due");
    } else if next.marked && matches!(kind, Kind::Dele | Kind::Retr) {
        return None;
    } else {
        server.ok(letter, out).expect("an answer is due");
        match kind.shape() {
            Shape::Single => {}
            Shape::Listing => {
                server.row(letter, out).expect("a row is due");
                server.end(out).expect("the end is due");
            }
            Shape::Body => {
                let mut room = [0; 8];
                let len = server.body(&mut letter.as_bytes(), &mut room).expect("a message is due");
                out.extend_from_slice(&room[..len]);
                server.end(out).expect("the end is due");
            }
        }
        next.marked = (next.marked || kind == Kind::Dele) && kind != Kind::Rset;
    }
    if kind == Kind::Quit && was_in_transaction {
        // RFC 1939, section 6: a server that could not remove all messages answers -ERR.
        next.removed = Some(next.marked && accept);
    }
    next.serve();
    Some(next)
}

impl Node {
    /// Lets the server read up to the next request.
    fn serve(&mut self) {
        if self.asked.is_some() {
            return;
        }
        let mut input = self.server.left.as_slice();
        let request = self.server.role.receive(&mut input).expect("this client injects nothing");
        self.asked = request.map(|request| match request {
            Request::Command(command) => Asked::Command(command.kind()),
            Request::Response(Response::Cancel) => Asked::Cancelled,
            Request::Response(Response::Data(_)) => Asked::Response,
            Request::Bad(_) => Asked::Bad,
        });
        self.server.left = input.to_vec();
    }

    /// Lets the client read everything.
    fn hear(&mut self) {
        let arrived = std::mem::take(&mut self.client.left);
        let mut input = arrived.as_slice();
        loop {
            let oldest = self.client.role.oldest();
            let Some(event) = self.client.role.receive(&mut input).expect("this server keeps to the protocol") else {
                break;
            };
            assert_eq!(event.to(), oldest, "the oldest command is answered");
            self.note(&event);
        }
        self.client.left = input.to_vec();
    }

    fn note(&mut self, event: &Event<'_>) {
        let Some(kind) = self.sent.front().copied() else {
            return assert!(matches!(event, Event::Greeting(_)), "{event:?}");
        };
        // Only a refusal of a command that the server did not permit names no command.
        let is_own = |text: &[u8]| text == letter(kind).as_bytes();
        match event {
            Event::Ok { reply, .. } => {
                assert!(is_own(reply.line()), "{event:?} does not answer {kind}");
                if kind.shape() == Shape::Single {
                    self.sent.pop_front();
                }
                match kind {
                    Kind::Dele => self.believes_marked = true,
                    Kind::Rset => self.believes_marked = false,
                    Kind::Quit => self.believes_updated = self.client.role.state() == State::Update,
                    _ => {}
                }
            }
            Event::Refused { refusal, .. } => {
                assert!(is_own(refusal.line()) || refusal.line() == b"?", "{event:?} does not answer {kind}");
                self.sent.pop_front();
            }
            Event::StartTls { .. } => assert_eq!(self.sent.pop_front(), Some(Kind::Stls)),
            Event::End { .. } => _ = self.sent.pop_front(),
            Event::Row { row, .. } => assert!(is_own(row.as_bytes()), "{event:?} does not answer {kind}"),
            // The message is the letter and CRLF, in any pieces.
            Event::Body { bytes, .. } => {
                let mut octets = bytes.iter();
                assert!(octets.all(|octet| is_own(&[*octet]) || b"\r\n".contains(octet)), "{event:?}");
            }
            Event::Challenge { .. } => self.must_respond = true,
            Event::Greeting(_) | Event::NoService(_) => panic!("{event:?} with {kind} in flight"),
        }
    }

    fn is_quiet(&self) -> bool {
        let octets = [&self.client.out, &self.client.left, &self.server.out, &self.server.left];
        octets.iter().all(|octets| octets.is_empty()) && self.asked.is_none() && !self.must_respond
    }
}

/// Checks what must hold in each state, also if the link breaks now.
fn agree(node: &Node) {
    let (client, server) = (&node.client.role, &node.server.role);
    if node.has_ended {
        return assert!(client.state().is_over() && server.state().is_over());
    }
    assert_eq!(client.in_flight(), node.sent.len());
    if node.is_quiet() && client.state() != State::Greeting {
        // After too many refusals before the login, the server closes the connection.
        let was_thrown_out = server.state() == State::Closed && client.state() == State::Authorization;
        assert!(was_thrown_out || node.sent.is_empty(), "a command was not answered");
        assert!(was_thrown_out || client.state() == server.state(), "{client:?}, {server:?}");
        assert_eq!(client.inside_tls(), server.inside_tls());
        assert_eq!(node.believes_marked, node.marked);
    }
    // A deletion is committed only by QUIT, and a client that heard of it knows what was deleted.
    let has_asked = node.sent.back() == Some(&Kind::Quit);
    match node.removed {
        None => assert!(client.state() != State::Update && !node.believes_updated),
        Some(removed) => {
            assert!(has_asked || client.state() == State::Update);
            assert!(!removed || node.marked, "a deletion was invented");
            if node.believes_updated {
                assert_eq!(removed, node.believes_marked, "a deletion was lost or invented");
            }
        }
    }
    let mut cut = client.clone();
    match cut.receive_eof(&node.client.left) {
        Ok(()) => assert!(client.state().is_over()),
        Err(error) => {
            assert_eq!(error.awaiting(), client.awaiting());
            assert!(node.removed.is_none() || has_asked, "the caller does not know that the outcome is unknown");
            assert!(error.awaiting() != Awaiting::Nothing || node.sent.is_empty());
        }
    }
}

fn key(node: &Node) -> Vec<u8> {
    let Node { client, server, sent, asked, removed, .. } = node;
    let flags = (node.believes_marked, node.believes_updated, node.must_respond, node.marked, node.has_ended);
    Key::default()
        .add_client(&client.role)
        .add(&(&client.out, &client.left))
        .add_server(&server.role)
        .add(&(&server.out, &server.left))
        .add(&(sent, asked, removed, flags))
        .octets()
}

#[test]
fn every_state_of_a_client_and_a_server() {
    let graph = Graph::search(start(), key, expand);
    assert!(graph.nodes.len() * 64 < u32::MAX as usize, "the octets before the login never reach their limit");
    let ends = graph.leads_to(|node| node.has_ended);
    assert!(ends.iter().all(|ends| *ends), "a deadlock");
    // Both outcomes are reached, so the checks above were not in vain.
    for removed in [true, false] {
        assert!(graph.nodes.iter().any(|node| node.believes_updated && node.removed == Some(removed)));
    }
    let name = if sizes::is_long() { "client and server, all commands" } else { "client and server" };
    sizes::check(name, graph.nodes.len(), graph.edge_count());
}
