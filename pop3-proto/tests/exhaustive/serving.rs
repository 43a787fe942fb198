//! A server whose caller answers each request at once.

use pop3_proto::wire::Response;
use pop3_proto::{AnswerError, Command, Kind, ProtocolError, Request, Server, ServerConfig, Shape};

use crate::engine::Role;
use crate::heard::Heard;

/// The answers of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Answers {
    /// Accepts everything that it may accept.
    Accept,
    /// Refuses everything.
    Refuse,
    /// Answers AUTH and each response with a challenge, and accepts everything else.
    Challenge,
}

/// A server, the answers of its caller, and the error that it returned.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Serving {
    server: Server,
    answers: Answers,
    error: Option<ProtocolError>,
}

impl Serving {
    /// Returns a server in AUTHORIZATION.
    pub(crate) fn new(config: ServerConfig, answers: Answers) -> Serving {
        let mut server = Server::new(config);
        server.greeting(None, "", &mut Vec::new()).expect("the greeting is due");
        Serving { server, answers, error: None }
    }

    /// Lets the client send these lines, which the caller accepts, or answers with a challenge.
    pub(crate) fn hears(mut self, lines: &str) -> Serving {
        let answers = std::mem::replace(&mut self.answers, Answers::Challenge);
        let mut input = lines.as_bytes();
        self.read(&mut input, &mut Heard::default());
        assert!(input.is_empty() && self.error.is_none(), "{self:?}");
        Serving { answers, ..self }
    }

    fn answer(&mut self, request: &Request<'_>, out: &mut Vec<u8>) -> Result<(), AnswerError> {
        let kind = match (request, self.answers) {
            (Request::Bad(_) | Request::Response(Response::Cancel), _) | (_, Answers::Refuse) => {
                return self.server.err(None, "", out);
            }
            (Request::Command(Command::Auth { initial_response: None, .. }), _)
            | (Request::Command(Command::Auth { .. }) | Request::Response(_), Answers::Challenge) => {
                return self.server.challenge(b"", out);
            }
            (Request::Command(command), _) => command.kind(),
            (Request::Response(_), _) => Kind::Auth,
        };
        self.server.ok("", out)?;
        if kind.shape() == Shape::Single { Ok(()) } else { self.server.end(out) }
    }
}

impl Role for Serving {
    fn read(&mut self, input: &mut &[u8], heard: &mut Heard) {
        if let Some(error) = self.error {
            assert_eq!(self.server.receive(input).err(), Some(error), "an error is permanent");
            *input = &[];
            return;
        }
        loop {
            let before = input.len();
            match self.server.receive(input) {
                Ok(Some(request)) => {
                    assert!(input.len() < before, "each request consumes octets");
                    let mut out = Vec::new();
                    self.answer(&request, &mut out).expect("the answer is due");
                    // `Debug` hides secrets, and no secret is in an alphabet.
                    heard.note(&format!("{request:?}"), &out);
                }
                Ok(None) => return,
                Err(error) => {
                    heard.note(&format!("{:?}", error.violation()), b"");
                    self.error = Some(error);
                    *input = &[];
                    return;
                }
            }
        }
    }

    fn has_failed(&self) -> bool {
        self.error.is_some()
    }
}
