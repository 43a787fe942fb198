//! The next run after a crash, and the conditions that hold before and after it.

use std::collections::HashMap;
use std::fs;
use std::sync::{Arc, Mutex};

use pop3_blocking::pop3_proto::ServerConfig;
use pop3_blocking::pop3_proto::serve::MailStore;

use super::disk::{Tree, plant};
use crate::support::{Home, PASSWORD, Server, listen, mail};

pub(super) const MAILDIR: &str = "a/mail";

/// A message: its unique-id, and its octets.
pub(super) type Message = (String, Vec<u8>);

/// What is true outside the disk when the next run begins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct World {
    /// The messages that must be in the Maildir or on the server, and afterwards only in the Maildir.
    pub(super) owed: Vec<Vec<u8>>,
    /// The messages on the server.
    pub(super) there: Vec<Message>,
    /// The messages that a reader took out of the Maildir, and that must not return.
    pub(super) taken: Vec<Vec<u8>>,
}

/// A server for all runs, so that the account is always the same, and the verdicts so far.
pub(super) struct Judge {
    store: Arc<Mutex<MailStore>>,
    server: Server,
    verdicts: HashMap<(Tree, World), Result<(), String>>,
}

impl Judge {
    pub(super) fn new() -> Judge {
        let store = Arc::new(Mutex::new(MailStore::new()));
        let current = Arc::clone(&store);
        let server = listen(move |stream, _| {
            let maildrop = current.lock().unwrap().maildrop();
            // The next connection waits until the lock of this one is released.
            // How the connection of a killed run ends does not matter.
            let _ = pop3_blocking::serve(stream, maildrop, ServerConfig::new().plaintext_login(true));
        });
        Judge { store, server, verdicts: HashMap::new() }
    }

    pub(super) fn url(&self) -> String {
        self.server.quick_url()
    }

    /// Returns the number of different crashes that were judged.
    pub(super) fn verdicts(&self) -> usize {
        self.verdicts.len()
    }

    /// Makes these the messages on the server.
    pub(super) fn fill(&self, there: &[Message]) {
        let store = MailStore::new();
        store.add_user("u", PASSWORD);
        for (unique_id, octets) in there {
            assert!(store.deliver_as("u", unique_id, octets));
        }
        *self.store.lock().unwrap() = store;
    }

    /// Returns the messages on the server.
    pub(super) fn there(&self) -> Vec<Vec<u8>> {
        self.store.lock().unwrap().messages("u").iter().map(|message| message.to_vec()).collect()
    }

    /// Returns what is lost, doubled or torn, now or after the next run.
    pub(super) fn judge(&mut self, mut tree: Tree, world: &World) -> Result<(), String> {
        tree.retain(|path, octets| {
            let is_delivered = ["new", "cur"].iter().any(|folder| path.starts_with(&format!("{MAILDIR}/{folder}/")));
            !(is_delivered && octets.as_ref().is_some_and(|octets| world.taken.contains(octets)))
        });
        // Files in `tmp/` are never opened again, as the record checks.
        for (_, octets) in tree.iter_mut().filter(|(path, _)| path.starts_with(&format!("{MAILDIR}/tmp/"))) {
            *octets = Some(Vec::new());
        }
        let case = (tree, world.clone());
        if let Some(verdict) = self.verdicts.get(&case) {
            return verdict.clone();
        }
        let verdict = self.next_run(&case.0, world);
        self.verdicts.insert(case, verdict.clone());
        verdict
    }

    fn next_run(&self, tree: &Tree, world: &World) -> Result<(), String> {
        let home = Home::in_memory();
        plant(tree, &home.path(""));
        let here = mail(&home.path(MAILDIR));
        let mut once = here.clone();
        once.dedup();
        for message in &here {
            let is_whole = world.owed.contains(message);
            ensure(is_whole, || format!("no message, but in the Maildir: {}", message.escape_ascii()))?;
        }
        ensure(once.len() == here.len(), || "a message is in the Maildir twice".to_owned())?;
        for message in &world.owed {
            let is_there = world.there.iter().any(|(_, octets)| octets == message);
            let is_safe = is_there || here.contains(message);
            ensure(is_safe, || format!("neither here nor there: {}", message.escape_ascii()))?;
        }

        self.fill(&world.there);
        let ended = home.run(&["--plaintext", &self.url(), "fetch", MAILDIR, "--delete"]);
        ensure(ended.status == Some(0), || format!("the next run failed: {}", ended.said))?;
        let (here, mut owed) = (mail(&home.path(MAILDIR)), world.owed.clone());
        owed.sort();
        ensure(here == owed, || {
            let show = |messages: &[Vec<u8>]| messages.concat().escape_ascii().to_string();
            format!("after the next run: {} instead of {}", show(&here), show(&owed))
        })?;
        ensure(self.there().is_empty(), || "a message is still on the server".to_owned())?;
        // Otherwise the second crash would be less than the first.
        let tmp = home.path(MAILDIR).join("tmp");
        ensure(fs::read_dir(tmp).unwrap().count() == 0, || "a half-written message is left".to_owned())
    }
}

fn ensure(is_so: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if is_so { Ok(()) } else { Err(why()) }
}
