//! Drivers for the server's role, which feed octets in chosen pieces.

use pop3_proto::wire::Code;
use pop3_proto::{AnswerError, Command, ProtocolError, Request, Server, ServerConfig, Service, Shape};

use crate::checked_client::Cuts;
use crate::naive_reader::status;

/// Calls `each` with the pieces of `octets`.
fn cut(octets: &[u8], cuts: Cuts, mut each: impl FnMut(&[u8])) {
    let mut random = if let Cuts::Some(seed) = cuts { u32::from(seed) } else { 0 };
    let mut rest = octets;
    while !rest.is_empty() {
        random = random.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        let len = match cuts {
            Cuts::Whole => rest.len(),
            Cuts::Every => 1,
            Cuts::Some(_) => (random >> 16) as usize % 7 + 1,
        };
        let (piece, behind) = rest.split_at(len.min(rest.len()));
        rest = behind;
        each(piece);
    }
}

/// A bare server whose answers depend only on the number of answers before.
#[derive(Debug)]
pub struct CheckedServer<'a> {
    pub server: Server,
    pub inbox: Vec<u8>,
    /// Requests and the answers to them.
    pub heard: Vec<(String, Vec<u8>)>,
    pub error: Option<ProtocolError>,
    /// The text of every answer.
    text: &'a str,
}

impl<'a> CheckedServer<'a> {
    pub fn new(config: ServerConfig, text: &'a str) -> CheckedServer<'a> {
        let mut server = Server::new(config);
        let mut out = Vec::new();
        server.greeting(None, text, &mut out).expect("the greeting is due");
        status(out.strip_suffix(b"\r\n").expect("a line"));
        CheckedServer { server, inbox: Vec::new(), heard: Vec::new(), error: None, text }
    }

    pub fn offer(&mut self, octets: &[u8], cuts: Cuts) {
        cut(octets, cuts, |piece| {
            self.inbox.extend(piece);
            self.work();
        });
    }

    fn work(&mut self) {
        let inbox = std::mem::take(&mut self.inbox);
        let mut input = inbox.as_slice();
        loop {
            let before = input.len();
            match self.server.receive(&mut input) {
                Ok(None) => break,
                Ok(Some(request)) => {
                    assert!(input.len() < before && self.error.is_none(), "a request shortens the input");
                    // Until it is answered, there is no other request, and no octet is taken.
                    let (mut waiting, mut kept) = (self.server.clone(), input);
                    if let Ok(other) = waiting.receive(&mut kept) {
                        assert!(other.is_none() && kept == input && waiting == self.server);
                    }
                    self.answer(&request);
                }
                Err(error) => {
                    assert!(self.error.is_none_or(|first| first == error), "the same error for ever after");
                    self.error = Some(error);
                    assert!(self.server.state().is_over());
                    break;
                }
            }
        }
        self.inbox = input.to_vec();
    }

    fn answer(&mut self, request: &Request<'_>) {
        let (server, mut out) = (&mut self.server, Vec::new());
        let turn = self.heard.len();
        let code = [None, Some(Code::Auth), Some(Code::SysTemp), Some(Code::Other)][turn % 4];
        let refused = match request {
            Request::Bad(bad) => server.err(code, bad, &mut out),
            Request::Response(pop3_proto::wire::Response::Cancel) => {
                assert_eq!(server.ok("", &mut out), Err(AnswerError::NotDue));
                server.err(code, self.text, &mut out)
            }
            Request::Command(Command::Auth { initial_response: None, .. }) => {
                assert_eq!(server.ok("", &mut out), Err(AnswerError::NotDue), "nothing is proved yet");
                server.challenge(b"", &mut out)
            }
            Request::Response(_) if turn.is_multiple_of(3) => server.challenge(self.text.as_bytes(), &mut out),
            // Octets after STLS are fatal, whether or not it is refused; but whether they are there yet depends on the
            // cuts.
            Request::Command(Command::Stls) => server.ok(self.text, &mut out),
            _ if turn % 5 == 4 => server.err(code, self.text, &mut out),
            _ => server.ok(self.text, &mut out),
        };
        // Octets followed STLS: the only answer left is the end of the session.
        if refused == Err(AnswerError::NotDue) && !server.state().is_over() {
            assert!(matches!(request, Request::Command(Command::Stls)), "{request:?}");
        } else {
            refused.expect("each request has an answer");
        }
        if let Some(line) = out.strip_suffix(b"\r\n").filter(|line| !line.starts_with(b"+ ")) {
            status(line);
        }
        match request {
            Request::Command(command) if out.starts_with(b"+OK") && command.kind().shape() != Shape::Single => {
                self.go_on(command.kind().shape(), &mut out);
            }
            _ => {}
        }
        self.heard.push((format!("{request:?}"), out));
    }

    /// Writes the rest of an answer after its `+OK`: a row, or a message.
    fn go_on(&mut self, shape: Shape, out: &mut Vec<u8>) {
        let server = &mut self.server;
        if shape == Shape::Listing {
            let before = out.len();
            match server.row(self.text, out) {
                Ok(()) => assert!(out.len() - before <= 512 && out.ends_with(b"\r\n")),
                Err(error) => assert_eq!((error, out.len()), (AnswerError::TooLong, before)),
            }
        }
        while server.wants_body() && out.len() < 600 {
            let (mut content, mut room) = (&b".\n\r\n\n.a\n"[..], [0; 64]);
            let len = server.body(&mut content, &mut room).expect("it is due");
            out.extend(&room[..len]);
        }
        server.end(out).expect("it is due");
    }
}

/// Puts `octets` into a service, and returns all output, taken up to `gulp` octets at a time.
pub fn serve<M: pop3_proto::serve::Maildrop>(
    service: &mut Service<M>,
    octets: &[u8],
    cuts: Cuts,
    gulp: usize,
) -> Vec<u8> {
    let mut said = Vec::new();
    let mut drain = |service: &mut Service<M>| {
        while !service.pending().is_empty() {
            assert!(service.pending().len() <= 64 * 1024, "the output is bounded");
            let len = service.pending().len().min(gulp);
            said.extend_from_slice(&service.pending()[..len]);
            service.written(len);
        }
    };
    drain(service);
    cut(octets, cuts, |piece| {
        let mut rest = piece;
        while !rest.is_empty() && (service.wants_read() || service.wants_tls()) {
            let spare = service.spare();
            let len = rest.len().min(spare.len());
            assert!(len > 0, "there is room where reading is wanted");
            spare[..len].copy_from_slice(&rest[..len]);
            rest = &rest[len..];
            service.filled(len);
            drain(service);
        }
    });
    said
}
