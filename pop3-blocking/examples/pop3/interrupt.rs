//! The handling of signals that end the program: it restores the echo of the terminal, and shows the user of `fetch`
//! that stored messages are kept. Then the signal terminates the program as usual.

use std::fs::File;
use std::io::{IsTerminal, Write, stderr, stdin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use crate::{safe, terminal};

/// `true` if the message about `fetch` is to be shown.
static FETCHES: AtomicBool = AtomicBool::new(false);

/// Restores the current settings of the terminal when a signal ends the program later. (The prompt itself reads a typed
/// Ctrl-C, and raises the signal.)
pub(crate) fn restore_terminal() {
    let Ok(terminal) = File::open("/dev/tty") else { return };
    let Ok(before) = tcgetattr(&terminal) else { return };
    let Ok(signals) = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM]) else { return };
    thread::spawn(move || wait(signals, Some(&(terminal, before))));
}

/// Shows a message about the mail when a signal ends the program later.
pub(crate) fn tell_of_fetch() {
    FETCHES.store(true, Ordering::Relaxed);
    // A signal stays ignored if it was, such as when a shell runs the program in the background.
    let heeded = [SIGINT, SIGTERM].into_iter().filter(|signal| !is_ignored(*signal));
    let Ok(signals) = Signals::new(heeded) else { return };
    thread::spawn(move || wait(signals, None));
}

fn wait(mut signals: Signals, terminal: Option<&(File, Termios)>) {
    static DYING: Mutex<()> = Mutex::new(());
    for signal in signals.forever() {
        if let Some((terminal, before)) = terminal {
            let _ = tcsetattr(terminal, OptionalActions::Now, before);
        }
        // Another thread that handles the same signal waits here until the program ends.
        let _dying = DYING.lock();
        if FETCHES.load(Ordering::Relaxed) {
            tell();
        }
        let _ = emulate_default_handler(signal);
    }
}

fn tell() {
    let (told, is_told) = mpsc::channel();
    thread::spawn(move || {
        // The lock is kept until the program ends, so that the progress bar does not appear again below the message.
        let mut shown = stderr().lock();
        let begin = if shown.is_terminal() { "\n" } else { "" };
        let _ = writeln!(shown, "{begin}{}", terminal::wrap(&safe::summary()));
        let _ = told.send(());
        loop {
            thread::park();
        }
    });
    // If nothing reads the message, the program ends anyway.
    let _ = is_told.recv_timeout(Duration::from_millis(200));
}

fn is_ignored(signal: i32) -> bool {
    let mask = std::fs::read_to_string("/proc/self/status").ok().and_then(|status| {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
        u64::from_str_radix(mask.trim(), 16).ok()
    });
    // On other systems: a shell that makes a program ignore interrupts also redirects its standard input from the
    // terminal.
    mask.map_or_else(|| !stdin().is_terminal(), |mask| mask >> (signal - 1) & 1 == 1)
}
