//! Delivers messages into a Maildir. A message is stored completely or not at all, even if the program or the machine
//! crashes.
//!
//! A message is written to a file in `tmp/`, synced, renamed into `new/`, and the folder is synced. Its octets are
//! stored as the server sent them, including CRLF, so that signatures stay valid.
//!
//! Symbolic links inside the Maildir are not followed, since another user may have prepared the folder with links to
//! anywhere.
//!
//! No Maildir crate is used, because the name of the delivered file must contain the message's mark: one rename then
//! both delivers a message and records that it was fetched. The crates choose the name themselves when they deliver,
//! and do not sync the folder.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use fs4::TryLockError;

use crate::digest::Sums;
use crate::mark::Mark;

/// The end of the names of our files: `SECONDS.M..P..Q..U<mark>.pop3`, without the mark in `tmp/`. Mail readers add
/// `:2,FLAGS` in `cur/`.
const OURS: &str = ".pop3";

/// A Maildir that no other `fetch` is using.
#[derive(Debug)]
pub(crate) struct Maildir {
    root: PathBuf,
    /// Held until this is dropped or the process ends.
    _lock: Option<File>,
    count: u64,
    /// The files with a mark, in `new/` and in `cur/`.
    files: HashMap<Mark, Vec<PathBuf>>,
}

