//! A batch against a server that dies at each octet of the conversation, in either direction.

use std::io::ErrorKind;

use crate::bare::Bare;
use crate::maildrop::Mail;
use crate::script::{
    Action, BatchCommand, BatchPlan, Failure, Note, Parting, Reading, Record, Script, Value, Why, play,
};
use crate::wire::{Death, Scene, Schedule};
use crate::{Blocking, Tokio};

const MAILS: [&str; 4] = ["Subject: 1\n\n.\n..x\n", "body\n", "", "+OK not a status\r\n.\r\n"];

fn scene(pipelining: bool, refuses: bool) -> Scene {
    let mail = |content: &&str| Mail { id: "id".into(), content: content.as_bytes().to_vec() };
    let mails = MAILS.iter().map(mail).collect();
    Scene { mails, max_read: 5, pipelining, timestamp: false, refuses, window: 18 }
}

fn script(reading: Reading) -> Script {
    let plan = |each, numbers| Action::Batch(BatchPlan { each, numbers, items: usize::MAX, stops: false, reading });
    let marked = vec![1, 3, 4].into();
    let actions = vec![plan(BatchCommand::Retrieve, None), plan(BatchCommand::Delete, marked)];
    Script { logins: vec![(None, true)], actions, quits: true }
}

/// Ends of the runs of octets that are counted.
fn ends(octets: &[u8], run: &[u8]) -> Vec<usize> {
    (0..=octets.len()).filter(|&at| octets[..at].ends_with(run)).collect()
}

/// The record of a session without a failure, from which the results of a session with one follow.
struct Ideal {
    record: Record,
    said: Vec<u8>,
    heard: Vec<u8>,
}

impl Ideal {
    /// Returns how many answers arrive whole: to RETR, DELE and QUIT.
    fn whole(&self, life: (usize, usize)) -> [usize; 3] {
        let asked = |keyword: &str| {
            let lines = self.said[..life.0.min(self.said.len())].split_inclusive(|&octet| octet == b'\n');
            lines.filter(|line| line.starts_with(keyword.as_bytes()) && line.ends_with(b"\n")).count()
        };
        let heard = &self.heard[..life.1.min(self.heard.len())];
        // After those of CAPA and LIST, the terminators belong to messages, whose own dots are stuffed.
        let terminators = ends(heard, b"\r\n.\r\n");
        let messages = terminators.len().saturating_sub(2).min(MAILS.len());
        let rest = if messages == MAILS.len() { &heard[terminators[MAILS.len() + 1]..] } else { &[] };
        let lines = ends(rest, b"\n").len();
        // A list of one message, which has three lines, and the answer to QUIT come after the deletions.
        let quits = lines.saturating_sub(3 + 3);
        [messages.min(asked("RETR")), lines.min(3).min(asked("DELE")), quits.min(asked("QUIT"))]
    }
}

/// Some adapters notice sooner than others that a link was closed.
fn kind(failure: &Failure, death: Death) -> Failure {
    let why = match &failure.why {
        Why::Closed(_) if death == Death::Swallows => Why::Closed(true),
        why => why.clone(),
    };
    Failure { why, ..failure.clone() }
}

fn check(ideal: &Ideal, schedule: &Schedule, record: &Record, said: &[u8]) {
    let whole = ideal.whole(schedule.life);
    let is_message = |note: &&Note| matches!(note, Ok(Value::Octets(_, _, true)));
    let notes = record.notes.first().map(Vec::as_slice).unwrap_or_default();
    let good: Vec<_> = notes.iter().take_while(is_message).collect();
    assert_eq!(good, ideal.record.notes[0].iter().take(whole[0]).collect::<Vec<_>>(), "the whole ones, and exactly");
    assert!(notes[good.len()..].iter().all(Result::is_err), "a part is taken for the whole: {notes:?}");
    if record.notes.len() == 2 {
        let marked = record.notes[1].iter().filter(|note| matches!(note, Ok(Value::Number(_)))).count();
        assert_eq!(marked, whole[1]);
    } else {
        assert_eq!(whole[1], 0);
    }
    for failure in record.notes.iter().flatten().filter_map(|note| note.as_ref().err()) {
        assert!(!failure.goes_on);
        let over = "the session is over";
        match (&failure.why, schedule.death) {
            (Why::Closed(_), Death::Closes | Death::Resets | Death::Swallows)
            | (Why::Transport(ErrorKind::TimedOut), Death::Hangs) => {}
            (Why::UsageError(why), Death::Hangs) if why == over => {}
            other => panic!("{other:?}"),
        }
    }
    let reasons = record.notes.iter().flatten().filter_map(|note| note.as_ref().err());
    if let Some(first) = reasons.into_iter().next() {
        assert!(!matches!(first.why, Why::UsageError(_)), "the first error has the reason: {first:?}");
    }

    let failed = record.notes.len() < 2 || record.notes.iter().flatten().any(Result::is_err);
    let asked = said.ends_with(b"QUIT\r\n");
    match &record.parting {
        Parting::Lost(failure) => assert!(!record.logged_in && !failure.goes_on),
        Parting::Quit | Parting::Refused => {
            assert!(!failed && whole[2] == 1);
            assert_eq!(record.parting, ideal.record.parting);
        }
        Parting::NotSent => assert!(record.logged_in && whole[2] == 0 && ends(said, b"\r\nQ").is_empty()),
        Parting::Unknown => assert!(!failed && whole[2] == 0),
        Parting::Abandoned => unreachable!("it quits"),
    }
    let removed = if asked { &ideal.record.removed } else { &None };
    assert_eq!(&record.removed, removed, "only QUIT removes");
}

