//! No memory that is freed holds a password: not after a login, and not if a session ends at any octet of one.
//!
//! The crate forbids unsafe code. This test needs it: only a global allocator sees what is freed, and implementing one
//! is an unsafe promise. The test keeps the promise by passing every call on to the system's allocator.
#![cfg(feature = "std")]

use core::cell::Cell;
use std::alloc::{GlobalAlloc, Layout, System};

use pop3_proto::drive::{Acknowledge, Call, Conversation, Io, Step};
use pop3_proto::login::{Credentials, Login, Policy, Security};
use pop3_proto::serve::MailStore;
use pop3_proto::{Command, Config, ServerConfig, Service};

const PASSWORD: &str = "tanstaaf-tanstaaf";
/// The middle of the password, as it is and in the Base64 of AUTH PLAIN.
const SOUGHT: [&[u8]; 2] = [b"aaf-tan", b"YWFmLXRh"];

struct Searching;

thread_local! {
    // The test harness frees memory in its own thread.
    static FOUND: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: all calls go to `System` with their own layouts. The search neither allocates nor unwinds.
unsafe impl GlobalAlloc for Searching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the promises of `alloc`. Memory is zeroed, so that all of it can be read.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // Memory of another alignment may have padding, which cannot be read.
        if layout.align() == 1 {
            // SAFETY: `ptr` has this size, was zeroed, and nobody else uses it any more.
            let octets = unsafe { core::slice::from_raw_parts(ptr, layout.size()) };
            let is_in = |sought: &[u8]| octets.windows(sought.len()).any(|piece| piece == sought);
            // Most memory has not even the first octet, which the standard library finds faster.
            let found = SOUGHT.into_iter().filter(|sought| octets.contains(&sought[0]) && is_in(sought));
            FOUND.set(FOUND.get() + found.count());
        }
        // SAFETY: `ptr` came from `System` with this layout.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static SEARCHING: Searching = Searching;

/// Checks that `work` frees no memory with the password.
fn leaves_nothing(what: impl FnOnce() -> String, work: impl FnOnce()) {
    FOUND.set(0);
    work();
    assert_eq!(FOUND.get(), 0, "{}", what());
}

#[test]
fn the_search_finds_a_password() {
    FOUND.set(0);
    drop(PASSWORD.to_owned());
    assert_eq!(FOUND.get(), 1);
}

fn hear(conversation: &mut Conversation, said: &str) {
    conversation.spare()[..said.len()].copy_from_slice(said.as_bytes());
    conversation.filled(said.len());
}

#[derive(Clone, Copy, Debug)]
enum End {
    Drop,
    Abort,
    WriteFails,
    Close,
}

/// Logs in with writes of `at_once` octets, and ends the session after `octets` octets. Returns false if the login was
/// complete before.
fn log_in(capabilities: &str, at_once: usize, octets: usize, end: End) -> bool {
    let mut conversation = Conversation::new(Config::default());
    hear(&mut conversation, "+OK\r\n");
    assert_eq!(conversation.greet().unwrap(), Step::Done(()));
    let policy = Policy::new().security(Security::Plaintext).allow_plaintext(true);
    let mut login = Login::new(Credentials::new("mrose", PASSWORD), policy);
    let (mut sent, mut asks) = (0, true);
    loop {
        match login.step(&mut conversation).unwrap() {
            Step::Done(_) => return false,
            Step::NeedIo(Io::Look) => conversation.looked(),
            Step::NeedIo(Io::Transfer) if conversation.pending().is_empty() => {
                hear(&mut conversation, if asks { capabilities } else { "+OK\r\n" });
                asks = false;
            }
            Step::NeedIo(Io::Transfer) => {
                let len = conversation.pending().len().min(at_once).min(octets - sent);
                conversation.written(len);
                sent += len;
                if sent == octets {
                    match end {
                        End::Drop => drop(conversation),
                        End::Abort => conversation.abort("the connection was reset"),
                        End::WriteFails => conversation.write_failed(),
                        End::Close => conversation.filled(0),
                    }
                    return true;
                }
            }
        }
    }
}

#[test]
fn a_client_wipes_what_it_sends() {
    for capabilities in ["+OK\r\nUSER\r\n.\r\n", "+OK\r\nUSER\r\nPIPELINING\r\n.\r\n", "+OK\r\nSASL PLAIN\r\n.\r\n"] {
        for at_once in [1, 5, usize::MAX] {
            for end in [End::Drop, End::Abort, End::WriteFails, End::Close] {
                let mut goes_on = true;
                for octets in 1..=70 {
                    leaves_nothing(
                        || format!("{capabilities:?}, {at_once}, {octets}, {end:?}"),
                        || goes_on = log_in(capabilities, at_once, octets, end),
                    );
                }
                assert!(!goes_on, "the login has fewer octets");
            }
        }
    }
}

/// Makes a call that the server accepts at once.
fn call(conversation: &mut Conversation, command: Command<'_>) {
    let mut call = Call::new(Acknowledge(command));
    loop {
        match conversation.step(&mut call).unwrap() {
            Step::Done(()) => return,
            Step::NeedIo(Io::Look) => conversation.looked(),
            Step::NeedIo(Io::Transfer) => hear(conversation, "+OK\r\n"),
        }
    }
}

#[test]
fn a_client_whose_server_does_not_read_wipes_what_it_moves() {
    for octets in 0..40 {
        leaves_nothing(
            || octets.to_string(),
            || {
                let mut conversation = Conversation::new(Config::default());
                hear(&mut conversation, "+OK\r\n");
                assert_eq!(conversation.greet().unwrap(), Step::Done(()));
                call(&mut conversation, Command::User("mrose"));
                // The answer comes before the server can have read the command.
                call(&mut conversation, Command::Pass(PASSWORD));
                conversation.written(octets);
                for _ in 0..1000 {
                    call(&mut conversation, Command::Noop);
                }
                assert!(conversation.pending().len() > 5000);
            },
        );
    }
}

#[test]
fn a_server_wipes_what_it_receives() {
    let store = MailStore::new();
    store.add_user("mrose", "another");
    let pass = format!("USER mrose\r\nPASS {PASSWORD}\r\n");
    let plain = "AUTH PLAIN AG1yb3NlAHRhbnN0YWFmLXRhbnN0YWFm\r\nAUTH PLAIN\r\nAG1yb3NlAHRhbnN0YWFmLXRhbnN0YWFm\r\n";
    for lines in [pass.repeat(100), plain.repeat(50)] {
        for at_once in [1, 7, usize::MAX] {
            for octets in (0..100).chain([500, 600, 700, 1000, lines.len()]) {
                leaves_nothing(
                    || format!("{:?}, {at_once}, {octets}", &lines[..20]),
                    || {
                        let config = ServerConfig::new().max_response(1024).plaintext_login(true);
                        let mut service = Service::new(store.maildrop(), config, None);
                        let mut rest = &lines.as_bytes()[..octets];
                        while !rest.is_empty() && service.wants_read() {
                            let spare = service.spare();
                            let len = rest.len().min(spare.len()).min(at_once);
                            spare[..len].copy_from_slice(&rest[..len]);
                            rest = &rest[len..];
                            service.filled(len);
                            service.written(usize::MAX);
                        }
                    },
                );
            }
        }
    }
}

#[cfg(feature = "scram")]
#[test]
fn the_secret_of_scram_is_wiped() {
    use pop3_proto::sasl::ScramSecret;
    leaves_nothing(String::new, || drop(Box::new(ScramSecret::new(*b"tanstaaf-tanstaaf-tanstaaf-tanst"))));
}
