//! A link that cuts, delays and joins what it carries, and that may die.

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
    pub(crate) mouthful: usize,
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
}

/// The server and the way to it.
#[derive(Debug)]
pub(crate) struct Link {
    service: Service<Keyed>,
    maildrop: TestMaildrop,
    exporter: Option<Zeroizing<Vec<u8>>>,
    schedule: Schedule,
    thrown: usize,
}

impl Link {
    pub(crate) fn new(scene: &Scene, schedule: &Schedule) -> Link {
        let maildrop = TestMaildrop::new(&scene.mails, scene.mouthful);
        let keyed = Keyed { maildrop: maildrop.clone(), scram: scene.scram };
        let timestamp = scene.timestamp.then(|| Timestamp::find(TIMESTAMP).unwrap());
        let service = Service::new(keyed, scene.server, timestamp);
        let exporter = scene.exporters.map(|(_, server)| Zeroizing::new(vec![server; 32]));
        let mut link = Link { service, maildrop, exporter, schedule: schedule.clone(), thrown: 0 };
        if scene.server.inside_tls {
            link.bind();
        }
        link
    }

    fn bind(&mut self) {
        if let Some(exporter) = self.exporter.take() {
            self.service.set_channel_binding(exporter);
        }
    }

    /// Returns a number that the schedule chooses.
    pub(crate) fn throw(&mut self) -> u8 {
        self.thrown += 1;
        let throws = &self.schedule.throws;
        if throws.is_empty() { 0 } else { throws[self.thrown % throws.len()] }
    }

    /// Returns how many of `len` octets travel together.
    fn part(&mut self, len: usize) -> usize {
        let part = match self.throw() {
            0 => len,
            few @ 1..=127 => usize::from(few % 5 + 1),
            many => usize::from(many).pow(2) / 8,
        };
        part.min(len)
    }

    /// Carries some of `octets` to the server, and returns how many.
    pub(crate) fn up(&mut self, octets: &[u8]) -> usize {
        if !self.service.wants_read() || octets.is_empty() {
            return 0;
        }
        let len = octets.len().min(self.service.spare().len());
        assert!(len > 0, "there is room where reading is wanted");
        let len = self.part(len).min(self.schedule.life.0);
        self.schedule.life.0 -= len;
        if len > 0 {
            self.service.spare()[..len].copy_from_slice(&octets[..len]);
            self.service.filled(len);
        }
        len
    }

    /// Carries some of the server's octets into `room`, and returns how many.
    pub(crate) fn down(&mut self, room: &mut [u8]) -> usize {
        let pending = self.service.pending().len();
        assert!(pending <= 64 * 1024, "the output is bounded");
        let len = if pending == 0 { 0 } else { self.part(pending.min(room.len())) };
        let len = len.min(self.schedule.life.1);
        self.schedule.life.1 -= len;
        room[..len].copy_from_slice(&self.service.pending()[..len]);
        self.service.written(len);
        len
    }

    /// Checks whether nothing comes down any more.
    pub(crate) fn has_ended(&self) -> bool {
        let (up, down) = self.schedule.life;
        down == 0 || (up == 0 && self.service.pending().is_empty()) || self.service.is_over()
    }

    /// Performs the handshake that the client begins, of no octets.
    pub(crate) fn handshake(&mut self) {
        assert!(self.service.wants_tls());
        self.service.tls_established();
        self.bind();
    }

    pub(crate) const fn service(&self) -> &Service<Keyed> {
        &self.service
    }

    pub(crate) const fn maildrop(&self) -> &TestMaildrop {
        &self.maildrop
    }
}
