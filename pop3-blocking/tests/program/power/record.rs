//! The record of runs of the program: strace shows what they did to files, to the server and to the standard output.

use std::collections::HashMap;
use std::process::Command;
use std::{fmt, fs};

use super::disk::{Change, Disk, Node};
use crate::support::{Ended, Home};

#[derive(Clone)]
pub(super) enum Event {
    Changed(Change),
    /// A node was synced. The label names the sync in the program: the path, and the last change by the same run.
    Synced(Node, String),
    /// Octets to the server.
    Sent(Vec<u8>),
    /// Octets from the server.
    Received(Vec<u8>),
    /// Octets on the standard output.
    Told(Vec<u8>),
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Changed(Change::Write { file, at, octets }) => {
                write!(f, "write {file} at {at}: {}", octets.escape_ascii())
            }
            Event::Changed(change) => write!(f, "{change:?}"),
            Event::Synced(node, label) => write!(f, "sync {node}: {label}"),
            Event::Sent(octets) => write!(f, "sent {}", octets.escape_ascii()),
            Event::Received(octets) => write!(f, "received {}", octets.escape_ascii()),
            Event::Told(octets) => write!(f, "told {}", octets.escape_ascii()),
        }
    }
}

/// What happened in a home folder.
#[derive(Clone, Debug)]
pub(super) struct Record {
    /// What was on disk, safely, before.
    pub(super) start: Disk,
    /// The kinds of the nodes that were added: true for a folder.
    pub(super) added: Vec<bool>,
    pub(super) events: Vec<Event>,
    /// The number of events before the first crash that is to be tried: those before the last run.
    pub(super) first: usize,
    /// What every process sees.
    now: Disk,
}

/// An open file or folder.
#[derive(Clone, Debug)]
struct Open {
    node: Node,
    path: String,
    at: usize,
    appends: bool,
}

impl Record {
    pub(super) fn new(home: &Home) -> Record {
        let start = Disk::of(&home.path(""));
        Record { now: start.clone(), start, added: Vec::new(), events: Vec::new(), first: 0 }
    }

    /// Runs the program, and kills it as `injected` says.
    pub(super) fn run(&mut self, home: &Home, arguments: &[&str], injected: Option<&str>) -> Ended {
        let program = home.command(&[]).get_program().to_owned();
        // Outside the home folder, whose content is recorded.
        let trace = tempfile::NamedTempFile::new().unwrap();
        let mut strace = Command::new("strace");
        strace.args(["-f", "-xx", "-s", "1000000", "-e", "trace=%file,%desc,%network,sync", "-o"]).arg(trace.path());
        strace.args(injected.map(|injected| ["-e".to_owned(), format!("inject={injected}")]).into_iter().flatten());
        strace.arg(program).args(arguments);
        let ended = Ended::new(home.wrap(strace).output().expect("strace is there"));
        self.first = self.events.len();
        let mut run = Run { record: self, open: HashMap::new(), sockets: Vec::new(), last: HashMap::new() };
        for call in calls(&fs::read_to_string(trace.path()).unwrap()) {
            run.call(&call);
        }
        assert_eq!(self.now.tree(), Disk::of(&home.path("")).tree(), "the record has all that happened");
        ended
    }

    /// Renames a file, as another program would.
    pub(super) fn rename(&mut self, home: &Home, from: &str, to: &str) {
        fs::rename(home.path(from), home.path(to)).unwrap();
        self.renamed(from, to);
    }

    fn renamed(&mut self, from: &str, to: &str) {
        let (folder, name) = self.place(from).expect("the folder is there");
        let node = self.now.child(folder, &name).expect("the file is there");
        let (new_folder, new_name) = self.place(to).expect("the folder is there");
        self.change(Change::Link { folder: new_folder, name: new_name, to: node });
        self.change(Change::Unlink { folder, name });
    }

    fn change(&mut self, change: Change) {
        self.now.apply(&change);
        self.events.push(Event::Changed(change));
    }

    fn add(&mut self, is_folder: bool) -> Node {
        self.added.push(is_folder);
        self.now.add(is_folder)
    }

    /// Returns the folder of a path in the home folder, and the last name.
    fn place(&self, path: &str) -> Option<(Node, String)> {
        let mut names: Vec<_> = path.split('/').filter(|name| !matches!(*name, "" | ".")).collect();
        assert!(!path.starts_with('/') && !names.contains(&".."), "{path} is in the home folder");
        let name = names.pop().unwrap_or_default().to_owned();
        let mut folder = Disk::HOME;
        for name in names {
            folder = self.now.child(folder, name)?;
        }
        Some((folder, name))
    }

