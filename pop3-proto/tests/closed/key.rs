//! Keys of states: all their fields, as octets, except the counters that only grow or only shrink.

use std::hash::{Hash, Hasher};

use pop3_proto::{Client, Server};

/// The number of answered commands is the second `u64` of a client. A test checks it.
const ANSWERED: u32 = 2;

/// Records everything that is hashed, so that equal keys mean equal fields.
#[derive(Default)]
pub(crate) struct Key {
    octets: Vec<u8>,
    /// Counts down to the `u64` that is left out.
    until_left_out: u32,
    /// The position of the last `u32`.
    last_u32: usize,
}

impl Key {
    pub(crate) fn add(mut self, fields: &impl Hash) -> Key {
        fields.hash(&mut self);
        self
    }

    /// Adds a client without the number of answered commands. Nothing depends on this number but the tickets, which are
    /// checked at each edge.
    pub(crate) fn add_client(mut self, client: &Client) -> Key {
        self.until_left_out = ANSWERED;
        let key = self.add(client);
        assert_eq!(key.until_left_out, 0);
        key
    }

    /// Adds a server without the number of octets that the client may still send before the login. It must not become 0
    /// in the search: then nothing depends on it. It is the last `u32` of a server, which a test checks.
    pub(crate) fn add_server(self, server: &Server) -> Key {
        let mut key = self.add(server);
        key.octets.drain(key.last_u32..key.last_u32 + 4);
        key
    }

    pub(crate) fn octets(self) -> Vec<u8> {
        self.octets
    }
}

impl Hasher for Key {
    fn write(&mut self, octets: &[u8]) {
        self.octets.extend_from_slice(octets);
    }

    fn write_u32(&mut self, number: u32) {
        self.last_u32 = self.octets.len();
        self.write(&number.to_ne_bytes());
    }

    fn write_u64(&mut self, number: u64) {
        if self.until_left_out == 1 {
            self.until_left_out = 0;
            return;
        }
        self.until_left_out = self.until_left_out.saturating_sub(1);
        self.write(&number.to_ne_bytes());
    }

    fn finish(&self) -> u64 {
        unimplemented!("a key is compared as a whole")
    }
}

#[cfg(test)]
mod tests {
    use pop3_proto::{Command, Config, ServerConfig};

    use super::*;

    /// Returns a client that has `answered` answers, and waits for one more.
    fn after(answered: usize) -> Client {
        let mut client = Client::new(Config::new());
        client.receive(&mut &b"+OK\r\n"[..]).expect("a greeting");
        for _ in 0..answered {
            client.send(Command::Capa, &mut Vec::new()).expect("CAPA is permitted");
            client.receive(&mut &b"-ERR\r\n"[..]).expect("a refusal");
        }
        client.send(Command::Capa, &mut Vec::new()).expect("CAPA is permitted");
        client
    }

    /// Returns a server in AUTHORIZATION that has answered LANG as often.
    fn answered(times: usize) -> Server {
        let mut server = Server::new(ServerConfig::new());
        let mut out = Vec::new();
        server.greeting(None, "", &mut out).expect("a greeting is due");
        for _ in 0..times {
            assert!(server.receive(&mut &b"LANG de\r\n"[..]).is_ok_and(|request| request.is_some()));
            server.ok("", &mut out).expect("an answer is due");
        }
        server
    }

    #[test]
    fn a_key_leaves_out_the_allowance_and_nothing_else() {
        let key = |server: &Server| Key::default().add_server(server).octets();
        let whole = |server: &Server| Key::default().add(server).octets();
        assert_ne!(answered(1), answered(300));
        assert_eq!(key(&answered(1)), key(&answered(300)));
        assert_eq!(whole(&answered(1)).len(), key(&answered(1)).len() + 4);
    }

    #[test]
    fn a_key_leaves_out_the_number_of_answers_and_nothing_else() {
        let key = |client: &Client| Key::default().add_client(client).octets();
        let whole = |client: &Client| Key::default().add(client).octets();
        assert_eq!(key(&after(0)), key(&after(1)));
        assert_eq!(key(&after(0)), key(&after(300)));
        assert_ne!(after(0), after(1));
        // The two whole keys differ in one number of eight octets, and only there.
        let (none, many) = (whole(&after(0)), whole(&after(300)));
        assert_eq!(none.len(), key(&after(0)).len() + 8);
        let differs: Vec<_> = (0..none.len()).filter(|at| none[*at] != many[*at]).collect();
        assert!(differs.len() <= 8 && differs.last().unwrap() - differs[0] < 8, "{differs:?}");
    }
}
