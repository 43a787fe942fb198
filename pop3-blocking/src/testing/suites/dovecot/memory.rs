//! A large message needs little memory. The test is a program of its own, so that no other test is measured.

use std::fs::File;
use std::io::{BufWriter, Read, Write};

use super::super::adapter::{Adapter, Reader as _, Session as _};
use super::user::User;

/// Different lines of one length: 78 octets and LF.
fn line(n: u32) -> [u8; 79] {
    let mut line = *b".00000000 a line that begins with a dot, as long as most lines are in the mail\n";
    for (digit, space) in line[1..9].iter_mut().enumerate() {
        *space = b"0123456789abcdef"[(n >> (28 - 4 * digit)) as usize & 15];
    }
    line
}

/// The most memory that this process has had, in octets.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let kibibytes = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix("kB")).unwrap();
    kibibytes.trim().parse::<u64>().unwrap() * 1024
}

pub fn a_message_of_64_mib_in_flat_memory<A: Adapter>() {
    const LINES: u32 = 64 * 1024 * 1024 / 80;
    let user = User::with("huge", &[b"Subject: small\n\n.\n"]);
    let mut file = BufWriter::new(File::create(user.next_file()).unwrap());
    file.write_all(b"Subject: huge\n\n").unwrap();
    (0..LINES).for_each(|n| file.write_all(&line(n)).unwrap());
    drop(file);

    let mut session = user.open::<A>();
    session.retrieve(1).unwrap().into_message().unwrap();
    assert!(session.list_one(2).unwrap().octets > 63 * 1024 * 1024);

    let before = peak();
    let mut message = session.retrieve(2).unwrap();
    let mut received = [0; 80];
    message.read_exact(&mut received[..17]).unwrap();
    assert_eq!(&received[..17], b"Subject: huge\r\n\r\n");
    for n in 0..LINES {
        message.read_exact(&mut received).unwrap();
        assert!(received[..78] == line(n)[..78] && received[78..] == *b"\r\n", "line {n}");
    }
    assert_eq!(message.read(&mut received).unwrap(), 0);
    drop(message);
    let growth = peak() - before;
    assert!(growth < 1024 * 1024, "{growth} octets");
    println!("64 MiB read; the peak grew by {growth} octets to {}", peak());

    // Skipping it costs no more.
    session.retrieve(2).unwrap();
    assert_eq!(session.stat().unwrap().messages, 2);
    assert!(peak() - before < 1024 * 1024);
    session.quit().unwrap();
}
