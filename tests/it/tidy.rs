//! Rules of the project that the compiler does not know.

use std::fs;
use std::path::{Path, PathBuf};

/// What each layer may use of the others; what is not named here is exempt.
const LAYERS: [(&str, &[&str]); 7] = [
    ("protocol", &[]),
    ("channel", &["protocol"]),
    ("session", &["protocol"]),
    ("server", &["protocol", "channel", "session"]),
    ("service", &["protocol", "channel", "session", "server"]),
    ("extensions", &["protocol", "server"]),
    ("transport", &["protocol", "session", "server"]),
];

/// Longest file, in lines of code; tests do not count.
const MOST_LINES: usize = 500;

struct File {
    /// Below the source folder, with slashes.
    name: String,
    lines: Vec<String>,
}

impl File {
    fn layer(&self) -> &str {
        let first = self.name.split('/').next().unwrap_or_default();
        first.trim_end_matches(".rs")
    }

    fn is_test(&self) -> bool {
        self.name
            .split('/')
            .any(|part| part == "tests" || part == "tests.rs")
    }

    /// The lines of code that are no test, with their numbers.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let tests = self.lines.iter().position(|line| line == "mod tests {");
        let length = if self.is_test() {
            0
        } else {
            tests.unwrap_or(self.lines.len())
        };
        let lines = self.lines.iter().take(length).enumerate();
        lines
            .map(|(n, line)| (n + 1, line.trim()))
            .filter(|(_, line)| !line.is_empty() && !line.starts_with("//"))
    }
}

fn sources(of: &str) -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(of)
        .join("src");
    let mut folders = vec![root.clone()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap();
                let text = fs::read_to_string(&path).unwrap();
                files.push(File {
                    name: name.replace('\\', "/"),
                    lines: text.lines().map(str::to_owned).collect(),
                });
            }
        }
    }
    assert!(!files.is_empty(), "{}", root.display());
    files
}

/// The layers that a line of code names by `crate::` paths.
fn uses(line: &str) -> impl Iterator<Item = &str> {
    let paths = line
        .match_indices("crate::")
        .map(|(at, it)| line.split_at(at + it.len()).1);
    paths.flat_map(|path| {
        let group = path.strip_prefix('{').and_then(|it| it.split('}').next());
        let names = group
            .unwrap_or(path)
            .split(',')
            .take(if group.is_some() { 99 } else { 1 });
        names.map(|name| {
            let end = |it: char| !(it.is_alphanumeric() || it == '_');
            name.trim().split(end).next().unwrap_or_default()
        })
    })
}

#[test]
fn layers_use_only_what_is_below_them() {
    // STYLE 2.1; tests of a layer keep to the same rule
    let mut wrong = Vec::new();
    for file in sources("cometd") {
        let Some((own, may_use)) = LAYERS.iter().find(|(layer, _)| *layer == file.layer()) else {
            continue;
        };
        for (n, line) in file.lines.iter().enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            let is_wrong = |name: &&str| {
                name != own
                    && !may_use.contains(name)
                    && LAYERS.iter().any(|(layer, _)| layer == name)
            };
            let names = uses(line).filter(is_wrong);
            wrong.extend(names.map(|name| format!("{}:{}: uses {name}", file.name, n + 1)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_file_is_too_long() {
    // STYLE 2.2
    for of in ["cometd", "cometd-macros", "tests"] {
        for file in sources(of) {
            let lines = file.code().count();
            assert!(lines <= MOST_LINES, "{of}/{}: {lines} lines", file.name);
        }
    }
}

#[test]
fn every_task_has_an_owner_and_no_input_unwraps() {
    // STYLE 2.5, 2.6
    let mut wrong = Vec::new();
    for of in ["cometd", "cometd-macros"] {
        for file in sources(of) {
            for (n, line) in file.code() {
                for banned in ["tokio::spawn(", ".unwrap()", "unbounded_channel("] {
                    if line.contains(banned) {
                        wrong.push(format!("{of}/{}:{n}: {banned}", file.name));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn paths_are_told_apart() {
    let names = |line: &'static str| uses(line).collect::<Vec<_>>();
    assert_eq!(names("use crate::server::{Core, crate_name};"), ["server"]);
    assert_eq!(
        names("use crate::{protocol::Id, session};"),
        ["protocol", "session"]
    );
    assert_eq!(
        names("fn f(x: crate::channel::Tree, y: crate::Body)"),
        ["channel", "Body"]
    );
    assert_eq!(names("pub(in crate::transport) fn f()"), ["transport"]);
    assert!(names("use super::core::Core;").is_empty());
}
