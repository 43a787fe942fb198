//! The results that a script must have, by a naive reading of RFC 1939.

use std::collections::BTreeSet;

use pop3_async::Method;

use crate::script::{BatchCommand, Deed, Lot, Note, Parting, Reading, Record, Script, Value, Why};
use crate::wire::Scene;

struct Oracle<'a> {
    scene: &'a Scene,
    marks: BTreeSet<u32>,
}

/// Checks the record of a script whose link lived.
pub(crate) fn judge(scene: &Scene, script: &Script, record: &Record) {
    let proves =
        |&(mechanism, right): &(Option<Method>, bool)| right && (mechanism != Some(Method::Apop) || scene.timestamp);
    let refused = script.logins.iter().take_while(|login| !proves(login)).count();
    assert_eq!(record.refusals.len(), refused);
    assert_eq!(record.logged_in, refused < script.logins.len());
    if !record.logged_in {
        assert_eq!((&record.notes, &record.parting, &record.removed), (&Vec::new(), &Parting::Quit, &None));
        return;
    }
    let mut oracle = Oracle { scene, marks: BTreeSet::new() };
    assert_eq!(record.notes.len(), script.deeds.len(), "the link lives");
    for (deed, notes) in script.deeds.iter().zip(&record.notes) {
        oracle.check(deed, notes);
    }
    let removed = oracle.marks.into_iter().collect();
    let (parting, removed) = match (script.quits, scene.refuses) {
        (false, _) => (Parting::Abandoned, None),
        (true, true) => (Parting::Refused, None),
        (true, false) => (Parting::Quit, Some(removed)),
    };
    assert_eq!((&record.parting, &record.removed), (&parting, &removed));
}

impl Oracle<'_> {
    fn live(&self) -> impl Iterator<Item = u32> {
        let all = (1..).zip(&self.scene.mails).filter(|(number, _)| !self.marks.contains(number));
        all.map(|(number, _)| number)
    }

    fn has(&self, number: u32) -> bool {
        self.live().any(|live| live == number)
    }

    fn size(&self, number: u32) -> u64 {
        self.sent(number, None).len() as u64
    }

    fn sent(&self, number: u32, lines: Option<u32>) -> Vec<u8> {
        let mail = &self.scene.mails[number as usize - 1];
        lines.map_or_else(|| mail.sent(), |lines| mail.top(lines))
    }

    fn message(&self, number: u32, lines: Option<u32>, reading: Reading) -> Option<Value> {
        let mut octets = self.has(number).then(|| self.sent(number, lines))?;
        let mut whole = true;
        if let Reading::UpTo(enough) = reading {
            whole = (octets.len() as u64) < enough;
            octets.truncate(usize::try_from(enough).unwrap());
        }
        Some(Value::Octets(number, octets, whole))
    }

    /// Returns the result of a deed, or `None` for a refusal. Sets and clears the marks.
    fn expect(&mut self, deed: &Deed) -> Option<Value> {
        let listing = |number: u32| (number, self.size(number));
        let id = |number: u32| (number, self.scene.mails[number as usize - 1].id.clone().into_bytes());
        Some(match *deed {
            Deed::Stat => {
                let count = u32::try_from(self.live().count()).unwrap();
                Value::Totals(count, self.live().map(|number| self.size(number)).sum())
            }
            Deed::List(None) => Value::Listings(self.live().map(listing).collect()),
            Deed::List(Some(number)) => Value::Listings(vec![self.has(number).then(|| listing(number))?]),
            Deed::UniqueIds(None) => Value::UniqueIds(self.live().map(id).collect()),
            Deed::UniqueIds(Some(number)) => Value::UniqueIds(vec![self.has(number).then(|| id(number))?]),
            Deed::Retrieve(number, reading) => self.message(number, None, reading)?,
            Deed::Top(number, lines, reading) => self.message(number, Some(lines), reading)?,
            Deed::Header(number) => self.message(number, Some(0), Reading::Whole)?,
            Deed::Delete(number) => {
                let has = self.has(number) && self.marks.insert(number);
                has.then_some(Value::Done)?
            }
            Deed::Reset => {
                self.marks.clear();
                Value::Done
            }
            Deed::Noop => Value::Done,
            Deed::Last => return None,
            Deed::Capabilities => Value::Pipelining(self.scene.pipelining),
            Deed::Batch(_) => unreachable!("it has more than one result"),
        })
    }

    fn check(&mut self, deed: &Deed, notes: &[Note]) {
        match deed {
            Deed::Batch(lot) => self.batch(lot, notes),
            deed => {
                let expected = self.expect(deed);
                let [note] = notes else { panic!("{deed:?}: {notes:?}") };
                same(note, expected, deed);
            }
        }
    }

    fn batch(&mut self, lot: &Lot, notes: &[Note]) {
        let numbers = lot.numbers.clone().unwrap_or_else(|| self.live().collect());
        let (notes, listing) = match notes {
            [notes @ .., listing] if lot.each == BatchCommand::Delete => (notes, Some(listing)),
            notes => (notes, None),
        };
        // Messages in flight when a batch is stopped still arrive.
        let least = lot.items.min(numbers.len());
        let most = if lot.stops && lot.each == BatchCommand::Retrieve && self.scene.pipelining {
            numbers.len()
        } else {
            least
        };
        assert!((least..=most).contains(&notes.len()), "{lot:?}: {notes:?}");
        for (&number, note) in numbers.iter().zip(notes) {
            let one = match lot.each {
                BatchCommand::Retrieve => Deed::Retrieve(number, lot.reading),
                BatchCommand::Header => Deed::Header(number),
                BatchCommand::Delete => Deed::Delete(number),
            };
            let mut expected = self.expect(&one);
            if lot.each == BatchCommand::Delete {
                expected = expected.map(|_| Value::Number(number));
            }
            same(note, expected, &one);
        }
        if let Some(listing) = listing {
            // Beyond the last item that was waited for, those in flight are marked too: some, in their order.
            let mut beyond = numbers[notes.len()..].iter();
            while self.expect(&Deed::List(None)).map(Ok).as_ref() != Some(listing) {
                assert!(self.scene.pipelining, "{lot:?}: {listing:?}");
                let number = beyond.next().unwrap_or_else(|| panic!("{lot:?}: {listing:?}"));
                self.expect(&Deed::Delete(*number));
            }
        }
    }
}

fn same(note: &Note, expected: Option<Value>, deed: &Deed) {
    match (note, expected) {
        (Ok(value), Some(expected)) => assert_eq!(*value, expected, "{deed:?}"),
        (Err(failure), None) => {
            assert!(failure.goes_on && matches!(failure.why, Why::Refused(_)), "{deed:?}: {failure:?}");
        }
        (note, expected) => panic!("{deed:?}: {note:?} instead of {expected:?}"),
    }
}
