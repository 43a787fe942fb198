//! Which messages were fetched before, so that they are not fetched again even when they have left the Maildir.
//!
//! A message's mark is a digest of the account and the unique-id. The file `.pop3-seen` has a line for each: the mark, and
//! for human eyes the account and the unique-id. It is written after the messages are safely in the Maildir, and what a
//! run could not write before it was killed, the next one makes up for from the names of the files.

use std::collections::HashSet;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use percent_encoding::{AsciiSet, CONTROLS, percent_encode};
use pop3_blocking::pop3_proto::exchange::OwnedUniqueId;
use sha2::{Digest, Sha256};

use crate::maildir::sync_folder;

/// Whose unique-ids they are: other accounts may have the same ones.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    /// The host, and its port unless that is one of POP3's own.
    pub(crate) server: String,
    pub(crate) user: String,
}

/// Names a message across sessions and accounts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Mark(String);

impl Mark {
    const OCTETS: usize = 16;

    pub(crate) fn new(account: &Account, unique_id: &[u8]) -> Mark {
        let mut digest = Sha256::new();
        for part in [account.server.as_bytes(), account.user.as_bytes(), unique_id] {
            // With its length, so that no two accounts can run into each other.
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        // Half of it is more than accidents can do; a server can do no more than lose its own mail.
        let half = digest.finalize().iter().take(Mark::OCTETS).fold(0, |half, octet| half << 8 | u128::from(*octet));
        Mark(format!("{half:032x}"))
    }

    pub(crate) fn parse(text: &str) -> Option<Mark> {
        let hex = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        (hex && text.len() == 2 * Mark::OCTETS).then(|| Mark(text.to_owned()))
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The marks of all messages that are, or once were, safely in the Maildir.
#[derive(Debug)]
pub(crate) struct Seen {
    file: File,
    marks: HashSet<Mark>,
}

impl Seen {
    /// Reads what earlier runs remembered, and adds what is `on_disk` and they had no time to remember.
    pub(crate) fn open(root: &Path, on_disk: Vec<Mark>) -> io::Result<Seen> {
        let mut how = OpenOptions::new();
        how.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut how, 0o600);
        let mut file = how.open(root.join(".pop3-seen"))?;
        sync_folder(root)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        // A line that a full disk cut short is ended here, so that it spoils no other.
        if !text.is_empty() && !text.ends_with(b"\n") {
            file.write_all(b"\n")?;
        }
        let lines = text.split(|&b| b == b'\n');
        let first_words = lines.filter_map(|line| line.split(|&b| b == b' ').next());
        let marks = first_words.filter_map(|word| std::str::from_utf8(word).ok()).filter_map(Mark::parse).collect();
        let mut seen = Seen { file, marks };
        let forgotten: Vec<_> = on_disk.into_iter().filter(|mark| !seen.marks.contains(mark)).collect();
        let lines: Vec<_> = forgotten.iter().map(Mark::to_string).collect();
        seen.append(&lines, forgotten)?;
        Ok(seen)
    }

    pub(crate) fn contains(&self, mark: &Mark) -> bool {
        self.marks.contains(mark)
    }

    /// Remembers messages of an account, which must be safely on disk.
    pub(crate) fn remember(&mut self, account: &Account, messages: &[(Mark, OwnedUniqueId)]) -> io::Result<()> {
        let lines = messages.iter().map(|(mark, unique_id)| {
            let (server, user) = (escape(account.server.as_bytes()), escape(account.user.as_bytes()));
            format!("{mark} {server} {user} {}", escape(unique_id.as_bytes()))
        });
        self.append(&lines.collect::<Vec<_>>(), messages.iter().map(|(mark, _)| mark.clone()).collect())
    }

    fn append(&mut self, lines: &[String], marks: Vec<Mark>) -> io::Result<()> {
        if marks.is_empty() {
            return Ok(());
        }
        let before = self.file.seek(SeekFrom::End(0))?;
        if let Err(error) =
            self.file.write_all((lines.join("\n") + "\n").as_bytes()).and_then(|()| self.file.sync_all())
        {
            // Only for tidiness: the names of the files tell the same.
            let _ = self.file.set_len(before);
            return Err(error);
        }
        self.marks.extend(marks);
        Ok(())
    }
}

fn escape(octets: &[u8]) -> impl fmt::Display {
    const SPLITTING: &AsciiSet = &CONTROLS.add(b' ').add(b'%');
    percent_encode(octets, SPLITTING)
}
