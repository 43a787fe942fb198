//! Delivery into a Maildir, such that a message is there whole or not at all, whenever the program or the machine dies.
//!
//! A message is written to a file in `tmp/`, synced, renamed into `new/`, and the folder is synced. Its octets are kept as
//! they came, CRLF included: what is on disk is what the server has, and signatures stay good.
//!
//! No Maildir crate is used, because a file's name must carry the mark of the unique-id from the first moment on: the rename
//! that delivers a message is then also what records that it was fetched, with no moment in between. The crates make up
//! the name themselves when they deliver, and do not sync the folder.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use fs4::TryLockError;

use crate::seen::Mark;

/// Ends the names of our files: `SECONDS.M..P..Q..[U<mark>].pop3`, and mail readers add `:2,FLAGS` in `cur/`.
const OURS: &str = ".pop3";

/// A Maildir that no other `fetch` is using.
#[derive(Debug)]
pub(crate) struct Maildir {
    root: PathBuf,
    /// Held until this is dropped, or until the process dies in whatever way.
    _lock: File,
    count: u64,
}

impl Maildir {
    /// Makes the folders that are missing, waits for nobody, and removes what a killed run of ours left half-written.
    pub(crate) fn open(root: &Path) -> io::Result<Maildir> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        // Mail is private.
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        for folder in ["tmp", "new", "cur"] {
            builder.create(root.join(folder))?;
        }
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(root.join(".pop3-lock"))?;
        match fs4::FileExt::try_lock(&lock) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::new(io::ErrorKind::WouldBlock, "another fetch is at work there"));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let maildir = Maildir { root: root.to_owned(), _lock: lock, count: 0 };
        for name in maildir.names("tmp")? {
            if name.ends_with(OURS) {
                fs::remove_file(root.join("tmp").join(name))?;
            }
        }
        // What is found here is believed to be safe, also if a killed run had no time to make sure.
        for folder in ["new", "cur", "."] {
            sync_folder(&root.join(folder))?;
        }
        // It matters only if the folder is new, and may be nothing that we are permitted to open.
        let _ = sync_folder(&root.join(".."));
        Ok(maildir)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The marks of all messages of ours that are here, whether they were read since or not.
    pub(crate) fn marks(&self) -> io::Result<Vec<Mark>> {
        let names = [self.names("new")?, self.names("cur")?].concat();
        Ok(names.iter().filter_map(|name| mark_of(name)).collect())
    }

    /// Begins a message. It does not exist before it is [delivered](Self::deliver).
    pub(crate) fn begin(&mut self, mark: Option<&Mark>) -> io::Result<Partial> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.count += 1;
        let mark = mark.map(|mark| format!("U{mark}")).unwrap_or_default();
        let (seconds, micros) = (now.as_secs(), now.subsec_micros());
        let name = format!("{seconds}.M{micros:06}P{}Q{}{mark}{OURS}", std::process::id(), self.count);
        let path = self.root.join("tmp").join(&name);
        let mut how = OpenOptions::new();
        how.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut how, 0o600);
        Ok(Partial { file: how.open(&path)?, path, name })
    }

    /// Delivers messages. When this returns, they are safely on disk.
    pub(crate) fn deliver(&self, messages: Vec<Partial>) -> io::Result<()> {
        if messages.is_empty() {
            return Ok(());
        }
        for message in &messages {
            message.file.sync_all()?;
        }
        let new = self.root.join("new");
        for message in messages {
            fs::rename(&message.path, new.join(&message.name))?;
        }
        sync_folder(&new)
    }

    fn names(&self, folder: &str) -> io::Result<Vec<String>> {
        let entries = fs::read_dir(self.root.join(folder))?;
        // Ours are ASCII.
        let names = entries.map(|entry| Ok(entry?.file_name().into_string().ok()));
        names.filter_map(io::Result::transpose).collect()
    }
}

/// A message that is being written. Dropped without delivery, its file is removed.
#[derive(Debug)]
pub(crate) struct Partial {
    file: File,
    path: PathBuf,
    name: String,
}

impl Write for Partial {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.file.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // A message that was delivered is no longer in `tmp/`. One that cannot be removed is, by the next run.
        let _ = fs::remove_file(&self.path);
    }
}

fn mark_of(name: &str) -> Option<Mark> {
    let name = name.split_once(':').map_or(name, |(name, _flags)| name);
    let (_, mark) = name.strip_suffix(OURS)?.rsplit_once('U')?;
    Mark::parse(mark)
}

/// Makes sure that the names in a folder are on disk.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    // Other systems cannot open a folder, and have no such call.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
