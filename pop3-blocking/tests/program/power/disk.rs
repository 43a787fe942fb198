//! Files and folders as nodes, and the changes of them that a crash may undo.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

pub(super) type Node = usize;

/// A change that is not certain to survive a crash before its node is synced. The name of a file belongs to its folder,
/// so that a rename is two changes, of which either may survive alone.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Link { folder: Node, name: String, to: Node },
    Unlink { folder: Node, name: String },
    Write { file: Node, at: usize, octets: Vec<u8> },
    Resize { file: Node, octets: usize },
}

impl Change {
    /// Returns the node whose sync makes the change durable.
    pub(super) fn node(&self) -> Node {
        match self {
            Change::Link { folder, .. } | Change::Unlink { folder, .. } => *folder,
            Change::Write { file, .. } | Change::Resize { file, .. } => *file,
        }
    }

    /// Returns everything that the disk may show of the change if it survives at least in part.
    pub(super) fn remains(&self) -> Vec<Change> {
        let mut remains = vec![self.clone()];
        if let Change::Write { file, at, octets } = self {
            let write = |octets| Change::Write { file: *file, at: *at, octets };
            // The length may be on disk before the octets are.
            remains.push(write(vec![0; octets.len()]));
            if octets.len() > 1 {
                remains.push(write(octets[..octets.len() / 2].to_vec()));
            }
        }
        remains
    }
}

#[derive(Clone, Debug)]
enum Content {
    File(Vec<u8>),
    Folder(BTreeMap<String, Node>),
}

/// The nodes, of which the first is the home folder. A node without a name is lost.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    nodes: Vec<Content>,
}

/// Files with their content, and folders without, by their paths in the home folder.
pub(super) type Tree = BTreeMap<String, Option<Vec<u8>>>;

impl Disk {
    pub(super) const HOME: Node = 0;

    /// Reads what is in a folder.
    pub(super) fn of(home: &Path) -> Disk {
        let mut disk = Disk { nodes: vec![Content::Folder(BTreeMap::new())] };
        disk.read(home, Disk::HOME);
        disk
    }

    fn read(&mut self, path: &Path, folder: Node) {
        for entry in fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let node = self.add(path.is_dir());
            self.apply(&Change::Link { folder, name, to: node });
            if path.is_dir() {
                self.read(&path, node);
            } else {
                self.apply(&Change::Write { file: node, at: 0, octets: fs::read(path).unwrap() });
            }
        }
    }

    /// Adds an empty file or folder, which has no name.
    pub(super) fn add(&mut self, is_folder: bool) -> Node {
        self.nodes.push(if is_folder { Content::Folder(BTreeMap::new()) } else { Content::File(Vec::new()) });
        self.nodes.len() - 1
    }

    pub(super) fn child(&self, folder: Node, name: &str) -> Option<Node> {
        match &self.nodes[folder] {
            Content::Folder(names) => names.get(name).copied(),
            Content::File(_) => panic!("a file has no names"),
        }
    }

    /// Returns the number of octets in a file.
    pub(super) fn octets(&self, file: Node) -> usize {
        match &self.nodes[file] {
            Content::File(octets) => octets.len(),
            Content::Folder(_) => panic!("a folder has no octets"),
        }
    }

    /// Makes a change. If an earlier one did not survive, there may be less to change.
    pub(super) fn apply(&mut self, change: &Change) {
        match (&mut self.nodes[change.node()], change) {
            (Content::Folder(names), Change::Link { name, to, .. }) => _ = names.insert(name.clone(), *to),
            (Content::Folder(names), Change::Unlink { name, .. }) => _ = names.remove(name),
            (Content::File(content), Change::Write { at, octets, .. }) => {
                let end = at + octets.len();
                content.resize(content.len().max(end), 0);
                content[*at..end].copy_from_slice(octets);
            }
            (Content::File(content), Change::Resize { octets, .. }) => content.resize(*octets, 0),
            _ => panic!("{change:?} is of another kind of node"),
        }
    }

    /// Returns what has a name.
    pub(super) fn tree(&self) -> Tree {
        let mut tree = Tree::new();
        self.grow(Disk::HOME, "", &mut tree);
        tree
    }

    fn grow(&self, folder: Node, path: &str, tree: &mut Tree) {
        let Content::Folder(names) = &self.nodes[folder] else { panic!("{path} is a file") };
        for (name, node) in names {
            let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
            match &self.nodes[*node] {
                Content::File(content) => _ = tree.insert(path, Some(content.clone())),
                Content::Folder(_) => {
                    self.grow(*node, &path, tree);
                    tree.insert(path, None);
                }
            }
        }
    }
}

/// Makes files and folders.
pub(super) fn plant(tree: &Tree, home: &Path) {
    // A folder sorts before what is in it.
    for (path, content) in tree {
        match content {
            Some(content) => fs::write(home.join(path), content).unwrap(),
            None => fs::create_dir(home.join(path)).unwrap(),
        }
    }
}
