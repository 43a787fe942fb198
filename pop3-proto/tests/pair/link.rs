//! A link that cuts, delays and joins octets, and that may fail.

use pop3_proto::testing::link;
use pop3_proto::testing::link::{Direction, Line, Responder};
use pop3_proto::wire::Timestamp;
use pop3_proto::{ServerConfig, Service};
use zeroize::Zeroizing;

use crate::keyed::Keyed;
use crate::maildrop::{Mail, TestMaildrop};

pub(crate) const TIMESTAMP: &[u8] = b"<1896.697170952@dbc.mtview.ca.us>";

/// The state before either side speaks.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) mails: Vec<Mail>,
    pub(crate) max_read: usize,
    pub(crate) server: ServerConfig,
    /// Offers APOP.
    pub(crate) timestamp: bool,
    /// Offers SCRAM. Each side takes its octet of `exporters` for the `tls-exporter` inside TLS.
    pub(crate) scram: bool,
    pub(crate) exporters: Option<(u8, u8)>,
}

impl Scene {
    /// Returns the channel binding that the client may use in its proof.
    pub(crate) fn exporter(&self) -> Option<Zeroizing<Vec<u8>>> {
        self.exporters.map(|(client, _)| Zeroizing::new(vec![client; 32]))
    }

    pub(crate) fn mail(&self, number: u32) -> Option<&Mail> {
        self.mails.get(number as usize - 1)
    }
}

/// The behaviour of the link. With no throws, it neither cuts nor delays.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    pub(crate) throws: Vec<u8>,
    /// The number of octets that the link carries to the server and to the client.
    pub(crate) life: (usize, usize),
}

impl Schedule {
    pub(crate) const IDEAL: Schedule = Schedule { throws: Vec::new(), life: (usize::MAX, usize::MAX) };

    pub(crate) fn dies(&self) -> bool {
        self.life != Schedule::IDEAL.life
    }

    fn of_link(&self) -> link::Schedule {
        let sizes: Vec<_> = self.throws.iter().map(|throw| size(*throw)).collect();
        let direction = |life| {
            let direction = Direction::new().cuts(sizes.clone()).writes(sizes.clone());
            if life == usize::MAX { direction } else { direction.end_after(life as u64) }
        };
        link::Schedule::new().to_server(direction(self.life.0)).to_client(direction(self.life.1))
    }
}

/// Returns how many octets travel together.
fn size(throw: u8) -> usize {
    match throw {
        0 => usize::MAX,
        few @ 1..=127 => usize::from(few % 5 + 1),
        many => usize::from(many).pow(2) / 8,
    }
}

/// A server whose handshake has no octets: the client says when it is done.
#[derive(Debug)]
struct Unencrypted(Service<Keyed>);

impl Responder for Unencrypted {
    fn spare(&mut self) -> &mut [u8] {
        if self.0.wants_read() { self.0.spare() } else { &mut [] }
    }

    fn filled(&mut self, len: usize) {
        self.0.filled(len);
        assert!(self.0.pending().len() <= 64 * 1024, "the output is bounded");
    }

    fn pending(&self) -> &[u8] {
        self.0.pending()
    }

    fn written(&mut self, len: usize) {
        self.0.written(len);
    }

    fn is_over(&self) -> bool {
        self.0.is_over()
    }
}

/// The server and the way to it.
#[derive(Debug)]
pub(crate) struct Link {
    line: Line<Unencrypted>,
    maildrop: TestMaildrop,
    exporter: Option<Zeroizing<Vec<u8>>>,
    throws: Vec<u8>,
    thrown: usize,
    /// The client has read the end of the stream.
    has_ended: bool,
}

impl Link {
    pub(crate) fn new(scene: &Scene, schedule: &Schedule) -> Link {
        let maildrop = TestMaildrop::new(&scene.mails, scene.max_read);
        let keyed = Keyed { maildrop: maildrop.clone(), scram: scene.scram };
        let timestamp = scene.timestamp.then(|| Timestamp::find(TIMESTAMP).unwrap());
        let service = Service::new(keyed, scene.server, timestamp);
        let exporter = scene.exporters.map(|(_, server)| Zeroizing::new(vec![server; 32]));
        let throws = schedule.throws.clone();
        let line = Line::new(Unencrypted(service), schedule.of_link());
        let mut it = Link { line, maildrop, exporter, throws, thrown: 0, has_ended: false };
        if scene.server.inside_tls {
            it.bind();
        }
        it
    }

    fn bind(&mut self) {
        if let Some(exporter) = self.exporter.take() {
            self.line.responder_mut().0.set_channel_binding(exporter);
        }
    }

    /// Returns a number that the schedule chooses.
    pub(crate) fn throw(&mut self) -> u8 {
        self.thrown += 1;
        let throws = &self.throws;
        if throws.is_empty() { 0 } else { throws[self.thrown % throws.len()] }
    }

    /// Carries some of `octets` to the server, and returns how many. If it carries none, the server waits until more is
    /// read, or the link is dead.
    pub(crate) fn up(&mut self, octets: &[u8]) -> usize {
        self.line.write(octets).unwrap_or(0)
    }

    /// Carries some of the server's octets into `room`, and returns how many.
    pub(crate) fn down(&mut self, room: &mut [u8]) -> usize {
        let read = self.line.read(room);
        self.has_ended |= read == Ok(0);
        read.unwrap_or(0)
    }

    /// Checks whether nothing comes down any more.
    pub(crate) const fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Performs the handshake that the client begins, of no octets.
    pub(crate) fn handshake(&mut self) {
        let service = &mut self.line.responder_mut().0;
        assert!(service.wants_tls());
        service.tls_established();
        self.bind();
    }

    pub(crate) const fn service(&self) -> &Service<Keyed> {
        &self.line.responder().0
    }

    pub(crate) const fn maildrop(&self) -> &TestMaildrop {
        &self.maildrop
    }
}
