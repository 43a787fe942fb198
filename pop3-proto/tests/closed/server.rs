//! Every state of a server, with a client that sends any line, and a caller that makes any call.

use pop3_proto::wire::Response;
use pop3_proto::{AnswerError, BadRequest, Kind, Request, Server, ServerConfig, Violation};

use crate::graph::Graph;
use crate::key::Key;
use crate::phase::Phase;
use crate::server_model::{Heard, LONGEST, Limits, Line, Meaning, Model};
use crate::sizes;

/// A server, the lines that it has not consumed, and what the model says about both.
#[derive(Clone)]
struct Node {
    server: Server,
    model: Model,
    left: Vec<Line>,
}

fn key(node: &Node) -> Vec<u8> {
    Key::default().add(&node.server).add(&node.model).add(&node.left).octets()
}

const fn line(octets: &'static str, meaning: Meaning) -> Line {
    Line { octets, meaning }
}

const NOOP: Line = line("NOOP\r\n", Meaning::Command(Kind::Noop));
const STLS: Line = line("STLS\r\n", Meaning::Command(Kind::Stls));
const USER: Line = line("USER u\r\n", Meaning::Revealing(Kind::User));
const PASS: Line = line("PASS p\r\n", Meaning::Command(Kind::Pass));
const QUIT: Line = line("QUIT\r\n", Meaning::Command(Kind::Quit));
/// The first part of a line, and the rest.
const PARTS: [Line; 2] = [line("NO", Meaning::Unknown), line("OP\r\n", Meaning::Command(Kind::Noop))];
/// As many octets as a line may have, without a line end.
const LONG: Line = line(concat_long(), Meaning::Unknown);
const REST: Line = line("x\r\n", Meaning::Unknown);

const fn concat_long() -> &'static str {
    const OCTETS: [u8; LONGEST] = [b'x'; LONGEST];
    match std::str::from_utf8(&OCTETS) {
        Ok(text) => text,
        Err(_) => panic!("letters are UTF-8"),
    }
}

/// One line for each kind of command, and others.
const LINES: [Line; 33] = [
    USER,
    PASS,
    line("APOP u 0123456789abcdef0123456789abcdef\r\n", Meaning::Command(Kind::Apop)),
    line("AUTH\r\n", Meaning::Command(Kind::AuthList)),
    line("AUTH X\r\n", Meaning::Waiting),
    line("AUTH X eA==\r\n", Meaning::Command(Kind::Auth)),
    line("AUTH PLAIN\r\n", Meaning::RevealingWaiting),
    line("AUTH LOGIN eA==\r\n", Meaning::Revealing(Kind::Auth)),
    STLS,
    line("CAPA\r\n", Meaning::Command(Kind::Capa)),
    line("UTF8\r\n", Meaning::Command(Kind::Utf8)),
    line("LANG\r\n", Meaning::Command(Kind::LangList)),
    line("LANG de\r\n", Meaning::Command(Kind::Lang)),
    line("STAT\r\n", Meaning::Command(Kind::Stat)),
    line("LIST\r\n", Meaning::Command(Kind::ListAll)),
    line("list 1\n", Meaning::Command(Kind::ListOne)),
    line("UIDL\r\n", Meaning::Command(Kind::UidlAll)),
    line("UIDL 1\r\n", Meaning::Command(Kind::UidlOne)),
    line("RETR 1\r\n", Meaning::Command(Kind::Retr)),
    line("TOP 1 0\r\n", Meaning::Top(0)),
    line("TOP 1 1\r\n", Meaning::Top(1)),
    line("DELE 1\r\n", Meaning::Command(Kind::Dele)),
    line("RSET\r\n", Meaning::Command(Kind::Rset)),
    NOOP,
    line("LAST\r\n", Meaning::Command(Kind::Last)),
    QUIT,
    line("\r\n", Meaning::Unknown),
    line("*\r\n", Meaning::Unknown),
    line("eA==\r\n", Meaning::Unknown),
    line("NOOP\r\r\n", Meaning::Unknown),
    line("RETR 0\r\n", Meaning::BadArguments(Kind::Retr)),
    line("PASS\r\n", Meaning::BadArguments(Kind::Pass)),
    line("STAT 1\r\n", Meaning::BadArguments(Kind::Stat)),
];

