//! The adapter and the libraries below it neither log nor show a secret.
#![allow(missing_docs, reason = "a test")]

use std::sync::{LazyLock, Mutex};

use pop3_async::pop3_proto::testing::secrets::Notes;
use pop3_blocking::testing::suites::secrets;
use tokio::runtime::Builder;

/// Collects the log entries of the libraries, at the most detailed level.
struct Logger;

static LOGGED: LazyLock<Mutex<Notes>> = LazyLock::new(|| Mutex::new(Notes::default()));

impl log::Log for Logger {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        LOGGED.lock().unwrap().add(format!("{} {}", record.target(), record.args()));
    }

    fn flush(&self) {}
}

#[test]
fn no_log_and_no_error_shows_a_secret() {
    log::set_logger(&Logger).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    secrets::no_log_and_no_error_shows_a_secret(|how| runtime.block_on(pop3_async::connect(how)), &LOGGED);
}
