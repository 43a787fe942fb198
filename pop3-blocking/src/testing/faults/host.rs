//! The server at the other end of the wire, with TLS or without.

use pop3_proto::Service;

use super::encryption::Encryption;
use super::maildrop::{Removed, Scene, Watched};

/// Octets in, octets out.
#[derive(Debug)]
pub(super) struct Host {
    service: Service<Watched>,
    scene: Scene,
    tls: Option<Encryption>,
    /// Octets that are to be sent.
    out: Vec<u8>,
}

/// The octets that a host sends.
pub(super) struct Said {
    pub(super) octets: Vec<u8>,
    /// The plaintext of the octets, and how many of them a client must have to know it.
    pub(super) plaintext: Vec<u8>,
    pub(super) known: usize,
}

impl Host {
    pub(super) fn new(scene: &Scene) -> (Host, Removed) {
        let (service, removed) = scene.serve();
        let tls = scene.protection.as_ref().filter(|protection| !protection.stls).map(Encryption::new);
        let mut host = Host { service, scene: scene.clone(), tls, out: Vec::new() };
        host.speak();
        (host, removed)
    }

    pub(super) fn hear(&mut self, octets: &[u8]) {
        let Some(tls) = &mut self.tls else { return self.serve(octets) };
        let plaintext = tls.decrypt(octets);
        if tls.is_established() && self.service.wants_tls() {
            self.service.tls_established();
        }
        self.serve(&plaintext);
    }

    fn serve(&mut self, mut octets: &[u8]) {
        while !octets.is_empty() && self.service.wants_read() {
            let space = self.service.spare();
            let len = octets.len().min(space.len());
            space[..len].copy_from_slice(&octets[..len]);
            self.service.filled(len);
            octets = &octets[len..];
            self.speak();
        }
    }

    fn speak(&mut self) {
        while !self.service.pending().is_empty() {
            let mut said = self.service.pending().to_vec();
            self.service.written(said.len());
            // The answer to CAPA is said at once, so the word is never cut here.
            let word = b"PIPELINING";
            if let Some(at) = said.windows(word.len()).position(|run| run == word).filter(|_| !self.scene.pipelining) {
                said[at] = b'X';
            }
            match &mut self.tls {
                Some(tls) => tls.encrypt(&said),
                None => self.out.extend(said),
            }
        }
    }

    pub(super) fn say(&mut self) -> Said {
        if let Some(tls) = &mut self.tls {
            return tls.take(self.service.is_over());
        }
        let octets = std::mem::take(&mut self.out);
        if self.service.wants_tls() {
            self.tls = self.scene.protection.as_ref().map(Encryption::new);
        }
        Said { octets, plaintext: Vec::new(), known: 0 }
    }

    pub(super) fn is_over(&self) -> bool {
        self.service.is_over() || self.tls.as_ref().is_some_and(|tls| tls.is_broken)
    }
}
