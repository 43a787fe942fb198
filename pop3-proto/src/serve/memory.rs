//! Maildrops in memory, for tests, demonstrations, and programs that generate their messages.

use std::collections::BTreeMap;
use std::format;
use std::string::String;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

use zeroize::Zeroizing;

use crate::sasl::prepare;
#[cfg(feature = "scram")]
use crate::sasl::{ScramKeys, ScramSecret};
use crate::serve::maildrop::{Denial, LoginAttempt, Maildrop, StoreError, prepared};
use crate::wire::stuffing::transmitted_octets;

/// A store of users with passwords and messages. A clone is another handle to the same store, which you can use from
/// any thread.
///
/// With the feature `scram`, its maildrops accept SCRAM-SHA-256. The keys are derived from the password for each
/// exchange, which takes about a millisecond.
///
/// ```
/// use pop3_proto::serve::MailStore;
///
/// let store = MailStore::new();
/// store.add_user("mrose", "tanstaaf");
/// store.deliver("mrose", "Subject: hello\n\nworld\n");
/// let maildrop = store.maildrop(); // one for each connection
/// assert_eq!(store.messages("mrose").len(), 1);
/// # drop(maildrop);
/// ```
#[derive(Clone)]
pub struct MailStore(Arc<Mutex<Accounts>>);

struct Accounts {
    by_user: BTreeMap<String, Account>,
    /// The number of unique-ids generated so far.
    made_up: u64,
    /// The secret from which salts are derived; `None` if the system has no random numbers.
    #[cfg(feature = "scram")]
    secret: Option<ScramSecret>,
}

struct Account {
    password: String,
    messages: Vec<Message>,
    /// A session has the lock.
    locked: bool,
}

#[derive(Clone)]
struct Message {
    unique_id: Arc<str>,
    content: Arc<[u8]>,
    octets: u64,
}

impl MailStore {
    /// Creates a store without users.
    pub fn new() -> MailStore {
        MailStore(Arc::new(Mutex::new(Accounts {
            by_user: BTreeMap::new(),
            made_up: 0,
            #[cfg(feature = "scram")]
            secret: ScramSecret::random().ok(),
        })))
    }

    /// Adds a user with an empty maildrop, or changes the password of an existing one. If the password contains a
    /// control character or cannot be [prepared](crate::sasl::prepare), the user cannot log in.
    pub fn add_user(&self, user: &str, password: &str) {
        let mut accounts = self.lock();
        let account = Account { password: String::new(), messages: Vec::new(), locked: false };
        accounts.by_user.entry(name(user)).or_insert(account).password =
            stored(password).map_or_else(String::new, |stored| stored.as_str().into());
    }

    /// Appends a message to the maildrop of `user`, with a generated unique-id. Lines may end in CRLF or LF.
    ///
    /// Returns false if there is no such user.
    pub fn deliver(&self, user: &str, content: impl AsRef<[u8]>) -> bool {
        let made_up = {
            let mut accounts = self.lock();
            accounts.made_up += 1;
            accounts.made_up
        };
        self.deliver_as(user, &format!("{made_up:016x}"), content)
    }

    /// Appends a message to the maildrop of `user`, with the given unique-id.
    ///
    /// Returns false if there is no such user.
    pub fn deliver_as(&self, user: &str, unique_id: &str, content: impl AsRef<[u8]>) -> bool {
        let content = content.as_ref();
        let message =
            Message { unique_id: unique_id.into(), content: content.into(), octets: transmitted_octets(content) };
        self.lock().by_user.get_mut(&name(user)).map(|account| account.messages.push(message)).is_some()
    }

    /// Returns the messages of `user` as delivered, including those that a session has marked as deleted. It is empty
    /// if there is no such user.
    pub fn messages(&self, user: &str) -> Vec<Arc<[u8]>> {
        let accounts = self.lock();
        let messages = accounts.by_user.get(&name(user)).map(|account| &account.messages);
        messages.into_iter().flatten().map(|message| Arc::clone(&message.content)).collect()
    }