fn agree(records: &[Record], schedule: &Schedule) {
    let parting = |record: &Record| match record.parting {
        // An adapter that checks finds the connection closed; one that does not check sends QUIT.
        Parting::NotSent | Parting::Unknown if record.notes.len() == 2 => Parting::NotSent,
        Parting::Lost(ref failure) => Parting::Lost(kind(failure, schedule.death)),
        ref other => other.clone(),
    };
    let notes = |record: &Record| {
        let known = |note: &Note| note.clone().map_err(|failure| kind(&failure, schedule.death));
        let kinds = |notes: &Vec<Note>| notes.iter().map(known).collect();
        record.notes.iter().map(kinds).collect::<Vec<Vec<_>>>()
    };
    for record in &records[1..] {
        assert_eq!(notes(record), notes(&records[0]), "{schedule:?}");
        assert_eq!(parting(record), parting(&records[0]), "{schedule:?}");
        assert_eq!((record.logged_in, &record.removed), (records[0].logged_in, &records[0].removed));
    }
}

fn at_each_octet(pipelining: bool, refuses: bool, reading: Reading, rarity: usize) {
    let (scene, script) = (scene(pipelining, refuses), script(reading));
    let (record, (said, heard)) = play::<Bare>(&scene, &script, &Schedule::IDEAL);
    assert_eq!(record.parting, if refuses { Parting::Refused } else { Parting::Quit });
    let ideal = Ideal { record, said, heard };
    assert_eq!(ideal.whole((usize::MAX, usize::MAX)), [4, 3, 1], "this is what is counted");
    let ups = (0..ideal.said.len()).map(|up| (up, usize::MAX));
    let downs = (0..ideal.heard.len()).map(|down| (usize::MAX, down));
    for (nth, life) in ups.chain(downs).enumerate() {
        // Each place has some of the deaths, its neighbours the others.
        for death in Death::ALL.into_iter().skip(nth % rarity).step_by(rarity) {
            // Nothing cut; single octets; some of everything, another mixture at each place.
            let throws = match nth % 3 {
                0 => Vec::new(),
                1 => vec![5],
                _ => (0..7).map(|n| u8::try_from((nth * 31 + n * 57) % 256).unwrap()).collect(),
            };
            let schedule = Schedule { throws, queue: 1 + nth % 50, life, death };
            let (records, said): (Vec<_>, Vec<_>) = [
                play::<Bare>(&scene, &script, &schedule),
                play::<Blocking>(&scene, &script, &schedule),
                play::<Tokio>(&scene, &script, &schedule),
            ]
            .into_iter()
            .map(|(record, (said, _))| (record, said))
            .unzip();
            for (record, said) in records.iter().zip(&said) {
                check(&ideal, &schedule, record, said);
            }
            agree(&records, &schedule);
        }
    }
}

#[test]
fn pipelined() {
    at_each_octet(true, false, Reading::Whole, 2);
}

#[test]
fn one_by_one() {
    at_each_octet(false, false, Reading::UpTo(u64::MAX), 2);
}

#[test]
fn with_a_server_that_refuses_the_quit() {
    at_each_octet(true, true, Reading::UpTo(1 << 20), 4);
}
