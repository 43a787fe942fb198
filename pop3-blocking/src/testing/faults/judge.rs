//! Checks of the result of a session against the octets that came through.
//!
//! The octets are read by a parser of the judge's own, which shares no code with the client.
//!
//! See [`faults`](super) for an example.

use std::io::ErrorKind;
use std::slice::Iter;

use super::fault::{Fault, Kind};
use super::maildrop::{PASSWORD, Scene, USER};
use super::reading::{Reading, Status, Stop, number, numbers};
use super::results::{Failure, Quit, Results, Value, Why};
use super::wire::{End, Record};

/// The session is over, or never was.
struct Over;

struct Judge<'a> {
    reading: Reading<'a>,
    record: &'a Record,
    notes: Iter<'a, Result<Value, Failure>>,
    quit: Option<&'a Quit>,
    /// The reason why it is over.
    why: Option<Why>,
}

/// Compares the results of a session with its record.
///
/// # Panics
///
/// Panics if the client should have reported something else, or if the report on QUIT does not agree with `removed`,
/// the messages that UPDATE removed.
pub fn judge(scene: &Scene, fault: Option<Fault>, record: &Record, results: &Results, removed: Option<&[u32]>) {
    let (notes, quit) = (results.notes.iter(), results.quit.as_ref());
    let mut judge = Judge { reading: Reading::new(record), record, notes, quit, why: None };
    let over = judge.session().is_err();
    // After the end, every call fails, for the same reason or because the session is over.
    for note in judge.notes {
        let Err(failure) = note else { panic!("{note:?} of a session that was over") };
        let same = failure.why == Why::Over || Some(&failure.why) == judge.why.as_ref();
        assert!(over && !failure.goes_on && same, "{failure:?}, after {:?}", judge.why);
        assert!(failure.part.as_ref().is_none_or(Vec::is_empty), "{failure:?}");
    }

    if let Some(quit) = judge.quit {
        let Quit::NotSent(failure) = quit else { panic!("{quit:?} after {:?}", judge.why) };
        assert!(over && (failure.why == Why::Over || Some(&failure.why) == judge.why.as_ref()), "{failure:?}");
    }

    let asked = record.said.windows(4).any(|run| run == b"QUIT");
    let honest = fault.is_none_or(|fault| is_honest(fault.kind));
    let marks =
        results.notes.iter().filter_map(|note| if let Ok(Value::Marked(number)) = note { Some(*number) } else { None });
    let mut marked: Vec<u32> = marks.collect();
    marked.sort_unstable();
    match &results.quit {
        Some(Quit::Committed) if honest => assert_eq!(removed, Some(&marked[..])),
        Some(Quit::Refused) if honest => assert!(scene.refuses && removed.is_none()),
        Some(Quit::NotSent(_)) | None => assert!(!asked && removed.is_none(), "a deletion that nobody speaks of"),
        _ => assert!(asked || removed.is_none()),
    }
    if honest {
        for note in &results.notes {
            let Ok(Value::Message(number, octets)) = note else { continue };
            assert!(scene.is_message(*number, octets), "message {number}");
        }
    }
}

