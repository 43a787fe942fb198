//! A wrapped maildrop keeps all abilities: each method of the trait reaches the maildrop below, with its arguments, and
//! the answer comes back.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[cfg(feature = "scram")]
use pop3_proto::sasl::{ScramKeys, ScramSecret};
use pop3_proto::serve::{Denial, Layered, LoginAttempt, MailStore, Maildrop, MaildropLayer, StoreError};
use pop3_proto::{ServerConfig, Service};

use crate::service::feed;

/// A maildrop whose answers are different from the defaults of the trait, and which notes each call.
#[derive(Default)]
struct Witness {
    calls: RefCell<Vec<String>>,
}

impl Witness {
    fn note(&self, call: impl Into<String>) {
        self.calls.borrow_mut().push(call.into());
    }
}

impl Maildrop for Witness {
    fn login(&mut self, credentials: LoginAttempt<'_>) -> Result<(), Denial> {
        self.note(format!("login {}", credentials.user()));
        Err(Denial::TooSoon)
    }
    #[cfg(feature = "scram")]
    fn has_scram(&self) -> bool {
        self.note("has_scram");
        true
    }
    #[cfg(feature = "scram")]
    fn scram_keys(&mut self, user: &str) -> Result<ScramKeys, StoreError> {
        self.note(format!("scram_keys {user}"));
        Ok(ScramSecret::new([1; 32]).keys_of_nobody(user, 4096))
    }
    fn count(&self) -> u32 {
        self.note("count");
        17
    }
    fn octets(&self, number: u32) -> u64 {
        self.note(format!("octets {number}"));
        1234
    }
    fn unique_id(&self, number: u32) -> &'static str {
        self.note(format!("unique_id {number}"));
        "an-id"
    }
    fn read(&mut self, number: u32, at: u64, buffer: &mut [u8]) -> Result<usize, StoreError> {
        self.note(format!("read {number} {at} {}", buffer.len()));
        buffer[0] = b'x';
        Ok(1)
    }
    fn remove(&mut self, marked: &mut dyn Iterator<Item = u32>) -> Result<(), StoreError> {
        self.note(format!("remove {:?}", marked.collect::<Vec<_>>()));
        Err(StoreError("no".into()))
    }
}

struct Nothing;

impl MaildropLayer for Nothing {}

/// Calls every method once.
fn call_everything(mut maildrop: impl Maildrop) {
    let attempt = LoginAttempt::Password { user: "ann", password: "pw" };
    assert_eq!(maildrop.login(attempt), Err(Denial::TooSoon));
    #[cfg(feature = "scram")]
    {
        assert!(maildrop.has_scram());
        assert!(maildrop.scram_keys("ann").is_ok());
    }
    assert_eq!(maildrop.count(), 17);
    assert_eq!(maildrop.octets(3), 1234);
    assert_eq!(maildrop.unique_id(4), "an-id");
    let mut buffer = [0; 9];
    assert_eq!((maildrop.read(5, 6, &mut buffer), buffer[0]), (Ok(1), b'x'));
    assert_eq!(maildrop.remove(&mut [7, 8].into_iter()), Err(StoreError("no".into())));
}

fn all_calls() -> Vec<&'static str> {
    let all =
        ["login ann", "has_scram", "scram_keys ann", "count", "octets 3", "unique_id 4", "read 5 6 9", "remove [7, 8]"];
    all.into_iter().filter(|call| cfg!(feature = "scram") || !call.contains("scram")).collect()
}

#[test]
fn a_layer_and_a_pointer_forward_every_call() {
    let mut witness = Witness::default();
    call_everything(&mut witness);
    assert_eq!(witness.calls.take(), all_calls());

    call_everything(Layered { maildrop: &mut witness, layer: Nothing });
    assert_eq!(witness.calls.take(), all_calls());

    call_everything(Layered { maildrop: Layered { maildrop: &mut witness, layer: Nothing }, layer: Nothing });
    assert_eq!(witness.calls.take(), all_calls());

    let boxed: Box<dyn Maildrop + '_> = Box::new(&mut witness);
    call_everything(boxed);
    assert_eq!(witness.calls.take(), all_calls());
}

/// A new method of the trait has to be added to the test above, to the layer and to the pointers. If it has a default,
/// the compiler says nothing.
#[test]
fn the_trait_has_no_method_that_is_not_forwarded() {
    let source = |file| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/serve").join(file)).unwrap();
    let methods = |code: &str| -> BTreeSet<String> {
        let names = code.lines().filter_map(|line| line.trim_start().strip_prefix("fn "));
        names.map(|line| line.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()).collect()
    };
    let (maildrop, layer) = (source("maildrop.rs"), source("layer.rs"));
    let between = |text: &str, from: &str, to: &str| {
        let at = text.find(from).unwrap_or_else(|| panic!("{from} is not there"));
        let end = text[at..].find(to).map_or(text.len(), |end| at + end);
        methods(&text[at..end])
    };
    let of_trait = between(&maildrop, "pub trait Maildrop {", "\n}\n");
    let tested = ["login", "has_scram", "scram_keys", "count", "octets", "unique_id", "read", "remove"];
    assert_eq!(of_trait, tested.map(str::to_owned).into(), "`call_everything` calls each");
    assert_eq!(between(&layer, "pub trait MaildropLayer {", "\n}\n"), of_trait);
    assert_eq!(between(&layer, "> Maildrop for Layered<M, L> {", "\n}\n"), of_trait);
    assert_eq!(between(&layer, "> Maildrop for $pointer {", "\n    };\n"), of_trait);
}

#[test]
#[cfg(feature = "scram")]
fn a_server_still_offers_scram() {
    let store = MailStore::new();
    store.add_user("ann", "pw");
    let service = |maildrop: Box<dyn Maildrop>| Service::new(maildrop, ServerConfig::new(), None);
    let bare = feed(&mut service(Box::new(store.maildrop())), b"CAPA\r\n", usize::MAX);
    assert!(bare.contains("SASL SCRAM-SHA-256"), "{bare}");
    let layered =
        feed(&mut service(Box::new(Layered { maildrop: store.maildrop(), layer: Nothing })), b"CAPA\r\n", usize::MAX);
    assert_eq!(layered, bare);
}

#[test]
fn a_layer_changes_only_what_it_names() {
    struct Empty;
    impl MaildropLayer for Empty {
        fn count<M: Maildrop + ?Sized>(&self, _: &M) -> u32 {
            0
        }
    }
    let store = MailStore::new();
    store.add_user("ann", "pw");
    store.deliver("ann", "Subject: x\n\n");
    let layered = Layered { maildrop: store.maildrop(), layer: Empty };
    let mut service = Service::new(layered, ServerConfig::new().plaintext_login(true), None);
    let answers = feed(&mut service, b"USER ann\r\nPASS pw\r\nSTAT\r\nRETR 1\r\n", usize::MAX);
    assert!(answers.ends_with("+OK 0 0\r\n-ERR no such message\r\n"), "{answers}");
}
