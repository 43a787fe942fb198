//! The record of stored messages, which are not fetched again. Only stored messages may be deleted.
//!
//! RFC 1939, section 7, guarantees that a unique-id names one message while that message exists. It guarantees nothing
//! after that, and some servers break even this guarantee. A mark therefore has states:
//!
//! - A mark is **written** when its message is safely in the Maildir and a later check has shown that the server's
//!   answers fit the commands.
//! - It is **trusted** while every later complete listing of unique-ids contains its id once, and the scan listing
//!   contains the recorded size. Only then does the message count as already here without a download.
//! - It becomes **absent** when a complete listing does not contain its id, and **doubtful** when the size differs, the
//!   id names two messages, the header differs from the recorded one, or the result of a QUIT that was to delete the
//!   message is unknown. A message whose mark is not trusted is downloaded again. If the octets are the same, they are
//!   not delivered a second time, and the mark is trusted again. If they differ, the message is new.
//! - It **ends** when a QUIT that deleted its message was answered by `+OK`, or when the message is no longer listed
//!   after a QUIT whose result is unknown. The same id then names a new message.
//!
//! | Unique-ids that | Treatment |
//! |---|---|
//! | return after an absence (reused, or a mailbox listed in portions) | the mark is absent: download and compare |
//! | are chosen by the sender (such as a Message-ID) | size, header and octets distinguish the messages |
//! | are the same for two messages, or empty | these messages are nameless |
//! | change all at once (the mailbox was moved) | octets of an absent mark are the same message: its mark moves too |
//!
//! A message is **nameless** if its unique-id is missing, empty, or also another message's. It is downloaded in every
//! run. It is deleted only on request (`--no-uidl`), in the session that stored it. Its mark is made from its octets:
//! if this account has stored the same octets before, under any mark that has not ended, they are not stored again. So
//! nameless messages with the same octets share one file.
//!
//! A crash at any moment, also a loss of power, neither loses nor duplicates mail. Before a message is in `new/`,
//! nothing refers to it. A message in `new/` that is not recorded here has its mark in its file's name: it is
//! downloaded again, and the octets are compared with the file. A mark that should have ended, and has not, is absent
//! in the next listing.
//!
//! The file `.pop3-seen` begins with its version. Each line after it is a letter and a mark: `S`tored (with the time,
//! the size as listed, the digests of the octets and of the header, the account, and for human readers the unique-id),
//! `A`bsent, `U`ntrusted, `K`nown again, `Q`uit was sent, `E`nded, and `T`rouble (with the account): the session broke
//! while the message was requested, or the message could not be written. The troubles of nameless messages are counted
//! for all of the same size, since nothing else is known before they are received. A mark that is absent or has ended
//! has no troubles.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use pop3_blocking::pop3_proto::drive::OwnedUniqueId;

use crate::digest::{Sum, Sums};
use crate::maildir::{private, sync_folder};
use crate::mark::{Account, Mark};

const VERSION: &str = "pop3-seen 2\n";
const UNKNOWN: &str = ".pop3-seen does not have the format of this version: move it away, and the messages in the \
                       Maildir will be recognized by their octets";

/// The state of a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    Trusted,
    /// A complete listing did not contain the id.
    Absent,
    Doubtful,
    /// A QUIT was sent to delete the message.
    Quitting,
}

/// The record of a stored message.
#[derive(Clone, Debug)]
struct Record {
    trust: Trust,
    /// The time when it was stored, in seconds since 1970.
    time: u64,
    /// The size in the scan listing, in octets.
    size: u64,
    sums: Sums,
    is_ours: bool,
    line: String,
}

/// The troubles of a message since it was last stored.
#[derive(Clone, Debug)]
struct Troubles {
    times: u32,
    is_ours: bool,
    line: String,
}

/// A message that is safely on disk.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) mark: Mark,
    /// `None` if it is nameless.
    pub(crate) unique_id: Option<OwnedUniqueId>,
    /// The size in the scan listing, in octets.
    pub(crate) size: u64,
    pub(crate) sums: Sums,
    /// The time when it was stored first, in seconds since 1970.
    pub(crate) time: u64,
}