    fn find(&self, path: &str) -> Option<Node> {
        let (folder, name) = self.place(path)?;
        if name.is_empty() { Some(folder) } else { self.now.child(folder, &name) }
    }
}

/// A call of the system that succeeded.
#[derive(Debug)]
struct Call {
    name: String,
    arguments: Vec<String>,
    result: usize,
}

impl Call {
    /// Returns the octets in quotation marks.
    fn octets(&self) -> Vec<u8> {
        let all = self.arguments.join(",");
        let quoted = all.split('"').skip(1).step_by(2).flat_map(unescape).collect::<Vec<_>>();
        assert!(!all.contains("\"..."), "strace shortened {}", self.name);
        quoted
    }

    /// Returns the octets that were carried.
    fn carried(&self) -> Vec<u8> {
        let mut octets = self.octets();
        octets.truncate(self.result);
        assert_eq!(octets.len(), self.result, "{self:?}");
        octets
    }

    fn path(&self, argument: usize) -> String {
        let quoted = self.arguments[argument].trim_matches('"');
        String::from_utf8(unescape(quoted)).unwrap()
    }

    fn number(&self, argument: usize) -> usize {
        self.arguments[argument].parse().unwrap_or_else(|_| panic!("{argument} is no number: {self:?}"))
    }
}

fn unescape(text: &str) -> Vec<u8> {
    text.split("\\x").skip(1).map(|digits| u8::from_str_radix(digits, 16).unwrap()).collect()
}

/// Parses the calls that succeeded, in the order of their ends.
fn calls(trace: &str) -> Vec<Call> {
    let (mut calls, mut unfinished) = (Vec::new(), HashMap::new());
    for line in trace.lines() {
        let (process, line) = line.split_once(' ').unwrap();
        let mut line = line.trim_start().to_owned();
        if line.starts_with("+++") || line.starts_with("---") {
            continue;
        }
        if let Some(begun) = line.strip_suffix(" <unfinished ...>") {
            unfinished.insert(process, begun.to_owned());
            continue;
        }
        if let Some((_, rest)) = line.split_once(" resumed>") {
            line = unfinished.remove(process).expect("it was begun") + rest;
        }
        let (call, result) = line.rsplit_once(" = ").unwrap_or_else(|| panic!("{line}"));
        let result = result.split(' ').next().unwrap();
        // It failed, or the process was killed before it.
        let Ok(result) = result.parse() else { continue };
        let (name, arguments) = call.trim_end().strip_suffix(')').and_then(|call| call.split_once('(')).unwrap();
        calls.push(Call { name: name.to_owned(), arguments: split(arguments), result });
    }
    calls
}

/// Splits arguments at the commas that are in no brackets. Strings contain no commas, since they are escaped.
fn split(arguments: &str) -> Vec<String> {
    let (mut split, mut depth) = (vec![String::new()], 0);
    for c in arguments.chars() {
        match c {
            '[' | '{' | '(' => depth += 1,
            ']' | '}' | ')' => depth -= 1,
            _ => {}
        }
        if c == ',' && depth == 0 {
            split.push(String::new());
        } else if let Some(last) = split.last_mut().filter(|last| !last.is_empty() || c != ' ') {
            last.push(c);
        }
    }
    split
}

/// A run that is being recorded.
struct Run<'a> {
    record: &'a mut Record,
    open: HashMap<usize, Open>,
    sockets: Vec<usize>,
    /// The last change of each node by this run.
    last: HashMap<Node, String>,
}