impl Maildir {
    /// Opens a Maildir: creates missing folders, and removes the incomplete files of a killed run. It fails if another
    /// run holds the lock, and does not wait for it.
    pub(crate) fn open(root: &Path) -> io::Result<Maildir> {
        create_folders(root)?;
        for folder in ["tmp", "new", "cur"] {
            let folder = root.join(folder);
            create_folders(&folder)?;
            if !fs::symlink_metadata(&folder)?.is_dir() {
                let why = format!("{} is a symbolic link, or not a folder", folder.display());
                return Err(io::Error::new(ErrorKind::NotADirectory, why));
            }
        }
        for name in [".pop3-lock", ".pop3-seen"] {
            let path = root.join(name);
            // Opening a link fails later.
            match fs::symlink_metadata(&path) {
                Ok(there) if !there.is_file() && !there.is_symlink() => return Err(no_file(&path)),
                _ => {}
            }
        }
        let lock =
            private(OpenOptions::new().create(true).truncate(false).write(true)).open(root.join(".pop3-lock"))?;
        match fs4::FileExt::try_lock(&lock) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::new(ErrorKind::WouldBlock, "another fetch is using it"));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let mut maildir = Maildir { root: root.to_owned(), _lock: Some(lock), count: 0, files: HashMap::new() };
        for name in maildir.names("tmp")? {
            if name.ends_with(OURS) {
                fs::remove_file(root.join("tmp").join(name))?;
            }
        }
        // The folders and the files found here count as safely on disk, even if a killed run or a mail reader did not
        // sync their names. A reader moves files from `new/` to `cur/`, so the second name is synced before the first
        // one is gone. `Seen::open` syncs the root, after it has created its file.
        for folder in ["cur", "new"] {
            sync_folder(&root.join(folder))?;
        }
        for parent in root.ancestors().skip(1) {
            // Not every parent can be opened.
            let _ = sync_folder(if parent.as_os_str().is_empty() { Path::new(".") } else { parent });
        }
        for folder in ["new", "cur"] {
            for name in maildir.names(folder)? {
                if let Some(mark) = mark_of(&name) {
                    maildir.files.entry(mark).or_default().push(root.join(folder).join(name));
                }
            }
        }
        Ok(maildir)
    }

    /// Returns a Maildir in which nothing is read or written.
    pub(crate) fn untouched(root: &Path) -> Maildir {
        Maildir { root: root.to_owned(), _lock: None, count: 0, files: HashMap::new() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Returns `true` if a message with this mark and these octets is stored.
    pub(crate) fn has(&self, mark: &Mark, sums: &Sums) -> io::Result<bool> {
        let mut is_moved = false;
        for path in self.files.get(mark).into_iter().flatten() {
            match is_like(path, sums)? {
                Some(true) => return Ok(true),
                Some(false) => {}
                None => is_moved = true,
            }
        }
        if is_moved {
            // A mail reader has moved it, from `new/` to `cur/` or to a name with other flags.
            for folder in ["new", "cur"] {
                for name in self.names(folder)?.iter().filter(|name| mark_of(name).as_ref() == Some(mark)) {
                    if is_like(&self.root.join(folder).join(name), sums)? == Some(true) {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    /// Begins a message, which does not exist before it is [delivered](Self::deliver).
    pub(crate) fn begin(&mut self) -> io::Result<Partial> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.count += 1;
        let (seconds, micros) = (now.as_secs(), now.subsec_micros());
        let name = format!("{seconds}.M{micros:06}P{}Q{}", std::process::id(), self.count);
        let path = self.root.join("tmp").join(format!("{name}{OURS}"));
        Ok(Partial { file: private(OpenOptions::new().write(true).create_new(true)).open(&path)?, path, name })
    }

    /// Delivers messages, each under a name that contains its mark. When this returns, they are safely on disk.
    pub(crate) fn deliver<'a>(
        &self,
        messages: impl Iterator<Item = (&'a Partial, &'a Mark)> + Clone,
    ) -> io::Result<usize> {
        let mut delivered = 0;
        for (message, _) in messages.clone() {
            message.file.sync_all()?;
        }
        let new = self.root.join("new");
        for (message, mark) in messages {
            fs::rename(&message.path, new.join(format!("{}U{mark}{OURS}", message.name)))?;
            delivered += 1;
        }
        if delivered > 0 {
            sync_folder(&new)?;
        }
        Ok(delivered)
    }

    fn names(&self, folder: &str) -> io::Result<Vec<String>> {
        let entries = fs::read_dir(self.root.join(folder))?;
        // Names of our files are ASCII.
        let names = entries.map(|entry| Ok(entry?.file_name().into_string().ok()));
        names.filter_map(io::Result::transpose).collect()
    }
}

/// A message that is being written. If it is dropped without delivery, its file is removed.
#[derive(Debug)]
pub(crate) struct Partial {
    file: File,
    path: PathBuf,
    /// The beginning of the delivered file's name.
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
        // A delivered message is no longer in `tmp/`. A file that cannot be removed is removed by the next run.
        let _ = fs::remove_file(&self.path);
    }
}

/// Returns `true` if a file has these octets, and `None` if it does not exist.
fn is_like(path: &Path, sums: &Sums) -> io::Result<Option<bool>> {
    match private(OpenOptions::new().read(true)).open(path) {
        Ok(file) if file.metadata()?.is_file() => Ok(Some(Sums::of_reader(file)?.whole == sums.whole)),
        Ok(_) => Err(no_file(path)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the error for a path that is not a regular file: reading another user's pipe or device could block for ever.
fn no_file(path: &Path) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, format!("{} is not a regular file", path.display()))
}

fn mark_of(name: &str) -> Option<Mark> {
    let name = name.split_once(':').map_or(name, |(name, _flags)| name);
    let (_, mark) = name.strip_suffix(OURS)?.rsplit_once('U')?;
    Mark::parse(mark)
}

/// Creates a folder and its missing parents.
fn create_folders(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    create_folders(folder.parent().unwrap_or(Path::new("")))?;
    let mut builder = DirBuilder::new();
    // Mail is private.
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Syncs the names in a folder to disk.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    // Other systems cannot open a folder and have no such call.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Sets options for a file that only its owner can read. A symbolic link is not followed, and opening a pipe does not
/// block.
pub(crate) fn private(how: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        how.mode(0o600).custom_flags(i32::try_from(flags.bits()).unwrap_or(0));
    }
    how
}
