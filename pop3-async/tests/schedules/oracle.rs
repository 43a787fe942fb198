//! The results that a script must have, by a naive reading of RFC 1939.

use std::collections::BTreeSet;

use pop3_async::Method;

use crate::script::{Action, BatchCommand, BatchPlan, Note, Parting, Reading, Record, Script, Value, Why};
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
    assert_eq!(record.notes.len(), script.actions.len(), "the link lives");
    for (action, notes) in script.actions.iter().zip(&record.notes) {
        oracle.check(action, notes);
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

    /// Returns the result of a action, or `None` for a refusal. Sets and clears the marks.
    fn expect(&mut self, action: &Action) -> Option<Value> {
        let listing = |number: u32| (number, self.size(number));
        let id = |number: u32| (number, self.scene.mails[number as usize - 1].id.clone().into_bytes());
        Some(match *action {
            Action::Stat => {
                let count = u32::try_from(self.live().count()).unwrap();
                Value::Totals(count, self.live().map(|number| self.size(number)).sum())
            }
            Action::List(None) => Value::Listings(self.live().map(listing).collect()),
            Action::List(Some(number)) => Value::Listings(vec![self.has(number).then(|| listing(number))?]),
            Action::UniqueIds(None) => Value::UniqueIds(self.live().map(id).collect()),
            Action::UniqueIds(Some(number)) => Value::UniqueIds(vec![self.has(number).then(|| id(number))?]),
            Action::Retrieve(number, reading) => self.message(number, None, reading)?,
            Action::Top(number, lines, reading) => self.message(number, Some(lines), reading)?,
            Action::Header(number) => self.message(number, Some(0), Reading::Whole)?,
            Action::Delete(number) => {
                let has = self.has(number) && self.marks.insert(number);
                has.then_some(Value::Done)?
            }
            Action::Reset => {
                self.marks.clear();
                Value::Done
            }
            Action::Noop => Value::Done,
            Action::Last => return None,
            Action::Capabilities => Value::Pipelining(self.scene.pipelining),
            Action::Batch(_) => unreachable!("it has more than one result"),
        })
    }

    fn check(&mut self, action: &Action, notes: &[Note]) {
        match action {
            Action::Batch(plan) => self.batch(plan, notes),
            action => {
                let expected = self.expect(action);
                let [note] = notes else { panic!("{action:?}: {notes:?}") };
                same(note, expected, action);
            }
        }
    }

    fn batch(&mut self, plan: &BatchPlan, notes: &[Note]) {
        let numbers = plan.numbers.clone().unwrap_or_else(|| self.live().collect());
        let (notes, listing) = match notes {
            [notes @ .., listing] if plan.each == BatchCommand::Delete => (notes, Some(listing)),
            notes => (notes, None),
        };
        // Messages in flight when a batch is stopped still arrive.
        let least = plan.items.min(numbers.len());
        let most = if plan.stops && plan.each == BatchCommand::Retrieve && self.scene.pipelining {
            numbers.len()
        } else {
            least
        };
        assert!((least..=most).contains(&notes.len()), "{plan:?}: {notes:?}");
        for (&number, note) in numbers.iter().zip(notes) {
            let one = match plan.each {
                BatchCommand::Retrieve => Action::Retrieve(number, plan.reading),
                BatchCommand::Header => Action::Header(number),
                BatchCommand::Delete => Action::Delete(number),
            };
            let mut expected = self.expect(&one);
            if plan.each == BatchCommand::Delete {
                expected = expected.map(|_| Value::Number(number));
            }
            same(note, expected, &one);
        }
        if let Some(listing) = listing {
            // Beyond the last item that was waited for, those in flight are marked too: some, in their order.
            let mut beyond = numbers[notes.len()..].iter();
            while self.expect(&Action::List(None)).map(Ok).as_ref() != Some(listing) {
                assert!(self.scene.pipelining, "{plan:?}: {listing:?}");
                let number = beyond.next().unwrap_or_else(|| panic!("{plan:?}: {listing:?}"));
                self.expect(&Action::Delete(*number));
            }
        }
    }
}

fn same(note: &Note, expected: Option<Value>, action: &Action) {
    match (note, expected) {
        (Ok(value), Some(expected)) => assert_eq!(*value, expected, "{action:?}"),
        (Err(failure), None) => {
            assert!(failure.goes_on && matches!(failure.why, Why::Refused(_)), "{action:?}: {failure:?}");
        }
        (note, expected) => panic!("{action:?}: {note:?} instead of {expected:?}"),
    }
}
