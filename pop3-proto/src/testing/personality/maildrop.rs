//! The part of a personality that changes the maildrop: sizes, unique-ids, and what UPDATE does.

use std::string::{String, ToString as _};
use std::vec::Vec;

use super::config::{Personality, Sizes, UniqueIds, Update};
use crate::serve::{Denial, LoginAttempt, Maildrop, MaildropLayer, StoreError};
use crate::wire::kind::Kind;

/// A layer above the maildrop of a server.
pub(super) struct Quirks {
    sizes: Sizes,
    unique_ids: UniqueIds,
    visible: u32,
    /// UPDATE removes nothing.
    keeps: bool,
    /// The stored octets and the number of each message, read at the login if they are needed.
    stored: Vec<u64>,
    numbers: Vec<String>,
}

impl Quirks {
    pub(super) fn new(personality: &Personality) -> Quirks {
        let is_lost = personality.update == (Update::Silent { removed: false });
        Quirks {
            sizes: personality.sizes,
            unique_ids: personality.unique_ids,
            visible: personality.visible.unwrap_or(u32::MAX),
            keeps: is_lost || personality.refusal(Kind::Quit).is_some(),
            stored: Vec::new(),
            numbers: Vec::new(),
        }
    }
}

/// Returns the entry of a message.
fn entry<T>(of: &[T], number: u32) -> Option<&T> {
    of.get(usize::try_from(number).ok()?.checked_sub(1)?)
}

/// Returns the octets of a message as it is stored, as far as it can be read.
fn stored_octets<M: Maildrop + ?Sized>(maildrop: &mut M, number: u32) -> u64 {
    let (mut at, mut buffer) = (0, [0; 4096]);
    while let Ok(read @ 1..) = maildrop.read(number, at, &mut buffer) {
        at += read as u64;
    }
    at
}

impl MaildropLayer for Quirks {
    fn login<M: Maildrop + ?Sized>(&mut self, below: &mut M, credentials: LoginAttempt<'_>) -> Result<(), Denial> {
        below.login(credentials)?;
        let all = 1..=self.count(below);
        if self.sizes == Sizes::Stored {
            self.stored = all.clone().map(|number| stored_octets(below, number)).collect();
        }
        if self.unique_ids == UniqueIds::Reused {
            self.numbers = all.map(|number| number.to_string()).collect();
        }
        Ok(())
    }

    fn count<M: Maildrop + ?Sized>(&self, below: &M) -> u32 {
        below.count().min(self.visible)
    }

    fn octets<M: Maildrop + ?Sized>(&self, below: &M, number: u32) -> u64 {
        match self.sizes {
            Sizes::Exact => below.octets(number),
            Sizes::Stored => entry(&self.stored, number).copied().unwrap_or_default(),
            Sizes::RoundedUp => below.octets(number).next_multiple_of(1024),
            Sizes::Zero => 0,
        }
    }

    fn unique_id<'a, M: Maildrop + ?Sized>(&'a self, below: &'a M, number: u32) -> &'a str {
        match self.unique_ids {
            UniqueIds::Own => below.unique_id(number),
            UniqueIds::Reused => entry(&self.numbers, number).map_or("", String::as_str),
            UniqueIds::Doubled => below.unique_id(number - (number + 1) % 2),
            // A placeholder, because the server sends no empty one. It is removed from the answer.
            UniqueIds::Empty => "-",
        }
    }

    fn remove<M: Maildrop + ?Sized>(
        &mut self,
        below: &mut M,
        marked: &mut dyn Iterator<Item = u32>,
    ) -> Result<(), StoreError> {
        if self.keeps {
            return Err(StoreError("nothing was removed".into()));
        }
        below.remove(marked)
    }
}
