//! The messages that a command is about: numbers, ranges, and messages counted from the end.

use std::collections::{BTreeMap, HashSet};

use pop3_blocking::pop3_proto::wire::ScanListing;

use crate::failure::{Failure, Status};

/// An argument such as `1-7,9`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selection(Vec<Part>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// From the first number to the second one, which may be the end of the maildrop.
    Range(u32, Option<u32>),
    /// This many messages at the end.
    Last(u32),
}

/// The messages of all arguments of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// In the order of the arguments, each once.
    pub(crate) listings: Vec<ScanListing>,
    /// `true` if the arguments cannot name more than one message: they are a single number, or `last`.
    pub(crate) is_one: bool,
}

impl Selection {
    /// Parses an argument.
    pub(crate) fn parse(text: &str) -> Result<Selection, String> {
        text.split(',').map(Part::parse).collect::<Result<_, _>>().map(Selection)
    }

    /// Returns the number if the arguments are a single number.
    pub(crate) fn number(selections: &[Selection]) -> Option<u32> {
        match selections {
            [Selection(parts)] => match parts[..] {
                [Part::Range(first, Some(last))] if first == last => Some(first),
                _ => None,
            },
            _ => None,
        }
    }

    /// Returns the chosen messages of a maildrop that has these. A number that is not there is an error, so that a
    /// mistake is found before the command has any effect.
    pub(crate) fn choose(selections: &[Selection], listings: &[ScanListing]) -> Result<Chosen, Failure> {
        let there: BTreeMap<_, _> = listings.iter().map(|listing| (listing.number, *listing)).collect();
        let parts: Vec<_> = selections.iter().flat_map(|selection| &selection.0).copied().collect();
        let is_one = parts == [Part::Last(1)] || Selection::number(selections).is_some();
        let (mut chosen, mut seen) = (Vec::new(), HashSet::new());
        for part in parts {
            let of_part: Vec<_> = match part {
                Part::Range(first, last) => {
                    let is_there = |number: &u32| there.contains_key(number);
                    // All messages of an empty maildrop are none.
                    let is_all = first == 1 && last.is_none();
                    if let Some(number) =
                        [Some(first).filter(|_| !is_all), last].into_iter().flatten().find(|n| !is_there(n))
                    {
                        return Err(no_message(number, &there));
                    }
                    there.range(first..=last.unwrap_or(u32::MAX)).map(|(_, listing)| *listing).collect()
                }
                Part::Last(count) => {
                    let count = usize::try_from(count).unwrap_or(usize::MAX);
                    there.values().skip(there.len().saturating_sub(count)).copied().collect()
                }
            };
            chosen.extend(of_part.into_iter().filter(|listing| seen.insert(listing.number)));
        }
        Ok(Chosen { listings: chosen, is_one })
    }
}

impl Part {
    fn parse(text: &str) -> Result<Part, String> {
        let number = |text: &str| match text.parse() {
            Ok(0) => Err("message numbers begin at 1; `list` shows them".to_owned()),
            Ok(number) => Ok(number),
            Err(_) => Err("write message numbers such as 7, 1-7,9, 5-, last or last:3".to_owned()),
        };
        if let Some(count) = text.strip_prefix("last") {
            return match count.strip_prefix(':') {
                Some(count) => number(count).map(Part::Last),
                None if count.is_empty() => Ok(Part::Last(1)),
                None => Err("write `last` for the last message, or `last:3` for the last three".to_owned()),
            };
        }
        let Some((first, last)) = text.split_once('-') else {
            return number(text).map(|number| Part::Range(number, Some(number)));
        };
        let first = number(first)?;
        let last = if last.is_empty() { None } else { Some(number(last)?) };
        if last.is_some_and(|last| last < first) {
            return Err(format!("the range {text} ends before it begins"));
        }
        Ok(Part::Range(first, last))
    }
}

fn no_message(number: u32, there: &BTreeMap<u32, ScanListing>) -> Failure {
    let has = match there.keys().last() {
        None => "the maildrop is empty".to_owned(),
        Some(last) if *last < number => format!("the last one is {last}"),
        Some(_) => "`list` shows those that exist".to_owned(),
    };
    Failure::new(Status::Refused, format!("there is no message {number}: {has}; nothing was done"))
}
