//! A client and the events that it hears, for tests that read as conversations.

use pop3_proto::{Client, Command, Config, Event, ProtocolError, Ticket};

/// A client, the server's octets that it has not taken, and all events as text.
#[derive(Clone, Debug)]
pub(crate) struct Talk {
    pub(crate) client: Client,
    pub(crate) sent: Vec<u8>,
    pub(crate) left: Vec<u8>,
    pub(crate) heard: Vec<String>,
    pub(crate) error: Option<ProtocolError>,
}

impl Talk {
    pub(crate) fn new(config: Config) -> Talk {
        Talk { client: Client::new(config), sent: vec![], left: vec![], heard: vec![], error: None }
    }

    /// Returns a client in AUTHORIZATION.
    pub(crate) fn greeted(config: Config) -> Talk {
        let mut talk = Talk::new(config);
        talk.server("+OK ready\r\n");
        talk
    }

    /// Returns a client in TRANSACTION; the tickets 0 and 1 are answered.
    pub(crate) fn logged_in(config: Config) -> Talk {
        let mut talk = Talk::greeted(config);
        talk.client(Command::User("mrose"));
        talk.client(Command::Pass("tanstaaf"));
        talk.server("+OK\r\n+OK\r\n");
        talk
    }

    /// Sends a command, which must be permitted.
    pub(crate) fn client(&mut self, command: Command<'_>) -> Ticket {
        self.client.send(command, &mut self.sent).unwrap_or_else(|rejected| panic!("{command}: {rejected}"))
    }

    /// Makes the server say this, and returns the events, bodies joined. An error ends them, and is text too.
    pub(crate) fn server(&mut self, octets: impl AsRef<[u8]>) -> Vec<String> {
        let from = self.heard.len();
        self.left.extend(octets.as_ref());
        let inbox = std::mem::take(&mut self.left);
        let mut input = inbox.as_slice();
        while self.error.is_none() {
            match self.client.receive(&mut input) {
                Ok(Some(event)) => self.note(event),
                Ok(None) => break,
                Err(error) => {
                    self.heard.push(format!("error: {:?}", error.violation()));
                    self.error = Some(error);
                }
            }
        }
        self.left = input.to_vec();
        self.heard[from.min(self.heard.len())..].to_vec()
    }

    fn note(&mut self, event: Event<'_>) {
        let text = match event {
            Event::Greeting(greeting) => format!("greeting {}", greeting.text()),
            Event::NoService(refusal) => format!("no service {}", refusal.text()),
            Event::Ok { to, reply } => format!("{to:?} ok {}", reply.text()).trim_end().to_owned(),
            Event::Refused { to, refusal } => format!("{to:?} refused {}", refusal.text()).trim_end().to_owned(),
            Event::Challenge { to, challenge } => format!("{to:?} challenge of {}", challenge.encoded_len()),
            Event::Row { to, row } => format!("{to:?} row {}", row.as_bytes().escape_ascii()),
            Event::End { to } => format!("{to:?} end"),
            Event::StartTls { to } => format!("{to:?} starts TLS"),
            Event::Body { to, bytes } => {
                assert!(!bytes.is_empty());
                let (body, more) = (format!("{to:?} body "), bytes.escape_ascii().to_string());
                match self.heard.last_mut() {
                    Some(last) if last.starts_with(&body) => return last.push_str(&more),
                    _ => body + &more,
                }
            }
        };
        self.heard.push(text);
    }
}