    /// Creates the maildrop for one connection.
    pub fn maildrop(&self) -> MemoryMaildrop {
        MemoryMaildrop { store: self.clone(), user: None, messages: Vec::new() }
    }

    /// Locks the store. A thread that panicked cannot have left it in an inconsistent state.
    fn lock(&self) -> MutexGuard<'_, Accounts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MailStore {
    fn default() -> MailStore {
        MailStore::new()
    }
}

/// Returns a password in the form in which it is stored, or `None` if it is not [`prepared`] or not permitted there.
fn stored(password: &str) -> Option<Zeroizing<String>> {
    prepared(password).filter(|prepared| !cfg!(feature = "saslprep") || prepare(prepared).is_ok())
}

/// Returns a user's name in the form in which it is looked up. A name that clients cannot send is unchanged.
fn name(user: &str) -> String {
    prepared(user).map_or_else(|| user.into(), |prepared| prepared.as_str().into())
}

impl std::fmt::Debug for MailStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.lock().by_user.keys()).finish()
    }
}

/// A maildrop of a [`MailStore`], as one connection sees it. Dropping it releases its lock.
pub struct MemoryMaildrop {
    store: MailStore,
    /// The user whose maildrop is locked.
    user: Option<String>,
    messages: Vec<Message>,
}

impl MemoryMaildrop {
    fn message(&self, number: u32) -> Option<&Message> {
        self.messages.get(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    fn release(&mut self) {
        if let Some(user) = self.user.take() {
            if let Some(account) = self.store.lock().by_user.get_mut(&user) {
                account.locked = false;
            }
        }
    }
}

impl Maildrop for MemoryMaildrop {
    fn login(&mut self, credentials: LoginAttempt<'_>) -> Result<(), Denial> {
        self.release();
        let mut accounts = self.store.lock();
        let user = name(credentials.user());
        let account = accounts.by_user.get_mut(&user);
        // The comparison also happens for unknown users, so that the time does not reveal which users exist.
        let secret = account.as_ref().map_or("nobody's password", |account| &account.password);
        let proved = credentials.prove(secret.as_bytes());
        let Some(account) = account.filter(|_| proved) else { return Err(Denial::Credentials) };
        if account.locked {
            return Err(Denial::InUse);
        }
        account.locked = true;
        self.messages.clone_from(&account.messages);
        self.user = Some(user);
        Ok(())
    }

    #[cfg(feature = "scram")]
    fn has_scram(&self) -> bool {
        self.store.lock().secret.is_some()
    }

    #[cfg(feature = "scram")]
    fn scram_keys(&mut self, user: &str) -> Result<ScramKeys, StoreError> {
        let user = name(user);
        let (secret, password) = {
            let accounts = self.store.lock();
            let password = accounts.by_user.get(&user).map(|account| Zeroizing::new(account.password.clone()));
            (accounts.secret.clone(), password)
        };
        let secret = secret.ok_or_else(|| StoreError("there are no keys for SCRAM".into()))?;
        Ok(secret.keys_of(&user, password.as_ref().map(|password| password.as_str())))
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
        let content = &self.message(number).ok_or_else(|| StoreError("no such message".into()))?.content;
        let rest = usize::try_from(at).ok().and_then(|at| content.get(at..)).unwrap_or_default();
        let len = rest.len().min(buffer.len());
        buffer[..len].copy_from_slice(&rest[..len]);
        Ok(len)
    }

    fn remove(&mut self, marked: &mut dyn Iterator<Item = u32>) -> Result<(), StoreError> {
        let gone: Vec<_> = marked.filter_map(|number| self.message(number)).map(|m| Arc::clone(&m.content)).collect();
        {
            let mut accounts = self.store.lock();
            let account = self.user.as_deref().and_then(|user| accounts.by_user.get_mut(user));
            let account = account.ok_or_else(|| StoreError("no maildrop is open".into()))?;
            // Compares allocations: two deliveries may have the same id and content, and are still two messages.
            let mut gone = gone.iter().peekable();
            account.messages.retain(|kept| gone.next_if(|gone| Arc::ptr_eq(gone, &kept.content)).is_none());
        }
        self.release();
        Ok(())
    }
}

impl Drop for MemoryMaildrop {
    fn drop(&mut self) {
        self.release();
    }
}

impl std::fmt::Debug for MemoryMaildrop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryMaildrop").field("user", &self.user).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> MailStore {
        let store = MailStore::new();
        store.add_user("u", "pw");
        for content in ["same\n", "other\n", "same\n"] {
            assert!(store.deliver_as("u", "id", content));
        }
        store
    }

