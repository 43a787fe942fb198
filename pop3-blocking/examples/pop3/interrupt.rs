//! Signals that end the program, and what it does before: the terminal gets its echo back, and whoever waits for `fetch` is
//! told what that means. It dies by the signal all the same.

use std::fs::File;
use std::io::{IsTerminal, stderr, stdin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

/// Whether there is something to be told.
static FETCHES: AtomicBool = AtomicBool::new(false);

/// From now on the terminal is as it is now when a signal ends the program. (Ctrl-C that is typed is read by the prompt
/// itself, which raises the signal.)
pub(crate) fn restore_terminal() {
    let Ok(terminal) = File::open("/dev/tty") else { return };
    let Ok(before) = tcgetattr(&terminal) else { return };
    let Ok(signals) = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM]) else { return };
    thread::spawn(move || wait(signals, Some(&(terminal, before))));
}

/// From now on it is told what becomes of the mail.
pub(crate) fn tell_of_fetch() {
    FETCHES.store(true, Ordering::Relaxed);
    // One that is ignored, as where a shell runs the program in the background, remains so.
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
        // Another thread that waits for the same signal waits here, until all is over.
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
        // Below the progress bar.
        let begin = if stderr().is_terminal() { "\n" } else { "" };
        eprintln!("{begin}pop3: interrupted: what is stored stays; run again to go on");
        let _ = told.send(());
    });
    // Where nobody reads it the program dies in any case.
    let _ = is_told.recv_timeout(Duration::from_millis(200));
}

fn is_ignored(signal: i32) -> bool {
    let mask = std::fs::read_to_string("/proc/self/status").ok().and_then(|status| {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
        u64::from_str_radix(mask.trim(), 16).ok()
    });
    // Elsewhere: a shell takes the terminal from what it has ignore its interrupts.
    mask.map_or_else(|| !stdin().is_terminal(), |mask| mask >> (signal - 1) & 1 == 1)
}
