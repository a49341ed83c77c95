//! All channels by name.

use std::collections::HashMap;

use crate::protocol::{Breadth, ChannelId, ChannelPattern};

/// Channels and wildcards, arranged by segments: what matches a name is found in one walk over the
/// segments of that name, however many channels there are.
#[derive(Debug)]
pub(crate) struct Tree<C> {
    root: Node<C>,
    len: usize,
}

#[derive(Debug)]
struct Node<C> {
    exact: Option<C>,
    /// The channel with `/*` behind this name.
    children: Option<C>,
    /// The channel with `/**` behind this name.
    descendants: Option<C>,
    segments: HashMap<Box<str>, Self>,
}

impl<C> Tree<C> {
    /// The channel with this name.
    pub(crate) fn get(&self, name: &ChannelPattern) -> Option<&C> {
        let mut node = &self.root;
        for segment in name.literal_segments() {
            node = node.segments.get(segment)?;
        }
        node.slot(name.breadth())
    }

    /// Puts a channel at its name; returns the one that was there.
    pub(crate) fn insert(&mut self, name: &ChannelPattern, channel: C) -> Option<C> {
        let mut node = &mut self.root;
        for segment in name.literal_segments() {
            node = node.segments.entry(segment.into()).or_default();
        }
        let previous = node.slot_mut(name.breadth()).replace(channel);
        self.len += usize::from(previous.is_none());
        previous
    }

    /// Takes a channel out; its parents and children stay (CH-13, CH-14).
    pub(crate) fn remove(&mut self, name: &ChannelPattern) -> Option<C> {
        let segments: Vec<&str> = name.literal_segments().collect();
        let removed = self.root.remove(&segments, name.breadth());
        self.len -= usize::from(removed.is_some());
        removed
    }

    /// Visits what matches the name, from `/**` down to the name itself (CH-9).
    ///
    /// A wildcard is matched by itself and by the deep wildcards above it.
    pub(crate) fn matching(&self, name: &ChannelPattern, visit: impl FnMut(&C)) {
        self.walk(name.as_str(), name.breadth(), visit);
    }

    /// The same for the name of a channel.
    pub(crate) fn route(&self, name: &ChannelId, visit: impl FnMut(&C)) {
        self.walk(name.as_str(), Breadth::Exact, visit);
    }

    fn walk(&self, name: &str, breadth: Breadth, mut visit: impl FnMut(&C)) {
        let mut node = &self.root;
        let mut rest = name.strip_prefix('/').unwrap_or(name);
        node.descendants.iter().for_each(&mut visit);
        while let Some((segment, further)) = split(rest) {
            let Some(next) = node.segments.get(segment) else {
                return;
            };
            (node, rest) = (next, further);
            node.descendants.iter().for_each(&mut visit);
        }
        if breadth != Breadth::Descendants {
            node.children.iter().for_each(&mut visit);
        }
        if breadth == Breadth::Exact
            && let Some(last) = node.segments.get(rest)
        {
            last.exact.iter().for_each(visit);
        }
    }

    /// How many channels there are.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Visits every channel, in no particular order.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(&C)) {
        let mut rest = vec![&self.root];
        while let Some(node) = rest.pop() {
            [&node.exact, &node.children, &node.descendants]
                .into_iter()
                .flatten()
                .for_each(&mut visit);
            rest.extend(node.segments.values());
        }
    }
}

/// The first of several segments, and the others.
fn split(segments: &str) -> Option<(&str, &str)> {
    // They are short: to look at each byte is cheaper than to set up a search.
    let end = segments.bytes().position(|it| it == b'/')?;
    Some((segments.get(..end)?, segments.get(end + 1..)?))
}

impl<C> Node<C> {
    const fn slot(&self, breadth: Breadth) -> Option<&C> {
        match breadth {
            Breadth::Exact => self.exact.as_ref(),
            Breadth::Children => self.children.as_ref(),
            Breadth::Descendants => self.descendants.as_ref(),
        }
    }