    fn login(maildrop: &mut MemoryMaildrop, user: &str, password: &str) -> Result<(), Denial> {
        maildrop.login(LoginAttempt::Password { user, password })
    }

    #[test]
    fn v11_one_session_has_the_lock_until_it_is_dropped() {
        let store = store();
        let (mut first, mut second) = (store.maildrop(), store.maildrop());
        assert_eq!(login(&mut first, "u", "pw"), Ok(()));
        assert_eq!(login(&mut second, "u", "wrong"), Err(Denial::Credentials));
        assert_eq!(login(&mut second, "u", "pw"), Err(Denial::InUse));
        drop(first);
        assert_eq!(login(&mut second, "u", "pw"), Ok(()));
    }

    #[test]
    fn v51_a_refused_login_leaves_no_lock() {
        let store = store();
        let (mut first, mut second) = (store.maildrop(), store.maildrop());
        assert_eq!(login(&mut first, "u", "wrong"), Err(Denial::Credentials));
        assert_eq!(login(&mut second, "u", "pw"), Ok(()));
        assert_eq!(login(&mut first, "u", "pw"), Err(Denial::InUse));
        drop(second);
        assert_eq!(login(&mut first, "u", "pw"), Ok(()), "nor does one to a locked maildrop");
    }

    #[test]
    fn an_unknown_user_looks_like_a_wrong_password() {
        let mut maildrop = store().maildrop();
        assert_eq!(login(&mut maildrop, "nobody", "pw"), login(&mut maildrop, "u", "no"));
        assert_eq!(login(&mut maildrop, "nobody", "nobody's password"), Err(Denial::Credentials));
        assert_eq!(maildrop.count(), 0);
    }

    #[test]
    fn v17_only_marked_messages_are_removed_and_equal_messages_stay_distinct() {
        let store = store();
        let mut maildrop = store.maildrop();
        login(&mut maildrop, "u", "pw").unwrap();
        store.deliver("u", "late\n");
        assert_eq!(maildrop.count(), 3, "the session does not see what came later");
        maildrop.remove(&mut [3].into_iter()).unwrap();
        let left: Vec<_> = store.messages("u").iter().map(|m| String::from_utf8_lossy(m).into_owned()).collect();
        assert_eq!(left, ["same\n", "other\n", "late\n"]);
        assert_eq!(login(&mut store.maildrop(), "u", "pw"), Ok(()), "UPDATE released the lock");
    }

    #[test]
    fn reads_from_any_place() {
        let store = MailStore::new();
        store.add_user("u", "pw");
        store.deliver("u", "0123456789");
        let mut maildrop = store.maildrop();
        login(&mut maildrop, "u", "pw").unwrap();
        let mut buffer = [0; 4];
        assert_eq!(maildrop.read(1, 7, &mut buffer), Ok(3));
        assert_eq!(&buffer[..3], b"789");
        assert_eq!(maildrop.read(1, 10, &mut buffer), Ok(0));
        assert_eq!(maildrop.read(1, u64::MAX, &mut buffer), Ok(0));
        assert!(maildrop.read(u32::MAX, 0, &mut buffer).is_err());
        assert_eq!(maildrop.octets(1), 12);
    }
}
