//! Measures how fast a message comes out of the octets of RETR, by the shape of its lines: as slices (`events`), copied
//! (`copy`), and two baselines in the same run, a memcpy of the same octets and a loop over single octets.
//!
//! `cargo bench -p pop3-proto`

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use pop3_proto::{Client, Command, Config, Event};

const READ: usize = 64 * 1024;
const OCTETS: usize = 16 << 20;

/// Lines as they stand on the wire, repeated to 16 MiB: without status line and terminator.
fn shapes() -> [(&'static str, Vec<u8>); 9] {
    let fill = |line: &[u8]| line.iter().copied().cycle().take(OCTETS / line.len() * line.len()).collect::<Vec<u8>>();
    let base64 = "TWFuIGlzIGRpc3Rpbmd1aXNoZWQsIG5vdCBvbmx5IGJ5IGhpcyByZWFzb24sIGJ1dCBieSB0aGlz\r\n";
    let prose = "Call me early. I was told that the ship, which is old, leaves at seven.\r\nBring\r\nwarm clothes, a lamp and what is left of the bread. Do not be late.\r\n";
    [
        ("base64", fill(base64.as_bytes())),
        ("prose", fill(prose.as_bytes())),
        ("dotted lines of 76", fill(&[b"..", [b'x'; 75].as_slice(), b"\r\n"].concat())),
        ("dotted lines of 40", fill(b"..345678901234567890123456789012345678\r\n")),
        ("two dots each line", fill(b"..\r\n")),
        ("dots of all kinds", dots()),
        ("dot and CR each line", fill(b".\r\r\n")),
        ("empty lines", fill(b"\r\n")),
        ("bare LF and dot", fill(b"\n.")),
    ]
}

/// Lines of 0 to 80 octets, of which six in ten begin with a dot.
fn dots() -> Vec<u8> {
    let mut random = 1_u32;
    let mut next = |below: u32| {
        random = random.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        (random >> 16) % below
    };
    let mut lines = Vec::new();
    while lines.len() < OCTETS {
        let (dots, others) = match next(10) {
            kind @ 0..3 => (kind + 1, 0),
            3 => (next(80) + 1, 0),
            4..6 => (1, next(41)),
            _ => (0, next(41)),
        };
        let dots = if dots == 0 { 0 } else { dots + 1 };
        lines.extend(std::iter::repeat_n(b'.', dots as usize));
        lines.extend(std::iter::repeat_n(b'a', others as usize));
        lines.extend(b"\r\n");
    }
    lines
}

/// Clients that have sent RETR and got `+OK`.
fn retrieving() -> Client {
    let mut client = Client::new(Config::default());
    let mut out = Vec::new();
    let hear = |client: &mut Client, mut line: &[u8]| {
        while client.receive(&mut line).expect("the transcript is right").is_some() {}
    };
    hear(&mut client, b"+OK\r\n");
    client.send(Command::User("u"), &mut out).expect("permitted");
    client.send(Command::Pass("p"), &mut out).expect("permitted");
    hear(&mut client, b"+OK\r\n+OK\r\n");
    client.send(Command::Retr(1), &mut out).expect("permitted");
    hear(&mut client, b"+OK\r\n");
    client
}

/// Gives each run of the message to `sink`, as an adapter would: what is left over comes back before the next read.
fn unstuff(client: &mut Client, wire: &[u8], mut sink: impl FnMut(&[u8])) {
    let (mut start, mut end) = (0, 0);
    while start < wire.len() {
        end = (end + READ).min(wire.len());
        let mut input = &wire[start..end];
        while let Some(event) = client.receive(&mut input).expect("the transcript is right") {
            if let Event::Body { bytes, .. } = event {
                sink(bytes);
            }
        }
        start = end - input.len();
        if end == wire.len() {
            break;
        }
    }
}

/// Copies the message into a buffer for each read.
fn copy(client: &mut Client, wire: &[u8], space: &mut [u8]) {
    let (mut start, mut end) = (0, 0);
    while end < wire.len() {
        end = (end + READ).min(wire.len());
        let mut input = &wire[start..end];
        while client.copy_body(&mut input, black_box(space)) > 0 {}
        start = end - input.len();
    }
}

/// Where the plain loop stands.
#[derive(Clone, Copy)]
enum At {
    LineStart,
    Dot,
    DotCr,
    Inside,
    Cr,
}

/// What anyone would write first: one octet after the other, until the terminator. Says whether it came.
fn plain_loop(wire: &[u8], mut sink: impl FnMut(u8)) -> bool {
    let mut at = At::LineStart;
    for &octet in wire {
        at = match (at, octet) {
            (At::LineStart, b'.') => At::Dot,
            (At::Dot, b'\r') => At::DotCr,
            (At::DotCr, b'\n') => return true,
            (At::Cr, b'\n') => {
                sink(octet);
                At::LineStart
            }
            (before, _) => {
                if let At::DotCr = before {
                    sink(b'\r');
                }
                sink(octet);
                if octet == b'\r' { At::Cr } else { At::Inside }
            }
        };
    }
    false
}

fn bodies(criterion: &mut Criterion) {
    for (shape, wire) in shapes() {
        let mut group = criterion.benchmark_group(shape);
        group.throughput(Throughput::Bytes(wire.len() as u64)).sample_size(20);
        let client = retrieving();
        group.bench_with_input(BenchmarkId::from_parameter("events"), &wire, |bencher, wire| {
            bencher.iter(|| unstuff(&mut client.clone(), wire, |run| _ = black_box(run)));
        });
        group.bench_with_input(BenchmarkId::from_parameter("copy"), &wire, |bencher, wire| {
            let mut space = vec![0; READ];
            bencher.iter(|| copy(&mut client.clone(), black_box(wire), &mut space));
        });
        group.bench_with_input(BenchmarkId::from_parameter("memcpy"), &wire, |bencher, wire| {
            let mut copy = vec![0; READ];
            bencher.iter(|| {
                for read in wire.chunks(READ) {
                    black_box(&mut copy[..read.len()]).copy_from_slice(black_box(read));
                }
            });
        });
        group.bench_with_input(BenchmarkId::from_parameter("plain loop"), &wire, |bencher, wire| {
            let mut copy = Vec::with_capacity(wire.len());
            bencher.iter(|| {
                copy.clear();
                assert!(!plain_loop(black_box(wire), |octet| copy.push(octet)));
            });
        });
        group.finish();
    }
}

criterion_group!(benches, bodies);
criterion_main!(benches);
