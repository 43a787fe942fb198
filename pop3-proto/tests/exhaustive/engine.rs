//! The search: all strings over an alphabet, in all ways of cutting them.
//!
//! The search keeps one copy of each situation that some string leads to if it arrives octet by octet. From each of
//! them, it reads every continuation twice, octet by octet and as a whole, and compares. If they never differ, then by
//! induction over the pieces, no way of cutting a string makes a difference: the first piece as a whole leads to the
//! same situation as its octets, then the second one does, and so on. Equal situations have equal futures, so a
//! situation is examined only where the most symbols may still follow.

use std::collections::HashSet;
use std::fmt::Debug;
use std::hash::Hash;

use crate::heard::Heard;

/// One side of the protocol, with its caller.
pub(crate) trait Role: Clone + Debug + Eq + Hash {
    /// Reads as much of `input` as possible, and notes everything that the caller learns. An error discards the input.
    fn read(&mut self, input: &mut &[u8], heard: &mut Heard);

    /// Returns true after an error.
    fn has_failed(&self) -> bool;
}

/// A role, and the octets that arrived and that it has not consumed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Situation<R> {
    role: R,
    left: Vec<u8>,
}

impl<R: Role> Situation<R> {
    fn feed(&mut self, octets: &[u8], heard: &mut Heard) {
        self.left.extend_from_slice(octets);
        let mut input = self.left.as_slice();
        self.role.read(&mut input, heard);
        let read = self.left.len() - input.len();
        self.left.drain(..read);
    }

    /// Becomes equal to `other`, and keeps its allocation.
    fn copy(&mut self, other: &Situation<R>) {
        self.role.clone_from(&other.role);
        self.left.clone_from(&other.left);
    }
}

/// The strings of a search: `prefix`, and then up to `length` symbols.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strings {
    /// The name of the alphabet.
    pub(crate) name: &'static str,
    pub(crate) prefix: &'static [u8],
    pub(crate) symbols: &'static [&'static [u8]],
    pub(crate) length: u32,
}

impl Strings {
    /// Returns the number of the strings, the empty one included.
    pub(crate) fn count(&self) -> u64 {
        (0..=self.length).map(|length| (self.symbols.len() as u64).pow(length)).sum()
    }
}

/// The size of a finished search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Size {
    /// Different situations that the strings lead to, also inside of symbols.
    pub(crate) situations: u64,
    /// Continuations of a situation that were read as a whole and compared.
    pub(crate) comparisons: u64,
}

/// Searches all strings. Panics with the first string that can be cut so that it makes a difference.
pub(crate) fn search<R: Role>(role: &R, strings: Strings) -> Size {
    let start = Reached { situation: Situation { role: role.clone(), left: Vec::new() }, path: Vec::new() };
    let mut search = Search { strings, seen: HashSet::new(), ends: Vec::new(), size: Size::default() };
    search.compare(&start, strings.prefix, strings.length);
    search.walk(start, strings.prefix, strings.length);
    for open in (0..strings.length).rev() {
        for reached in std::mem::take(&mut search.ends) {
            strings.symbols.iter().for_each(|symbol| search.walk(reached.clone(), symbol, open));
        }
    }
    search.size
}

/// A situation, and the shortest string that leads to it.
#[derive(Clone)]
struct Reached<R> {
    situation: Situation<R>,
    path: Vec<u8>,
}

struct Search<R> {
    strings: Strings,
    /// The situations so far, each with the octets that must follow, because a symbol is not complete.
    seen: HashSet<(Situation<R>, &'static [u8])>,
    /// The situations at the ends of symbols that were reached last.
    ends: Vec<Reached<R>>,
    size: Size,
}

impl<R: Role> Search<R> {
    /// Goes through the octets of one symbol, and compares the continuations of each new situation. After the symbol,
    /// `open` symbols may follow.
    fn walk(&mut self, mut reached: Reached<R>, symbol: &'static [u8], open: u32) {
        for (at, octet) in symbol.iter().enumerate() {
            reached.situation.feed(&[*octet], &mut Heard::default());
            reached.path.push(*octet);
            let rest = &symbol[at + 1..];
            if !self.seen.insert((reached.situation.clone(), rest)) {
                return;
            }
            self.compare(&reached, rest, open);
        }
        // A failed role does not change any more, which `compare` has checked.
        if !reached.situation.role.has_failed() {
            self.ends.push(reached);
        }
    }

    /// Compares all continuations of a situation: `rest`, and then up to `open` symbols.
    fn compare(&mut self, reached: &Reached<R>, rest: &'static [u8], open: u32) {
        let Reached { situation, path } = reached;
        let open = if situation.role.has_failed() { open.min(1) } else { open };
        let mut descent = Descent {
            origin: situation,
            path,
            symbols: self.strings.symbols,
            word: Vec::new(),
            steps: vec![(situation.clone(), Heard::default())],
            whole: situation.clone(),
            heard: Heard::default(),
            comparisons: 0,
        };
        descent.go(rest, open);
        self.size.situations += 1;
        self.size.comparisons += descent.comparisons;
    }
}

/// A walk over the continuations of one situation, depth first.
struct Descent<'a, R> {
    origin: &'a Situation<R>,
    path: &'a [u8],
    symbols: &'static [&'static [u8]],
    /// The continuation so far.
    word: Vec<u8>,
    /// The situation after each octet of `word`, and what was heard on the way.
    steps: Vec<(Situation<R>, Heard)>,
    /// The situation after `word` as a whole.
    whole: Situation<R>,
    heard: Heard,
    comparisons: u64,
}

impl<R: Role> Descent<'_, R> {
    fn go(&mut self, rest: &'static [u8], open: u32) {
        let [octet, rest @ ..] = rest else {
            if open > 0 {
                self.symbols.iter().for_each(|symbol| self.go(symbol, open - 1));
            }
            return;
        };
        self.word.push(*octet);
        self.step(*octet);
        if self.word.len() > 1 {
            self.compare();
        }
        self.go(rest, open);
        self.word.pop();
    }

    fn step(&mut self, octet: u8) {
        let len = self.word.len();
        if self.steps.len() == len {
            self.steps.push(self.steps[len - 1].clone());
        }
        let (before, after) = self.steps.split_at_mut(len);
        let ((before, heard_before), (after, heard)) = (&before[len - 1], &mut after[0]);
        after.copy(before);
        heard.copy(heard_before);
        after.feed(&[octet], heard);
    }

    fn compare(&mut self) {
        self.comparisons += 1;
        self.whole.copy(self.origin);
        self.heard.clear();
        self.whole.feed(&self.word, &mut self.heard);
        let (octets, heard) = &self.steps[self.word.len()];
        let (path, word) = (self.path.escape_ascii(), self.word.escape_ascii());
        assert_eq!(&self.heard, heard, "after \"{path}\", \"{word}\" as a whole, and its octets");
        assert_eq!(&self.whole, octets, "after \"{path}\", \"{word}\" as a whole, and its octets");
    }
}
