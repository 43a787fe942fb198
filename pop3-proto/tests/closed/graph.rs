//! A breadth-first search to its fixed point.

use std::collections::HashMap;

/// All nodes that can be reached from the first one, and the edges between them.
pub(crate) struct Graph<N> {
    pub(crate) nodes: Vec<N>,
    /// For each node, the nodes that its edges lead to. The edges have the order in which `expand` returned them.
    edges: Vec<Vec<usize>>,
}

impl<N> Graph<N> {
    /// Searches from `start`, until no node leads to a new one. Nodes with the same key are the same.
    pub(crate) fn search(start: N, key: impl Fn(&N) -> Vec<u8>, expand: impl Fn(&N) -> Vec<N>) -> Graph<N> {
        let mut known = HashMap::from([(key(&start), 0)]);
        let (mut nodes, mut edges) = (vec![start], Vec::new());
        while edges.len() < nodes.len() {
            let mut targets = Vec::new();
            for node in expand(&nodes[edges.len()]) {
                let next = nodes.len();
                let target = *known.entry(key(&node)).or_insert(next);
                if target == next {
                    nodes.push(node);
                }
                targets.push(target);
            }
            edges.push(targets);
        }
        Graph { nodes, edges }
    }

    pub(crate) fn edge_count(&self) -> usize {
        self.edges.iter().map(Vec::len).sum()
    }

    /// Returns, for each node, whether one with this property can be reached from it.
    pub(crate) fn leads_to(&self, is_goal: impl Fn(&N) -> bool) -> Vec<bool> {
        let mut sources = vec![Vec::new(); self.nodes.len()];
        for (source, targets) in self.edges.iter().enumerate() {
            for target in targets {
                sources[*target].push(source);
            }
        }
        let mut leads: Vec<_> = self.nodes.iter().map(is_goal).collect();
        let mut open: Vec<_> = (0..leads.len()).filter(|node| leads[*node]).collect();
        while let Some(node) = open.pop() {
            for source in &sources[node] {
                if !std::mem::replace(&mut leads[*source], true) {
                    open.push(*source);
                }
            }
        }
        leads
    }
}