impl Run<'_> {
    fn call(&mut self, call: &Call) {
        match call.name.as_str() {
            "openat" => self.opened(call),
            "mkdir" => {
                let path = call.path(0);
                let (folder, name) = self.record.place(&path).expect("the parent is there");
                let to = self.record.add(true);
                self.change(Change::Link { folder, name, to }, "mkdir");
            }
            "rename" => {
                let (from, to) = (call.path(0), call.path(1));
                self.record.renamed(&from, &to);
                for path in [from, to] {
                    let (folder, _) = self.record.place(&path).expect("the folder is there");
                    self.last.insert(folder, "rename".to_owned());
                }
            }
            "unlink" => {
                let (folder, name) = self.record.place(&call.path(0)).expect("the folder is there");
                self.change(Change::Unlink { folder, name }, "unlink");
            }
            "write" | "writev" => match call.number(0) {
                1 => self.record.events.push(Event::Told(call.carried())),
                2 => {}
                socket if self.sockets.contains(&socket) => self.record.events.push(Event::Sent(call.carried())),
                file => self.wrote(file, call),
            },
            "sendto" | "sendmsg" => self.record.events.push(Event::Sent(call.carried())),
            "recvfrom" | "recvmsg" => self.record.events.push(Event::Received(call.carried())),
            "read" if self.sockets.contains(&call.number(0)) => {
                self.record.events.push(Event::Received(call.carried()));
            }
            "ftruncate" => {
                let open = self.open.get(&call.number(0)).expect("the file is open");
                let change = Change::Resize { file: open.node, octets: call.number(1) };
                // A file that has this length already does not change.
                if self.record.now.octets(open.node) != call.number(1) {
                    self.change(change, "ftruncate");
                }
            }
            // Another call would make the length durable, but not the times.
            "fsync" => {
                let open = self.open.get(&call.number(0)).expect("the file is open");
                let last = self.last.get(&open.node).map_or("no change", String::as_str);
                let label = format!("{} after {last}", open.path);
                self.record.events.push(Event::Synced(open.node, label));
            }
            "close" => {
                self.open.remove(&call.number(0));
                self.sockets.retain(|socket| *socket != call.number(0));
            }
            "socket" => self.sockets.push(call.result),
            "lseek" => {
                if let Some(open) = self.open.get_mut(&call.number(0)) {
                    open.at = call.result;
                }
            }
            // A mapping that changes the file would change it without a call.
            "mmap" => assert!(!call.arguments[3].contains("MAP_SHARED"), "{call:?}"),
            "execve" | "access" | "faccessat" | "faccessat2" | "statx" | "newfstatat" | "fstat" | "stat" | "lstat"
            | "readlink" | "getcwd" | "getdents64" | "read" | "pread64" | "ioctl" | "poll" | "ppoll" | "flock"
            | "fadvise64" | "connect" | "getsockname" | "getpeername" | "getsockopt" | "setsockopt" | "shutdown"
            | "fcntl" | "pipe2" | "socketpair" | "epoll_create1" | "epoll_ctl" | "epoll_wait" | "eventfd2"
            | "statfs" | "fchmod" => {}
            _ => panic!("a call that this test does not know: {call:?}"),
        }
    }

    fn change(&mut self, change: Change, kind: &str) {
        self.last.insert(change.node(), kind.to_owned());
        self.record.change(change);
    }

    fn opened(&mut self, call: &Call) {
        assert_eq!(call.arguments[0], "AT_FDCWD", "{call:?}");
        let path = call.path(1);
        let flags: Vec<_> = call.arguments[2].split('|').collect();
        // Libraries and settings are elsewhere.
        if path.starts_with('/') {
            assert!(flags.contains(&"O_RDONLY") || path == "/dev/tty" || path == "/dev/null", "{call:?}");
            return;
        }
        let node = self.record.find(&path).unwrap_or_else(|| {
            assert!(flags.contains(&"O_CREAT"), "{call:?}");
            let (folder, name) = self.record.place(&path).expect("the folder is there");
            let to = self.record.add(false);
            self.change(Change::Link { folder, name, to }, "creation");
            to
        });
        assert!(!flags.contains(&"O_TRUNC") && !flags.contains(&"O_SYNC"), "{call:?}");
        // Therefore it does not matter what a crash leaves in them.
        assert!(!path.contains("/tmp/") || flags.contains(&"O_EXCL"), "files in tmp/ are never opened again: {call:?}");
        let path = path.trim_start_matches("./");
        // Names of messages differ.
        let path = path.split_once("/tmp/").map_or(path.to_owned(), |(folder, _)| format!("{folder}/tmp/*"));
        self.open.insert(call.result, Open { node, path, at: 0, appends: flags.contains(&"O_APPEND") });
    }

    fn wrote(&mut self, file: usize, call: &Call) {
        let open = self.open.get_mut(&file).unwrap_or_else(|| panic!("the file is open: {call:?}"));
        let octets = call.carried();
        let at = if open.appends { self.record.now.octets(open.node) } else { open.at };
        open.at = at + octets.len();
        let kind = if open.path.contains("/.pop3-seen") {
            // The letter of the line.
            format!("{:?}", char::from(octets[0]))
        } else {
            "write".to_owned()
        };
        let change = Change::Write { file: open.node, at, octets };
        self.change(change, &kind);
    }
}
