//! The example `fixed` in a program without std and without an allocator. Linking shows that the session's code needs
//! neither, and an exit status of 0 shows that the session works.
#![no_std]
#![no_main]

use core::convert::Infallible;
use core::ffi::c_int;
use core::panic::PanicInfo;

#[path = "../../../examples/fixed/session.rs"]
mod session;

use session::{Failure, Session, Wire};

// This links Linux's start-up code, memcpy and similar functions, which the compiler expects.
#[link(name = "c")]
unsafe extern "C" {
    safe fn abort() -> !;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    abort()
}

/// Lines that the client must send, and the answers. The digest is that of RFC 1939, section 7.
const SCRIPT: [(&[u8], &[u8]); 5] = [
    (b"", b"+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>\r\n"),
    (b"APOP mrose c4c9334bac560ecc979e58001b3e22fb\r\n", b"+OK maildrop has 1 message\r\n"),
    (b"STAT\r\n", b"+OK 1 369\r\n"),
    (b"TOP 1 0\r\n", b"+OK\r\nFrom: a@example.org\r\nSubject: no heap\r\n\r\n.\r\n"),
    (b"QUIT\r\n", b"+OK bye\r\n"),
];

/// A server made of the script, on a line that carries seven octets at a time.
struct Script {
    turn: usize,
    told: usize,
}

impl Wire for Script {
    type Error = Infallible;

    fn read(&mut self, room: &mut [u8]) -> Result<usize, Infallible> {
        let rest = &SCRIPT[self.turn].1[self.told..];
        let octets = rest.len().min(room.len()).min(7);
        room[..octets].copy_from_slice(&rest[..octets]);
        self.told += octets;
        Ok(octets)
    }

    fn write(&mut self, octets: &[u8]) -> Result<(), Infallible> {
        self.turn += 1;
        self.told = 0;
        assert!(SCRIPT[self.turn].0 == octets);
        Ok(())
    }
}

fn talk() -> Result<bool, Failure<Infallible>> {
    let mut session = Session::open(Script { turn: 0, told: 0 }, "mrose", b"tanstaaf")?;
    let stat = session.stat()?;
    let mut display = [0; 40];
    let subject = session.subject(1, &mut display)?;
    let right = (stat.messages, stat.octets, subject) == (1, 369, b"no heap");
    session.quit()?;
    Ok(right)
}

// SAFETY: the name is the C start-up code's, called by it once, and nothing else here has it.
#[unsafe(no_mangle)]
extern "C" fn main() -> c_int {
    c_int::from(!matches!(talk(), Ok(true)))
}
