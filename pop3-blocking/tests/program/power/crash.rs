//! The states of a disk after a power failure: of the changes that were not synced, any set survives, each completely
//! or in part.

use std::collections::HashSet;
use std::ops::ControlFlow;

use super::disk::{Change, Tree};
use super::record::{Event, Record};

/// The number of changes that were not synced up to which all sets of them are tried. Beyond, only those that differ in
/// at most two from all and from none.
const ALL_SETS: usize = 12;

/// How many sets are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// Those that differ in at most one from all and from none.
    Shallow,
    Full,
}

/// Calls `visit` with each disk that a crash during the last run may leave, and with the number of events before the
/// crash. The syncs with the label `without` do nothing.
pub(super) fn each<B>(
    record: &Record,
    without: Option<&str>,
    depth: Depth,
    mut visit: impl FnMut(Tree, usize) -> ControlFlow<B>,
) -> ControlFlow<B> {
    for at in record.first..=record.events.len() {
        let pending = pending(record, at, without);
        // The disks before a change are also among those after it, if all sets are tried.
        let is_change = matches!(record.events.get(at), Some(Event::Changed(_)));
        if is_change && pending.len() < ALL_SETS {
            continue;
        }
        let remains: Vec<_> = pending.iter().map(|index| remains(record, *index)).collect();
        let mut trees = HashSet::new();
        let sets = match depth {
            Depth::Full if pending.len() <= ALL_SETS => all(&remains),
            Depth::Full => few(&remains, 2),
            Depth::Shallow => few(&remains, 1),
        };
        for set in sets {
            let tree = disk(record, at, &pending, &remains, &set);
            if trees.insert(tree.clone()) {
                visit(tree, at)?;
            }
        }
    }
    ControlFlow::Continue(())
}

/// Returns the indexes of the changes that were not synced before the event `at`.
fn pending(record: &Record, at: usize, without: Option<&str>) -> Vec<usize> {
    let mut pending: Vec<(usize, &Change)> = Vec::new();
    for (index, event) in record.events[..at].iter().enumerate() {
        match event {
            Event::Changed(change) => pending.push((index, change)),
            Event::Synced(node, label) if without != Some(label) => {
                pending.retain(|(_, change)| change.node() != *node);
            }
            _ => {}
        }
    }
    pending.into_iter().map(|(index, _)| index).collect()
}

fn remains(record: &Record, index: usize) -> Vec<Change> {
    match &record.events[index] {
        Event::Changed(change) => change.remains(),
        _ => Vec::new(),
    }
}

/// For each change: 0 if it is missing, and else the number of what remains of it.
type Set = Vec<usize>;

fn all(remains: &[Vec<Change>]) -> Vec<Set> {
    let mut sets = vec![Set::new()];
    for remains in remains {
        sets = sets.iter().flat_map(|set| (0..=remains.len()).map(|fate| [&set[..], &[fate]].concat())).collect();
    }
    sets
}

/// Returns the sets that differ in at most `most` changes from all or from none.
fn few(remains: &[Vec<Change>], most: usize) -> Vec<Set> {
    let mut sets = vec![vec![0; remains.len()], vec![1; remains.len()]];
    let mut last = sets.clone();
    for _ in 0..most {
        let differ = |set: &Set| -> Vec<Set> {
            let one = |at: usize, fate: usize| {
                let mut set = set.clone();
                set[at] = fate;
                set
            };
            (0..remains.len()).flat_map(|at| (0..=remains[at].len()).map(move |fate| one(at, fate))).collect()
        };
        last = last.iter().flat_map(differ).collect::<HashSet<_>>().into_iter().collect();
        sets.extend(last.iter().cloned());
    }
    sets
}

fn disk(record: &Record, at: usize, pending: &[usize], remains: &[Vec<Change>], set: &Set) -> Tree {
    let mut disk = record.start.clone();
    for is_folder in &record.added {
        disk.add(*is_folder);
    }
    for (index, event) in record.events[..at].iter().enumerate() {
        match (event, pending.binary_search(&index)) {
            (Event::Changed(change), Err(_)) => disk.apply(change),
            (Event::Changed(_), Ok(place)) if set[place] > 0 => disk.apply(&remains[place][set[place] - 1]),
            _ => {}
        }
    }
    disk.tree()
}
