//! The messages in the maildrop, and those that can be identified in later sessions.

use std::collections::{BTreeMap, HashMap, HashSet};

use pop3_blocking::pop3_proto::drive::OwnedUniqueId;
use pop3_blocking::{Cause, Session, Tcp};

use crate::failure::Failure;

/// A message on the server.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) number: u32,
    /// The octets as the server counts them, which may be wrong.
    pub(crate) octets: u64,
    /// The unique-id, if it identifies the message.
    pub(crate) unique_id: Option<OwnedUniqueId>,
}

/// The listings of a server.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// Every message, by its number.
    pub(crate) found: BTreeMap<u32, Found>,
    /// The unique-ids, each as often as it was listed, with the size of its message.
    pub(crate) shown: Vec<(OwnedUniqueId, u64)>,
    /// `true` if each message has a row in the listing of unique-ids, so that an id that is not listed does not exist.
    pub(crate) is_complete: bool,
    /// The text that tells the user which messages have no usable unique-id.
    pub(crate) notice: Option<String>,
}

/// Lists all messages.
pub(crate) fn survey(session: &mut Session<Tcp>) -> Result<Survey, Failure> {
    let listings = session.list()?.into_iter();
    let found: BTreeMap<_, _> = listings
        .map(|listing| (listing.number, Found { number: listing.number, octets: listing.octets, unique_id: None }))
        .collect();
    if found.is_empty() {
        return Ok(Survey { is_complete: true, ..Survey::default() });
    }
    let mut survey = Survey { found, ..Survey::default() };
    match session.uidl() {
        Ok(rows) => {
            let size = |number| survey.found.get(number).map_or(0, |message: &Found| message.octets);
            survey.shown = rows.iter().map(|(number, id)| (id.clone(), size(number))).collect();
            let numbers: HashSet<_> = rows.iter().map(|(number, _)| *number).collect();
            survey.is_complete = survey.found.keys().all(|number| numbers.contains(number));
            for (number, id) in usable(rows) {
                if let Some(message) = survey.found.get_mut(&number) {
                    message.unique_id = Some(id);
                }
            }
            let nameless = survey.found.values().filter(|message| message.unique_id.is_none());
            let nameless: Vec<_> = nameless.map(|message| message.number).collect();
            if !nameless.is_empty() {
                survey.notice = Some(format!(
                    "{} messages have an empty, duplicate or missing unique-id ({}): they are downloaded in every run, \
                     stored once, and deleted only with --delete --no-uidl",
                    nameless.len(),
                    some(&nameless),
                ));
            }
        }
        Err(error) if matches!(error.cause(), Cause::Refused(_) | Cause::Malformed(_)) => {
            survey.notice = Some(format!(
                "there are no unique-ids, so all messages are downloaded in every run, stored once, and deleted only \
                 with --delete --no-uidl: {error}"
            ));
        }
        Err(error) => return Err(error.into()),
    }
    Ok(survey)
}

/// Returns the first of some message numbers as text.
pub(crate) fn some(numbers: &[u32]) -> String {
    const SHOWN: usize = 10;
    let shown: Vec<_> = numbers.iter().take(SHOWN).map(ToString::to_string).collect();
    shown.join(", ") + if numbers.len() > SHOWN { ", ..." } else { "" }
}

/// Returns the rows whose unique-id is not empty, and whose unique-id and number are in no other row.
fn usable(rows: Vec<(u32, OwnedUniqueId)>) -> Vec<(u32, OwnedUniqueId)> {
    let (mut of_number, mut of_id) = (HashMap::new(), HashMap::new());
    for (number, id) in &rows {
        *of_number.entry(*number).or_insert(0) += 1;
        *of_id.entry(id.clone()).or_insert(0) += 1;
    }
    let alone = |(number, id): &(u32, OwnedUniqueId)| of_number[number] == 1 && of_id[id] == 1;
    rows.into_iter().filter(|row| !row.1.as_bytes().is_empty() && alone(row)).collect()
}