/// Returns what may arrive at once.
fn arrivals(node: &Node, lines: &[Line]) -> Vec<Vec<Line>> {
    if node.left == PARTS[..1] {
        return vec![vec![PARTS[1]]];
    }
    if !node.left.is_empty() {
        return Vec::new();
    }
    if !node.model.wants_request() {
        // The client does not wait for the answer.
        return vec![vec![NOOP]];
    }
    let pairs = [USER, STLS, QUIT, NOOP].into_iter().filter(|first| lines.contains(first));
    let mut arrivals: Vec<_> = pairs.map(|first| vec![first, NOOP]).collect();
    arrivals.extend(lines.iter().map(|line| vec![*line]));
    arrivals.push(PARTS[..1].to_vec());
    arrivals
}

fn expand(node: &Node, lines: &[Line]) -> Vec<Node> {
    agree(node);
    let mut nodes: Vec<_> = calls(node).into_iter().flatten().collect();
    if node.left.is_empty() || node.left == PARTS[..1] {
        for arrived in arrivals(node, lines) {
            let mut more = node.clone();
            more.left.extend(arrived);
            nodes.push(receive(more));
        }
    } else {
        nodes.push(receive(node.clone()));
    }
    nodes
}

/// Compares everything that a caller can see, also after a close.
fn agree(Node { server, model, .. }: &Node) {
    assert_eq!(server.state(), model.phase.state(), "{model:?}");
    assert_eq!(server.wants_request(), model.wants_request(), "{model:?}");
    assert_eq!(server.wants_body(), model.wants_body(), "{model:?}");
    assert_eq!(server.offers_stls(), model.offers_stls(), "{model:?}");
    assert_eq!(server.permits_plaintext(), model.permits_plaintext(), "{model:?}");
    assert_eq!(server.inside_tls(), model.tls, "{model:?}");
    let (mut server, mut model) = (server.clone(), model.clone());
    server.close();
    model.close();
    assert_eq!((server.state(), server.wants_request()), (model.phase.state(), false), "{model:?}");
    let mut out = Vec::new();
    assert_eq!(server.ok("", &mut out), Err(AnswerError::NotDue));
    assert_eq!(server.err(None, "", &mut out), Err(AnswerError::NotDue));
    assert_eq!(server.end(&mut out), Err(AnswerError::NotDue));
}

/// Makes each call that answers, and compares what is written.
fn calls(node: &Node) -> Vec<Option<Node>> {
    let greeting = |welcome: bool| {
        call(
            node,
            |server, out| {
                if welcome { server.greeting(None, "", out) } else { server.no_service(None, "", out) }
            },
            |model| model.greet(welcome).then_some(if welcome { "+OK\r\n" } else { "-ERR\r\n" }),
        )
    };
    let body = |octet: u8| {
        call(
            node,
            |server, out| {
                let (content, mut room) = ([octet], [0; 2]);
                let mut rest = &content[..];
                let len = server.body(&mut rest, &mut room)?;
                assert!(rest.is_empty(), "two octets are enough room");
                out.extend_from_slice(&room[..len]);
                Ok(())
            },
            |model| model.body(octet),
        )
    };
    vec![
        greeting(true),
        greeting(false),
        call(node, |server, out| server.ok("", out), |model| model.accept().then_some("+OK\r\n")),
        call(node, |server, out| server.err(None, "", out), |model| model.refuse().then_some("-ERR\r\n")),
        call(node, |server, out| server.challenge(b"x", out), |model| model.challenge().then_some("+ eA==\r\n")),
        call(node, |server, out| server.row(".x", out), |model| model.may_send_row().then_some("..x\r\n")),
        body(b'x'),
        body(b'.'),
        body(b'\r'),
        body(b'\n'),
        call(node, Server::end, Model::end),
        handshake(node),
    ]
}

fn call(
    node: &Node,
    call: impl FnOnce(&mut Server, &mut Vec<u8>) -> Result<(), AnswerError>,
    expect: impl FnOnce(&mut Model) -> Option<&'static str>,
) -> Option<Node> {
    let (mut next, mut out) = (node.clone(), Vec::new());
    let done = call(&mut next.server, &mut out);
    let expected = expect(&mut next.model);
    assert_eq!(done.is_ok(), expected.is_some(), "{:?}", node.model);
    assert_eq!(out.escape_ascii().to_string(), expected.unwrap_or("").escape_default().to_string(), "{:?}", node.model);
    if done.is_err() {
        assert_eq!((done, &next.server), (Err(AnswerError::NotDue), &node.server), "a rejected call changes nothing");
        return None;
    }
    Some(next)
}

