//! A folder of messages as a maildrop. Its files are read in pieces, and removed only on request.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use pop3_blocking::pop3_proto::sasl::{ScramKeys, ScramSecret};
use pop3_blocking::pop3_proto::serve::{Denial, LoginAttempt, Maildrop, StoreError};
use sha2::{Digest, Sha256};

/// A folder with the login for it. A clone is another handle to the same folder.
#[derive(Clone)]
pub(super) struct Folder(Arc<Shared>);

struct Shared {
    root: PathBuf,
    user: String,
    password: String,
    /// `true` if deleted messages are removed from the folder. Otherwise they are only hidden.
    removes_files: bool,
    secret: Option<ScramSecret>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// A session has the lock.
    is_locked: bool,
    /// The unique-ids of the deleted messages.
    hidden: HashSet<String>,
    /// The sizes as transmitted of the files that were read, with the length and the time of each file.
    sizes: HashMap<PathBuf, (u64, SystemTime, u64)>,
}

/// A file with a message.
struct Message {
    path: PathBuf,
    unique_id: String,
    octets: u64,
}

impl Folder {
    pub(super) fn new(root: &Path, user: &str, password: &str, removes_files: bool) -> Folder {
        Folder(Arc::new(Shared {
            root: root.to_owned(),
            user: user.to_owned(),
            password: password.to_owned(),
            removes_files,
            secret: ScramSecret::random().ok(),
            state: Mutex::default(),
        }))
    }

    /// Returns the number of messages.
    pub(super) fn count(&self) -> io::Result<usize> {
        Ok(self.paths()?.len())
    }

    /// Creates the maildrop for one connection.
    pub(super) fn maildrop(&self) -> FolderMaildrop {
        FolderMaildrop { folder: self.clone(), is_ours: false, messages: Vec::new(), open: None }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A thread that panicked cannot have left it in an inconsistent state.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the files with messages, in the order of their names: those in `cur/` and `new/` of a Maildir, else
    /// those whose names end in `.eml`.
    fn paths(&self) -> io::Result<Vec<PathBuf>> {
        let root = &self.0.root;
        let is_maildir = ["cur", "new"].iter().all(|folder| root.join(folder).is_dir());
        let folders = if is_maildir { vec![root.join("cur"), root.join("new")] } else { vec![root.clone()] };
        let mut paths = Vec::new();
        for folder in folders {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                let path = entry.path();
                let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
                let is_eml = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("eml"));
                // Reading a pipe could block for ever.
                if entry.file_type()?.is_file() && !is_hidden && (is_maildir || is_eml) {
                    paths.push(path);
                }
            }
        }
        paths.sort_by(|a, b| (a.file_name(), a).cmp(&(b.file_name(), b)));
        Ok(paths)
    }

    fn messages(&self) -> io::Result<Vec<Message>> {
        let (mut messages, mut taken) = (Vec::new(), HashSet::new());
        let hidden = self.state().hidden.clone();
        for path in self.paths()? {
            let mut unique_id = unique_id(&path, false);
            if !taken.insert(unique_id.clone()) {
                unique_id = self::unique_id(&path, true);
            }
            if !hidden.contains(&unique_id) {
                let octets = self.octets(&path)?;
                messages.push(Message { path, unique_id, octets });
            }
        }
        Ok(messages)
    }

    /// Returns the size of a message as transmitted. A file is read again only if it has changed.
    fn octets(&self, path: &Path) -> io::Result<u64> {
        let metadata = fs::metadata(path)?;
        let (len, time) = (metadata.len(), metadata.modified()?);
        let known = self.state().sizes.get(path).copied();
        if let Some((_, _, octets)) =
            known.filter(|(known_len, known_time, _)| (*known_len, *known_time) == (len, time))
        {
            return Ok(octets);
        }
        let octets = octets(path)?;
        self.state().sizes.insert(path.to_owned(), (len, time, octets));
        Ok(octets)
    }
}

/// A maildrop of a [`Folder`], as one connection sees it. Dropping it releases its lock.
pub(super) struct FolderMaildrop {
    folder: Folder,
    /// `true` if this session has the lock.
    is_ours: bool,
    messages: Vec<Message>,
    /// The file that was read last, with the number of its message.
    open: Option<(u32, File)>,
}

