//! A ring of the kernel, and a simulated ring with the same interface that uses blocking calls.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;

/// A ring with one connection. (With many, each entry would name its connection.)
pub(crate) trait Ring {
    /// Begins to read into `buffer[from..]`, or to write it. The ring owns the buffer until the operation is complete.
    fn push(&mut self, operation: Operation, buffer: Vec<u8>, from: usize) -> io::Result<()>;

    /// Waits until one operation is complete. Returns the operation, its buffer and the number of octets transferred.
    fn complete(&mut self) -> io::Result<(Operation, Vec<u8>, usize)>;
}

/// An operation. At most one of each is in flight.
#[derive(Clone, Copy)]
pub(crate) enum Operation {
    Read,
    Write,
}

/// The kernel's ring.
///
/// It needs unsafe code: the kernel reads and writes memory after the call has returned, which the compiler does not
/// know. No library can avoid this for a loop that owns its buffers. The code is sound because a buffer is moved into
/// the ring, and returned when the kernel has finished with it.
#[cfg(target_os = "linux")]
mod kernel {
    use std::io::{self, ErrorKind};
    use std::mem;
    use std::net::TcpStream;
    use std::os::fd::AsRawFd;

    use io_uring::types::Fd;
    use io_uring::{IoUring, Probe, opcode};

    use super::{Operation, Ring};

    pub(crate) struct KernelRing {
        ring: IoUring,
        stream: TcpStream,
        /// The buffers that the kernel may be using.
        in_flight: [Option<Vec<u8>>; 2],
    }

    impl KernelRing {
        /// Creates a ring. Fails if the kernel is too old or does not permit rings.
        pub(crate) fn new(stream: TcpStream) -> io::Result<KernelRing> {
            let (ring, mut probe) = (IoUring::new(4)?, Probe::new());
            ring.submitter().register_probe(&mut probe)?;
            if !probe.is_supported(opcode::Recv::CODE) || !probe.is_supported(opcode::Send::CODE) {
                return Err(ErrorKind::Unsupported.into());
            }
            Ok(KernelRing { ring, stream, in_flight: [None, None] })
        }
    }

    impl Ring for KernelRing {
        fn push(&mut self, operation: Operation, buffer: Vec<u8>, from: usize) -> io::Result<()> {
            let place = &mut self.in_flight[operation as usize];
            assert!(place.is_none(), "one of each at a time");
            let room = &mut place.insert(buffer)[from..];
            let (fd, at, len) =
                (Fd(self.stream.as_raw_fd()), room.as_mut_ptr(), room.len().try_into().unwrap_or(u32::MAX));
            let entry = match operation {
                Operation::Read => opcode::Recv::new(fd, at, len).build(),
                Operation::Write => opcode::Send::new(fd, at, len).build(),
            };
            // SAFETY: `at` and `len` lie inside a buffer that stays in `in_flight`, unmoved and untouched, until the
            // kernel reports that it has finished. Until then, the buffer is not freed and the stream is not closed.
            unsafe { self.ring.submission().push(&entry.user_data(operation as u64)) }.map_err(io::Error::other)
        }

        fn complete(&mut self) -> io::Result<(Operation, Vec<u8>, usize)> {
            loop {
                if let Some(entry) = self.ring.completion().next() {
                    let operation = if entry.user_data() == 0 { Operation::Read } else { Operation::Write };
                    let buffer = self.in_flight[operation as usize].take().ok_or(ErrorKind::InvalidData)?;
                    let octets = usize::try_from(entry.result());
                    let octets = octets.map_err(|_| io::Error::from_raw_os_error(-entry.result()))?;
                    return Ok((operation, buffer, octets));
                }
                // One system call submits the entries and waits. A signal may interrupt it.
                match self.ring.submit_and_wait(1) {
                    Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                    _ => {}
                }
            }
        }
    }

    impl Drop for KernelRing {
        /// Leaks the buffers, because the kernel may still write to them. (A loop that does this often would cancel the
        /// operations and wait until they are cancelled.)
        fn drop(&mut self) {
            self.in_flight.iter_mut().for_each(|buffer| mem::forget(buffer.take()));
        }
    }
}

/// A ring of blocking calls. It writes before it reads, because a read may wait for the answer to a command not written
/// yet.
struct SimulatedRing {
    stream: TcpStream,
    in_flight: [Option<(Vec<u8>, usize)>; 2],
}

impl Ring for SimulatedRing {
    fn push(&mut self, operation: Operation, buffer: Vec<u8>, from: usize) -> io::Result<()> {
        self.in_flight[operation as usize] = Some((buffer, from));
        Ok(())
    }

    fn complete(&mut self) -> io::Result<(Operation, Vec<u8>, usize)> {
        let [read, write] = &mut self.in_flight;
        if let Some((buffer, from)) = write.take() {
            let octets = self.stream.write(&buffer[from..])?;
            return Ok((Operation::Write, buffer, octets));
        }
        let (mut buffer, from) = read.take().ok_or(ErrorKind::InvalidInput)?;
        let octets = self.stream.read(&mut buffer[from..])?;
        Ok((Operation::Read, buffer, octets))
    }
}

/// Returns the kernel's ring if there is one, else the simulated ring, and its name.
pub(crate) fn new(stream: TcpStream) -> io::Result<(Box<dyn Ring>, &'static str)> {
    #[cfg(target_os = "linux")]
    if std::env::var_os("SIMULATED_RING").is_none() {
        if let Ok(ring) = kernel::KernelRing::new(stream.try_clone()?) {
            return Ok((Box::new(ring), "io_uring"));
        }
    }
    Ok((Box::new(SimulatedRing { stream, in_flight: [None, None] }), "a simulated ring"))
}