impl Judge<'_> {
    fn session(&mut self) -> Result<(), Over> {
        match self.reading.greeting() {
            Ok(Ok(_)) => self.expect(&Value::Greeted),
            Ok(Err(())) => {
                let failure = self.failure();
                assert!(failure.why == Why::Refused && !failure.goes_on, "{failure:?}");
                return Err(Over);
            }
            Err(stop) => return Err(self.over(&["reading the greeting"], stop, None)),
        }
        self.login()?;
        let numbers = self.looks()?;
        let whole = self.retrieval(&numbers)?;
        self.deletion(&whole)?;
        self.quit();
        Ok(())
    }

    fn login(&mut self) -> Result<(), Over> {
        let (user, pass) = (format!("USER {USER}"), format!("PASS {PASSWORD}"));
        let operation: &[&str] = &["the login", "CAPA", &user, "PASS ***"];
        let capabilities = match self.ask(operation, "CAPA")? {
            Ok(_) => self.reading.listing().map_err(|stop| self.over(operation, stop, None))?,
            Err(()) => Vec::new(),
        };
        let announces = |name: &str| {
            let words = capabilities.iter().filter_map(|line| line.split(|&octet| octet == b' ').next());
            words.into_iter().any(|word| word.eq_ignore_ascii_case(name.as_bytes()))
        };
        self.reading.pipelining = announces("PIPELINING");
        let accepted = self.ask(operation, &user)?.is_ok();
        if !accepted && self.reading.pipelining && announces("USER") {
            self.reading.skip_pass(&pass);
        }
        if accepted && self.ask(operation, &pass)?.is_ok() {
            self.expect(&Value::LoggedIn);
            return Ok(());
        }
        self.refusal("the login");
        self.quit();
        Err(Over)
    }

    /// Compares STAT, LIST and UIDL, and returns the listed numbers.
    fn looks(&mut self) -> Result<Vec<u32>, Over> {
        match self.ask(&["STAT"], "STAT")? {
            Ok(text) => match numbers(&text) {
                Some((count, octets)) => self.expect(&Value::Totals(count, octets)),
                None => self.malformed("STAT"),
            },
            Err(()) => self.refusal("STAT"),
        }
        let listings = self.rows("LIST", |row| numbers(row).filter(|(number, _)| *number > 0))?;
        if let Some(listings) = &listings {
            self.expect(&Value::Listings(listings.clone()));
        }
        if let Some(ids) = self.rows("UIDL", unique_id)? {
            self.expect(&Value::UniqueIds(ids));
        }
        Ok(listings.unwrap_or_default().into_iter().map(|(number, _)| number).collect())
    }

    /// A listing, or `None` if that was an error of its own.
    fn rows<T>(&mut self, command: &str, parse: impl Fn(&[u8]) -> Option<T>) -> Result<Option<Vec<T>>, Over> {
        if self.ask(&[command], command)?.is_err() {
            self.refusal(command);
            return Ok(None);
        }
        let mut rows = Vec::new();
        loop {
            let row = self.reading.row().map_err(|stop| self.over(&[command], stop, None))?;
            let Some(row) = row else { return Ok(Some(rows)) };
            // Some servers put it in front of each row, and some send blank ones.
            let bare = row.strip_prefix(b"+OK ").unwrap_or(&row);
            match parse(bare) {
                _ if row.iter().all(|octet| b" \t".contains(octet)) => {}
                Some(value) => rows.push(value),
                None => {
                    self.malformed(command);
                    self.reading.skip_listing();
                    return Ok(None);
                }
            }
        }
    }

    fn retrieval(&mut self, numbers: &[u32]) -> Result<Vec<u32>, Over> {
        let mut whole = Vec::new();
        for &number in numbers {
            let command = format!("RETR {number}");
            if self.ask(&[&command], &command)?.is_err() {
                self.refusal(&command);
                continue;
            }
            let message = self.reading.message();
            let octets = message.map_err(|part| self.over(&[&command], Stop::Short, Some(&part)))?;
            self.expect(&Value::Message(number, octets));
            whole.push(number);
        }
        Ok(whole)
    }

    fn deletion(&mut self, whole: &[u32]) -> Result<(), Over> {
        for number in whole.iter().chain(whole.first()) {
            let command = format!("DELE {number}");
            match self.ask(&[&command], &command)? {
                Ok(_) => self.expect(&Value::Marked(*number)),
                Err(()) => self.refusal(&command),
            }
        }
        Ok(())
    }

    fn quit(&mut self) {
        let before = self.reading.before();
        let quit = self.quit.take();
        match (self.reading.ask("QUIT"), quit) {
            (Ok(Ok(_)), Some(Quit::Committed)) | (Ok(Err(())), Some(Quit::Refused)) => {}
            // It is on its way, or was tried.
            (Err(stop), Some(Quit::Unknown(failure))) if before.is_some() || self.record.unwritten.is_some() => {
                let why = match self.why(stop) {
                    Why::ClosedWhileIdle => Why::Closed,
                    why => why,
                };
                assert!(failure.why == why && failure.operation == "QUIT" && !failure.goes_on, "{failure:?}: {why:?}");
            }
            (Err(stop), Some(Quit::NotSent(failure))) if before.is_none() && self.record.unwritten.is_none() => {
                let why = self.why(stop);
                assert!(failure.why == why && failure.operation == "QUIT" && !failure.goes_on, "{failure:?}: {why:?}");
            }
            other => panic!("{other:?}"),
        }
    }

    fn ask(&mut self, operation: &[&str], command: &str) -> Result<Status, Over> {
        self.reading.ask(command).map_err(|stop| self.over(operation, stop, None))
    }

    fn note(&mut self) -> &Result<Value, Failure> {
        self.notes.next().expect("something was done")
    }

    fn expect(&mut self, value: &Value) {
        assert_eq!(self.note().as_ref(), Ok(value));
    }

    fn failure(&mut self) -> &Failure {
        let note = self.note();
        note.as_ref().expect_err("it failed")
    }

    fn refusal(&mut self, operation: &str) {
        let failure = self.failure();
        assert!(
            failure.why == Why::Refused && failure.goes_on && failure.operation == operation,
            "{failure:?}: {operation}"
        );
    }

    fn malformed(&mut self, operation: &str) {
        let failure = self.failure();
        assert!(
            failure.why == Why::Malformed && failure.goes_on && failure.operation == operation,
            "{failure:?}: {operation}"
        );
    }

    /// The first failure that ends the session.
    fn over(&mut self, operation: &[&str], stop: Stop, part: Option<&[u8]>) -> Over {
        let why = self.why(stop);
        let failure = self.failure();
        assert!(failure.why == why && !failure.goes_on, "{failure:?}: {why:?}, {stop:?}");
        assert!(operation.contains(&&*failure.operation), "{failure:?}: {operation:?}");
        if let Some(got) = &failure.part {
            // Octets that may begin a terminator are held back.
            let part = part.expect("a message had begun");
            assert!(part.starts_with(got) && part.len() - got.len() <= 1, "{failure:?}: {part:?}");
        }
        self.why = Some(why);
        Over
    }

    /// Returns the reason that the client gives for a stop.
    fn why(&self, stop: Stop) -> Why {
        match (stop, self.record.end, self.record.unwritten) {
            (Stop::Violation(violation), ..) => Why::Protocol(violation),
            // The client's time runs out.
            (Stop::Short | Stop::Unasked, None, _) => Why::Transport(ErrorKind::TimedOut),
            (Stop::Short | Stop::Unasked, Some(End::Failed(kind)), _) => Why::Transport(kind),
            (Stop::LastWords, ..) | (Stop::Unasked, Some(End::Closed), None) => Why::ClosedWhileIdle,
            // No command could be written completely, and nothing was heard since.
            (_, Some(End::Closed), Some(heard)) if heard == self.record.heard.len() && !self.has_received_a_line() => {
                Why::ClosedWhileIdle
            }
            (_, Some(End::Closed), _) => Why::Closed,
        }
    }

    /// Returns true if the server has a whole line that was written since the client last heard from it. What TLS
    /// carries is not looked at.
    fn has_received_a_line(&self) -> bool {
        let now = self.record.heard.len();
        let mut written = self.record.said.iter().zip(&self.record.since);
        self.record.encrypted.is_empty() && written.any(|(octet, since)| *octet == b'\n' && *since == now)
    }
}

/// A message number and its unique-id.
fn unique_id(row: &[u8]) -> Option<(u32, Vec<u8>)> {
    let row = row.trim_ascii_start();
    let digits = row.split(|&octet| octet == b' ').next()?;
    let number = u32::try_from(number(digits)?).ok().filter(|number| *number > 0)?;
    let behind = row[digits.len()..].strip_prefix(b" ")?;
    let begin = behind.iter().position(|&octet| octet != b' ').unwrap_or(behind.len());
    let end = behind.iter().rposition(|&octet| octet != b' ').map_or(begin, |last| last + 1);
    Some((number, behind[begin..end].to_vec()))
}

/// Returns true if all octets that arrive are those that were sent.
const fn is_honest(kind: Kind) -> bool {
    !matches!(kind, Kind::Inserts(_) | Kind::Flips(_) | Kind::Loses | Kind::Doubles)
}