impl FolderMaildrop {
    fn message(&self, number: u32) -> Option<&Message> {
        self.messages.get(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    fn release(&mut self) {
        if std::mem::take(&mut self.is_ours) {
            self.folder.state().is_locked = false;
        }
    }

    fn file(&mut self, number: u32) -> io::Result<&mut File> {
        if self.open.as_ref().is_none_or(|(open, _)| *open != number) {
            let path = self.message(number).map(|message| message.path.clone()).ok_or(io::ErrorKind::NotFound)?;
            self.open = Some((number, File::open(path)?));
        }
        self.open.as_mut().map(|(_, file)| file).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Maildrop for FolderMaildrop {
    fn login(&mut self, credentials: LoginAttempt<'_>) -> Result<(), Denial> {
        let shared = Arc::clone(&self.folder.0);
        let is_known = credentials.prove(shared.password.as_bytes());
        if credentials.user() != shared.user || !is_known {
            return Err(Denial::Credentials);
        }
        if std::mem::replace(&mut self.folder.state().is_locked, true) {
            return Err(Denial::InUse);
        }
        self.is_ours = true;
        match self.folder.messages() {
            Ok(messages) => {
                self.messages = messages;
                Ok(())
            }
            Err(error) => {
                self.release();
                Err(Denial::Temporary(format!("the folder cannot be read: {}", error.kind())))
            }
        }
    }

    fn has_scram(&self) -> bool {
        self.folder.0.secret.is_some()
    }

    fn scram_keys(&mut self, user: &str) -> Result<ScramKeys, StoreError> {
        let shared = &self.folder.0;
        let secret = shared.secret.as_ref().ok_or_else(|| StoreError("there are no keys for SCRAM".into()))?;
        Ok(secret.keys_of(user, (user == shared.user).then_some(shared.password.as_str())))
    }

    fn count(&self) -> u32 {
        u32::try_from(self.messages.len()).unwrap_or(u32::MAX)
    }

    fn octets(&self, number: u32) -> u64 {
        self.message(number).map_or(0, |message| message.octets)
    }

    fn unique_id(&self, number: u32) -> &str {
        self.message(number).map_or("", |message| &message.unique_id)
    }

    fn read(&mut self, number: u32, at: u64, buffer: &mut [u8]) -> Result<usize, StoreError> {
        let mut read = || {
            let file = self.file(number)?;
            file.seek(SeekFrom::Start(at))?;
            file.read(buffer)
        };
        read().map_err(|error: io::Error| StoreError(format!("the file cannot be read: {}", error.kind())))
    }

    fn remove(&mut self, marked: &mut dyn Iterator<Item = u32>) -> Result<(), StoreError> {
        let mut failed = 0;
        for number in marked {
            let Some(message) = self.message(number) else { continue };
            if !self.folder.0.removes_files {
                self.folder.state().hidden.insert(message.unique_id.clone());
            } else if fs::remove_file(&message.path).is_err() {
                failed += 1;
            }
        }
        self.release();
        if failed > 0 { Err(StoreError(format!("{failed} files could not be removed"))) } else { Ok(()) }
    }
}

impl Drop for FolderMaildrop {
    fn drop(&mut self) {
        self.release();
    }
}

/// Returns the unique-id of a message, made from the name of its file. A mail reader that moves a message in a Maildir,
/// or changes its flags, does not change its id. `with_folder` makes an id for a second file with the same name.
fn unique_id(path: &Path, with_folder: bool) -> String {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let base = name.split(|&octet| octet == b':').next().unwrap_or_default();
    let mut digest = Sha256::new();
    digest.update(if with_folder { path.as_os_str().as_encoded_bytes() } else { base });
    let half = digest.finalize().iter().take(16).fold(0, |half, octet| half << 8 | u128::from(*octet));
    format!("{half:032x}")
}

/// Returns the size of a message as transmitted, and reads it in pieces.
fn octets(path: &Path) -> io::Result<u64> {
    let mut reader = BufReader::with_capacity(64 << 10, File::open(path)?);
    let (mut octets, mut previous) = (0, b'\n');
    loop {
        let piece = reader.fill_buf()?;
        if piece.is_empty() {
            break;
        }
        for &octet in piece {
            octets += 1 + u64::from(octet == b'\n' && previous != b'\r');
            previous = octet;
        }
        let taken = piece.len();
        reader.consume(taken);
    }
    // RETR ends the last line.
    Ok(octets
        + match previous {
            b'\n' => 0,
            b'\r' => 1,
            _ => 2,
        })
}