/// A change of a mark's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Absent,
    Doubtful,
    Known,
    Quitting,
    Ended,
}

impl Change {
    const ALL: [Change; 5] = [Change::Absent, Change::Doubtful, Change::Known, Change::Quitting, Change::Ended];

    const fn letter(self) -> &'static str {
        match self {
            Change::Absent => "A",
            Change::Doubtful => "U",
            Change::Known => "K",
            Change::Quitting => "Q",
            Change::Ended => "E",
        }
    }
}

/// The marks of all messages stored in this Maildir.
#[derive(Debug)]
pub(crate) struct Seen {
    /// `None` if nothing is to be written.
    file: Option<File>,
    account: String,
    records: HashMap<Mark, Record>,
    troubles: HashMap<Mark, Troubles>,
    /// The marks of this account that are absent, by the digest of the octets.
    absent: HashMap<Sum, Mark>,
    /// The number of marks of this account, by the digest of the octets.
    octets: HashMap<Sum, usize>,
}

impl Seen {
    /// Reads the records of earlier runs.
    pub(crate) fn open(root: &Path, account: &Account) -> io::Result<Seen> {
        let path = root.join(".pop3-seen");
        let mut file = private(OpenOptions::new().read(true).append(true).create(true)).open(&path)?;
        sync_folder(root)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        if is_unwritten(&text) {
            file.set_len(0)?;
            file.write_all(VERSION.as_bytes())?;
        } else if !text.starts_with(VERSION.as_bytes()) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, UNKNOWN));
        } else if !text.ends_with(b"\n") {
            // Ends a line that a full disk truncated, so that it does not corrupt the next one.
            file.write_all(b"\n")?;
        }
        // What was read counts as safely on disk, even if a killed run did not sync it. Without this, the next lines
        // may survive a loss of power that the first one does not.
        file.sync_all()?;
        let mut seen = Seen::new(Some(file), account);
        let lines = seen.read_all(&text);
        if lines > 2 * seen.records.len() + 1000 {
            seen.compact(root, &path)?;
        }
        Ok(seen)
    }

    /// Reads the records of earlier runs, and writes nothing, now or later.
    pub(crate) fn look(root: &Path, account: &Account) -> io::Result<Seen> {
        let mut text = Vec::new();
        match private(OpenOptions::new().read(true)).open(root.join(".pop3-seen")) {
            Ok(mut file) => _ = file.read_to_end(&mut text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        if !text.starts_with(VERSION.as_bytes()) && !is_unwritten(&text) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, UNKNOWN));
        }
        let mut seen = Seen::new(None, account);
        seen.read_all(&text);
        Ok(seen)
    }

    fn new(file: Option<File>, account: &Account) -> Seen {
        let account = format!("{} {}", escape(account.server.as_bytes()), escape(account.user.as_bytes()));
        Seen {
            file,
            account,
            records: HashMap::new(),
            troubles: HashMap::new(),
            absent: HashMap::new(),
            octets: HashMap::new(),
        }
    }

    /// Parses the lines after the version. Returns their number.
    fn read_all(&mut self, text: &[u8]) -> usize {
        let lines = text.split(|&octet| octet == b'\n').skip(1).filter_map(|line| std::str::from_utf8(line).ok());
        lines.inspect(|line| self.read(line)).count()
    }

    /// Parses a line. An invalid line was truncated, and is ignored.
    fn read(&mut self, line: &str) {
        let mut words = line.split(' ');
        let (letter, mark) = (words.next().unwrap_or_default(), words.next().and_then(Mark::parse));
        let Some(mark) = mark else { return };
        if letter == "S" {
            let mut word = || words.next();
            let (time, size, whole, header) = (word(), word(), word(), word());
            let account = [word(), word()];
            let (Some(size), Some(whole), Some(header), [Some(server), Some(user)], Some(_)) = (
                size.and_then(|size| size.parse().ok()),
                whole.and_then(Sum::parse),
                header.and_then(Sum::parse),
                account,
                word(),
            ) else {
                return;
            };
            let is_ours = self.is_ours(server, user);
            // A message whose time is unknown is never old.
            let time = time.and_then(|time| time.parse().ok()).unwrap_or(u64::MAX);
            let (sums, line) = (Sums { whole, header }, line.to_owned());
            let record = Record { trust: Trust::Trusted, time, size, sums, is_ours, line };
            self.put(mark, record);
        } else if letter == "T" {
            let (Some(server), Some(user)) = (words.next(), words.next()) else { return };
            self.add_trouble(mark, self.is_ours(server, user), line.to_owned());
        } else if let Some(change) = Change::ALL.into_iter().find(|change| change.letter() == letter) {
            self.apply(&mark, change);
        }
    }

    fn is_ours(&self, server: &str, user: &str) -> bool {
        self.account.split_once(' ') == Some((server, user))
    }

    fn add_trouble(&mut self, mark: Mark, is_ours: bool, line: String) {
        self.troubles.entry(mark).or_insert(Troubles { times: 0, is_ours, line }).times += 1;
    }

    fn put(&mut self, mark: Mark, record: Record) {
        self.troubles.remove(&mark);
        self.remove(&mark);
        if record.is_ours {
            *self.octets.entry(record.sums.whole).or_default() += 1;
        }
        self.records.insert(mark, record);
    }

    fn remove(&mut self, mark: &Mark) {
        self.take_from_absent(mark);
        let Some(record) = self.records.remove(mark).filter(|record| record.is_ours) else { return };
        if let Some(marks) = self.octets.get_mut(&record.sums.whole) {
            *marks -= 1;
        }
    }

    fn take_from_absent(&mut self, mark: &Mark) {
        if let Some(record) = self.records.get(mark) {
            if self.absent.get(&record.sums.whole) == Some(mark) {
                self.absent.remove(&record.sums.whole);
            }
        }
    }

    fn apply(&mut self, mark: &Mark, change: Change) {
        self.take_from_absent(mark);
        if matches!(change, Change::Absent | Change::Ended) {
            self.troubles.remove(mark);
        }
        let trust = match change {
            Change::Ended => return self.remove(mark),
            Change::Absent => Trust::Absent,
            Change::Doubtful => Trust::Doubtful,
            Change::Known => Trust::Trusted,
            Change::Quitting => Trust::Quitting,
        };
        if let Some(record) = self.records.get_mut(mark) {
            record.trust = trust;
            if trust == Trust::Absent && record.is_ours {
                self.absent.insert(record.sums.whole, mark.clone());
            }
        }
    }

    /// Rewrites the file without obsolete lines.
    fn compact(&mut self, root: &Path, path: &PathBuf) -> io::Result<()> {
        let mut text = VERSION.to_owned();
        for (mark, record) in &self.records {
            text.extend([record.line.as_str(), "\n"]);
            let change = match record.trust {
                Trust::Trusted => continue,
                Trust::Absent => Change::Absent,
                Trust::Doubtful => Change::Doubtful,
                Trust::Quitting => Change::Quitting,
            };
            text.extend([line_of(mark, change).as_str(), "\n"]);
        }
        for Troubles { times, line, .. } in self.troubles.values() {
            text += &format!("{line}\n").repeat(*times as usize);
        }
        let new = root.join(".pop3-seen.new");
        if let Err(error) = fs::remove_file(&new) {
            if error.kind() != io::ErrorKind::NotFound {
                return Err(error);
            }
        }
        let mut file = private(OpenOptions::new().read(true).append(true).create_new(true)).open(&new)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all())?;
        fs::rename(&new, path)?;
        sync_folder(root)?;
        self.file = Some(file);
        Ok(())
    }

    pub(crate) fn trust(&self, mark: &Mark) -> Option<Trust> {
        self.records.get(mark).map(|record| record.trust)
    }

    pub(crate) fn sums(&self, mark: &Mark) -> Option<Sums> {
        self.records.get(mark).map(|record| record.sums)
    }

    /// Returns the time when the message was stored, in seconds since 1970.
    pub(crate) fn time(&self, mark: &Mark) -> Option<u64> {
        self.records.get(mark).map(|record| record.time)
    }

    pub(crate) fn size(&self, mark: &Mark) -> Option<u64> {
        self.records.get(mark).map(|record| record.size)
    }

    /// Returns the number of times that the message made trouble.
    pub(crate) fn troubles(&self, mark: &Mark) -> u32 {
        self.troubles.get(mark).map_or(0, |troubles| troubles.times)
    }

    /// Returns `true` if a message of this account with these octets was stored, under any mark.
    pub(crate) fn has_octets(&self, whole: &Sum) -> bool {
        self.octets.get(whole).is_some_and(|marks| *marks > 0)
    }

    /// Returns the absent mark of this account with these octets.
    pub(crate) fn absent_with(&self, whole: &Sum) -> Option<&Mark> {
        self.absent.get(whole)
    }

    /// Returns the marks of this account that made trouble.
    pub(crate) fn troubled(&self) -> impl Iterator<Item = &Mark> {
        self.troubles.iter().filter(|(_, troubles)| troubles.is_ours).map(|(mark, _)| mark)
    }

    /// Returns the marks of this account and their states.
    pub(crate) fn ours(&self) -> impl Iterator<Item = (&Mark, Trust)> {
        self.records.iter().filter(|(_, record)| record.is_ours).map(|(mark, record)| (mark, record.trust))
    }

    /// Records messages, which must be safely on disk.
    pub(crate) fn remember(&mut self, messages: &[Stored]) -> io::Result<()> {
        let line = |Stored { mark, unique_id, size, sums, time }: &Stored| {
            let (whole, header, account) = (sums.whole, sums.header, &self.account);
            let unique_id = unique_id.as_ref().map(|id| escape(id.as_bytes())).unwrap_or_default();
            format!("S {mark} {time} {size} {whole} {header} {account} {unique_id}")
        };
        let lines: Vec<_> = messages.iter().map(line).collect();
        self.append(&lines)?;
        for (Stored { mark, size, sums, time, .. }, line) in messages.iter().zip(lines) {
            let record = Record { trust: Trust::Trusted, time: *time, size: *size, sums: *sums, is_ours: true, line };
            self.put(mark.clone(), record);
        }
        Ok(())
    }

    /// Records changes of marks.
    pub(crate) fn change(&mut self, changes: &[(Mark, Change)]) -> io::Result<()> {
        let lines: Vec<_> = changes.iter().map(|(mark, change)| line_of(mark, *change)).collect();
        self.append(&lines)?;
        for (mark, change) in changes {
            self.apply(mark, *change);
        }
        Ok(())
    }

    /// Records that a message made trouble. Without its sync, a loss of power could only change the order of the next
    /// run; it is the only one that protects no message.
    pub(crate) fn trouble(&mut self, mark: Mark) -> io::Result<()> {
        let line = format!("T {mark} {}", self.account);
        self.append(std::slice::from_ref(&line))?;
        self.add_trouble(mark, true, line);
        Ok(())
    }

    fn append(&mut self, lines: &[String]) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        let before = file.seek(SeekFrom::End(0))?;
        let written = file.write_all((lines.join("\n") + "\n").as_bytes()).and_then(|()| file.sync_all());
        written.inspect_err(|_| {
            // Not required, since a truncated line is ignored.
            let _ = file.set_len(before);
        })
    }
}

/// Returns `true` if the file is new, or the first line was not written completely: a full disk truncated it, or the
/// power failed when the length was on disk and the octets were not.
fn is_unwritten(text: &[u8]) -> bool {
    let version = VERSION.as_bytes();
    text.len() <= version.len() && text != version && text.iter().zip(version).all(|(a, b)| *a == 0 || a == b)
}

fn line_of(mark: &Mark, change: Change) -> String {
    format!("{} {mark}", change.letter())
}

/// Returns the octets as a word of a line: all that is not a visible character of ASCII is percent-encoded.
fn escape(octets: &[u8]) -> String {
    let mut word = String::with_capacity(octets.len());
    for &octet in octets {
        if octet.is_ascii_graphic() && octet != b'%' {
            word.push(char::from(octet));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(word, "%{octet:02X}");
        }
    }
    word
}
