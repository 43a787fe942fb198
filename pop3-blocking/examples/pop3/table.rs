//! The rows of `index` as text: a table that fits the terminal, or columns for scripts.

use std::borrow::Cow;
use std::io::{IsTerminal, stdout};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use pop3_blocking::pop3_proto::wire::{ScanListing, Text};
use unicode_width::UnicodeWidthChar;

use crate::index::Entry;

/// A narrower terminal gets a table of this width.
const NARROWEST: usize = 32;

/// From this width on, dates have a time of day, and columns are two spaces apart.
const WIDE: usize = 60;

/// The form of the rows.
#[derive(Debug)]
pub(crate) enum Table {
    /// Columns that are cut to the width of the terminal.
    Terminal(Columns),
    /// Columns of any length, with a tab between them, because the output is read by a program.
    Tabs,
}

/// The widths of columns, in cells of the terminal.
#[derive(Debug)]
pub(crate) struct Columns {
    gap: &'static str,
    number: usize,
    date: usize,
    from: usize,
    subject: usize,
    zone: TimeZone,
    now: Timestamp,
}

impl Table {
    pub(crate) fn new(listings: &[ScanListing]) -> Table {
        if !stdout().is_terminal() {
            return Table::Tabs;
        }
        let width = terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0));
        Table::Terminal(Columns::new(width.max(NARROWEST), listings))
    }

    /// Returns the line above the rows.
    pub(crate) fn heading(&self) -> Option<String> {
        match self {
            Table::Terminal(columns) => Some(columns.row(["N", "Size", "Date", "From", "Subject"].map(Cow::from))),
            Table::Tabs => None,
        }
    }

    pub(crate) fn line(&self, entry: &Entry) -> String {
        let (number, subject) = (entry.number.to_string(), entry.subject.as_deref().unwrap_or_default());
        match self {
            Table::Terminal(columns) => {
                let date = entry.date.map_or(String::new(), |date| columns.date(date));
                let (size, from) = (short(entry.octets), visible(entry.sender()));
                columns.row([number.into(), size.into(), date.into(), from.into(), visible(subject).into()])
            }
            Table::Tabs => {
                let date = entry.date.map_or(String::new(), |date| date.to_string());
                let columns = [number, entry.octets.to_string(), date, visible(entry.sender()), visible(subject)];
                columns.join("\t")
            }
        }
    }
}

impl Columns {
    /// The width of the column of sizes.
    const SIZE: usize = 4;

    fn new(width: usize, listings: &[ScanListing]) -> Columns {
        let (gap, date) = if width < WIDE { (" ", "Nov 28".len()) } else { ("  ", "2026-11-28 10:54".len()) };
        let largest = listings.iter().map(|listing| listing.number).max().unwrap_or(1);
        let number = largest.to_string().len();
        let rest = width.saturating_sub(number + Columns::SIZE + date + 4 * gap.len());
        let from = (rest / 3).max(4);
        let subject = rest.saturating_sub(from).max(4);
        Columns { gap, number, date, from, subject, zone: TimeZone::system(), now: Timestamp::now() }
    }

    fn row(&self, [number, size, date, from, subject]: [Cow<'_, str>; 5]) -> String {
        let Columns { gap, number: width, .. } = self;
        let date = fit(&date, self.date, true);
        let from = fit(&from, self.from, true);
        let subject = fit(&subject, self.subject, false);
        let row = format!(
            "{number:>width$}{gap}{size:>size_width$}{gap}{date}{gap}{from}{gap}{subject}",
            size_width = Columns::SIZE
        );
        row.trim_end().to_owned()
    }

    /// Returns the date in the local time zone. If there is no space for all of it, returns the day, or the year of a
    /// day that is not in the last months.
    fn date(&self, date: Timestamp) -> String {
        let is_recent = (self.now.as_second() - date.as_second()).unsigned_abs() < 360 * 24 * 60 * 60;
        let date = date.to_zoned_datetime(self.zone.clone());
        let format = match self.date {
            16.. => "%Y-%m-%d %H:%M",
            _ if is_recent => "%b %e",
            _ => "%Y",
        };
        date.strftime(format).to_string()
    }
}

/// Returns a size in at most four characters: `999`, `9.9k`, `99k`, `999k`, `9.9M`.
fn short(octets: u64) -> String {
    if octets < 1000 {
        return octets.to_string();
    }
    let (mut rest, mut unit) = (octets, "");
    for name in ["k", "M", "G", "T", "P", "E"] {
        unit = name;
        if rest < 1_000_000 {
            break;
        }
        rest /= 1000;
    }
    if rest < 10_000 { format!("{}.{}{unit}", rest / 1000, rest / 100 % 10) } else { format!("{}{unit}", rest / 1000) }
}

/// Returns a text of a mail in one line. Characters that could change how the terminal shows others are escaped.
fn visible(text: &str) -> String {
    /// No script puts more marks above one letter.
    const MARKS: usize = 4;
    let words: Vec<_> = text.split_whitespace().collect();
    let mut marks = 0;
    let mut visible = Text::new(words.join(" ").as_bytes()).to_string();
    visible.retain(|c| {
        marks = if c.width() == Some(0) { marks + 1 } else { 0 };
        marks <= MARKS
    });
    visible
}

/// Returns the text with exactly this width, or at most this width if it is not to be `filled`.
fn fit(text: &str, width: usize, filled: bool) -> String {
    let width_of = |c: char| c.width().unwrap_or(0);
    let whole: usize = text.chars().map(width_of).sum();
    let (mut cut, mut used) = (String::new(), 0);
    let limit = if whole > width { width.saturating_sub(1) } else { width };
    for c in text.chars() {
        if used + width_of(c) > limit {
            break;
        }
        used += width_of(c);
        cut.push(c);
    }
    if whole > width && width > 0 {
        cut.push('…');
        used += 1;
    }
    if filled {
        cut.extend(std::iter::repeat_n(' ', width.saturating_sub(used)));
    }
    cut
}