fn handshake(node: &Node) -> Option<Node> {
    let mut next = node.clone();
    let octets = octets(&node.left);
    match (next.server.tls_established(octets.as_bytes()), next.model.handshake(!node.left.is_empty())) {
        (Ok(()), Ok(())) => Some(next),
        (Err(error), Err(true)) if error.violation() == Violation::PlaintextAfterStls => Some(next),
        (Err(error), Err(false)) if error.violation() == Violation::NoHandshakeDue => {
            assert_eq!(next.server, node.server, "a rejected call changes nothing");
            None
        }
        (got, expected) => panic!("{got:?} instead of {expected:?}: {:?}", node.model),
    }
}

fn octets(lines: &[Line]) -> String {
    lines.iter().map(|line| line.octets).collect()
}

fn receive(mut node: Node) -> Node {
    let arrived = octets(&node.left);
    let before = node.model.clone();
    let mut input = arrived.as_bytes();
    let heard = node.model.receive(&mut node.left);
    match node.server.receive(&mut input) {
        Ok(request) => {
            assert_eq!(Ok(request.map(|request| meaning(&request))), heard, "{arrived:?}, {before:?}");
            assert_eq!(input, octets(&node.left).as_bytes(), "{arrived:?}, {before:?}");
        }
        Err(error) => {
            assert_eq!((error.violation(), heard), (Violation::PlaintextAfterStls, Err(())), "{arrived:?}, {before:?}");
            node.left.clear();
        }
    }
    node
}

fn meaning(request: &Request<'_>) -> Heard {
    match *request {
        Request::Command(command) => Heard::Command(command.kind()),
        Request::Response(Response::Cancel) => Heard::Cancel,
        Request::Response(Response::Data(_)) => Heard::Data,
        Request::Bad(BadRequest::Unknown) => Heard::Unknown,
        Request::Bad(BadRequest::Arguments(kind)) => Heard::Arguments(kind),
        Request::Bad(BadRequest::NotPermitted { kind, .. }) => Heard::NotPermitted(kind),
        Request::Bad(BadRequest::NoStls) => Heard::NoStls,
        Request::Bad(BadRequest::Unprotected(kind)) => Heard::Unprotected(kind),
        Request::Bad(BadRequest::TooLong) => Heard::TooLong,
        Request::Bad(BadRequest::TooMuch) => Heard::TooMuch,
    }
}

fn search(name: &str, limits: Limits, lines: &[Line]) {
    let config = ServerConfig::new()
        .stls(true)
        .plaintext_login(limits.plaintext_login)
        .max_refusals(limits.max_refusals)
        .max_response(0)
        .max_before_login(u32::try_from(limits.max_before_login).expect("a small number"));
    let start = Node { server: Server::new(config), model: Model::new(limits), left: Vec::new() };
    let graph = Graph::search(start, key, |node| expand(node, lines));
    let ends = graph.leads_to(|node| node.model.is_over());
    assert!(ends.iter().all(|ends| *ends), "each session can end");
    assert!(graph.nodes.iter().any(|node| node.model.phase == Phase::Over { update: true }));
    sizes::check(name, graph.nodes.len(), graph.edge_count());
}

#[test]
fn every_state_of_a_server() {
    let limits = Limits { plaintext_login: true, max_refusals: 2, max_before_login: 48 };
    search("server", limits, &LINES);
}

#[test]
fn every_state_of_a_server_without_plaintext_logins() {
    let limits = Limits { plaintext_login: false, max_refusals: 2, max_before_login: 48 };
    search("server, TLS only", limits, &LINES);
}

#[test]
fn every_state_of_a_server_with_long_lines() {
    let limits = Limits { plaintext_login: true, max_refusals: 4, max_before_login: LONGEST + 24 };
    let lines = [USER, PASS, QUIT, NOOP, LONG, REST, line("AUTH X\r\n", Meaning::Waiting)];
    search("server, long lines", limits, &lines);
}
