//! Law 7, by instruction counts: the work for hostile octets is linear, for the client, the server, the conversation,
//! the parser of messages, and the search of texts for secrets.
//!
//! Each shape is played with `n`, `2n` and `4n` octets, as a whole and one octet at a time. valgrind counts the
//! instructions, so neither the machine nor its load matters.
#![cfg(all(feature = "testing", target_os = "linux"))]

mod client;
mod conversation;
mod message;
mod server;

use std::path::Path;
use std::process::Command;

/// The octets of the smallest play.
const OCTETS: usize = 2048;
/// The largest ratio for a doubling: the mean of two, because buffers grow in steps.
const LIMIT: f64 = 2.1;
const SIZES: [usize; 3] = [OCTETS, 2 * OCTETS, 4 * OCTETS];

/// A play that is ready: only the call is counted.
type Play = Box<dyn FnOnce()>;

/// Octets from a peer, by name, and a function that prepares the play of so many octets, in reads of the other number
/// of octets.
type Shape = (&'static str, fn(usize, usize) -> Play);

fn shapes() -> impl Iterator<Item = Shape> {
    [client::SHAPES, server::SHAPES, conversation::SHAPES, message::SHAPES].into_iter().flatten().copied()
}

/// Returns all plays in their order, each with its name.
fn plays() -> impl Iterator<Item = (String, Play)> {
    shapes().flat_map(|(name, prepare)| {
        ["whole", "octet by octet"].into_iter().flat_map(move |how| {
            SIZES.into_iter().map(move |octets| {
                let read = if how == "whole" { octets } else { 1 };
                (format!("{name}, {how}"), prepare(octets, read))
            })
        })
    })
}

/// Returns `octets` octets of `piece`, repeated.
fn repeated(piece: &[u8], octets: usize) -> Vec<u8> {
    piece.iter().copied().cycle().take(octets).collect()
}

/// Runs a play. valgrind begins to count where this function is called, by its name.
#[inline(never)]
fn counted(play: Play) {
    play();
    finished();
}

/// The end of what is counted.
#[inline(never)]
fn finished() {
    std::hint::black_box(());
}

#[test]
#[ignore = "needs valgrind: `law_7_the_work_is_linear_by_instructions` runs it there; alone, it counts nothing"]
fn play_all() {
    // The first play of each shape also counts what is done only once in a process.
    for (_, prepare) in shapes() {
        prepare(OCTETS, OCTETS)();
    }
    for (_, play) in plays() {
        counted(play);
    }
}

#[test]
#[ignore = "needs valgrind"]
fn law_7_the_work_is_linear_by_instructions() {
    let folder = std::env::temp_dir().join(format!("pop3-work-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let counts = count(&folder);
    std::fs::remove_dir_all(&folder).unwrap();
    let names: Vec<String> = plays().map(|(name, _)| name).collect();
    assert_eq!(counts.len(), names.len(), "one count for each play");
    let mut failed = Vec::new();
    println!("{:>9} {:>9} {:>9}  instructions for {SIZES:?} octets, and the ratio of a doubling", "n", "2n", "4n");
    for (counts, names) in counts.chunks(SIZES.len()).zip(names.chunks(SIZES.len())) {
        #[allow(clippy::cast_precision_loss, reason = "the counts are small")]
        let ratio = (counts[2] as f64 / counts[0] as f64).sqrt();
        let line = format!("{:>9} {:>9} {:>9} {ratio:>5.2}  {}", counts[0], counts[1], counts[2], names[0]);
        println!("{line}");
        if ratio > LIMIT {
            failed.push(line);
        }
    }
    assert!(failed.is_empty(), "more than {LIMIT} for a doubling:\n{}", failed.join("\n"));
}

/// Runs all plays inside valgrind, and returns the instructions of each.
fn count(folder: &Path) -> Vec<u64> {
    let out = folder.join("out");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--dump-before=work::counted*", "--dump-before=work::finished*"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(std::env::current_exe().unwrap())
        .args(["play_all", "--exact", "--ignored", "--test-threads=1"])
        .output()
        .expect("valgrind is installed");
    let said = [&output.stdout, &output.stderr].map(|octets| String::from_utf8_lossy(octets));
    assert!(output.status.success(), "{}\n{}", said[0], said[1]);
    // Each dump has the next number, and counts what was done since the one before.
    let dumps = (1..).map(|number| folder.join(format!("out.{number}"))).take_while(|path| path.exists());
    let counts = dumps.filter_map(|path| {
        let dump = std::fs::read_to_string(&path).unwrap();
        if !dump.contains("Trigger: --dump-before=work::finished") {
            return None;
        }
        let total = dump.lines().find_map(|line| line.strip_prefix("totals: ")).expect("each dump has a total");
        Some(total.trim().parse().unwrap())
    });
    counts.collect()
}