    const fn slot_mut(&mut self, breadth: Breadth) -> &mut Option<C> {
        match breadth {
            Breadth::Exact => &mut self.exact,
            Breadth::Children => &mut self.children,
            Breadth::Descendants => &mut self.descendants,
        }
    }

    /// Removes a channel and the nodes that were there for its sake only.
    fn remove(&mut self, segments: &[&str], breadth: Breadth) -> Option<C> {
        let Some((first, rest)) = segments.split_first() else {
            return self.slot_mut(breadth).take();
        };
        let node = self.segments.get_mut(*first)?;
        let removed = node.remove(rest, breadth);
        if node.is_empty() {
            self.segments.remove(*first);
        }
        removed
    }

    fn is_empty(&self) -> bool {
        self.exact.is_none()
            && self.children.is_none()
            && self.descendants.is_none()
            && self.segments.is_empty()
    }
}

impl<C> Default for Node<C> {
    fn default() -> Self {
        Self {
            exact: None,
            children: None,
            descendants: None,
            segments: HashMap::new(),
        }
    }
}

impl<C> Default for Tree<C> {
    fn default() -> Self {
        Self {
            root: Node::default(),
            len: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(name: &str) -> ChannelPattern {
        ChannelPattern::parse(name).unwrap()
    }

    fn tree(names: &[&str]) -> Tree<String> {
        let mut tree = Tree::default();
        for name in names {
            tree.insert(&pattern(name), (*name).to_owned());
        }
        tree
    }

    fn matching(tree: &Tree<String>, name: &str) -> Vec<String> {
        let mut found = Vec::new();
        tree.matching(&pattern(name), |channel| found.push(channel.clone()));
        found
    }

    #[test]
    fn the_widest_wildcard_comes_first() {
        // CH-9, PROC-7
        let tree = tree(&[
            "/a/b", "/a/*", "/a/**", "/**", "/*", "/a", "/a/b/c", "/a/b/*",
        ]);
        assert_eq!(matching(&tree, "/a/b"), ["/**", "/a/**", "/a/*", "/a/b"]);
        assert_eq!(matching(&tree, "/a/*"), ["/**", "/a/**", "/a/*"]);
        assert_eq!(matching(&tree, "/a/**"), ["/**", "/a/**"]);
        assert_eq!(matching(&tree, "/a"), ["/**", "/*", "/a"]);
        assert_eq!(matching(&tree, "/x/y/z"), ["/**"]);
    }

    #[test]
    fn removing_a_channel_leaves_its_parents_and_children() {
        // CH-13, CH-14
        let mut tree = tree(&["/a", "/a/b", "/a/b/c"]);
        assert!(tree.remove(&pattern("/a/b")).is_some());
        assert!(tree.remove(&pattern("/a/b")).is_none());
        assert!(tree.get(&pattern("/a")).is_some() && tree.get(&pattern("/a/b/c")).is_some());
        assert_eq!(tree.len(), 2);
        tree.remove(&pattern("/a/b/c"));
        tree.remove(&pattern("/a"));
        assert!(tree.root.is_empty());
    }

    fn name() -> impl Strategy<Value = String> {
        let segments = prop::collection::vec("[ab]", 1..4);
        let wildcard = prop::sample::select(vec!["", "/*", "/**"]);
        (segments, wildcard)
            .prop_map(|(segments, wildcard)| format!("/{}{wildcard}", segments.join("/")))
    }

    proptest! {
        #[test]
        fn the_tree_finds_what_a_naive_matcher_finds(
            names in prop::collection::hash_set(name(), 0..12),
            channel in prop::collection::vec("[ab]", 1..4),
        ) {
            let channel = format!("/{}", channel.join("/"));
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let mut found = matching(&tree(&names), &channel);
            found.sort();
            let id = ChannelId::parse(channel.clone()).unwrap();
            let mut expected: Vec<String> =
                names.iter().filter(|it| pattern(it).matches(&id)).map(|it| (*it).to_owned()).collect();
            expected.sort();
            prop_assert_eq!(found, expected);
            let mut route = Vec::new();
            tree(&names).route(&id, |channel| route.push(channel.clone()));
            prop_assert_eq!(route, matching(&tree(&names), &channel));
        }
    }
}
