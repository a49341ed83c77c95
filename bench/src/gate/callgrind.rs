//! Counting with valgrind's callgrind.

use std::collections::HashMap;
use std::error::Error;
use std::fs;
use std::process::{Command, Stdio};

use super::cases::Case;

/// What a run, or one operation, costs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Cost {
    pub(crate) instructions: f64,
    pub(crate) allocations: f64,
}

/// Whether valgrind can be started.
pub(crate) fn is_there() -> bool {
    let version = Command::new("valgrind")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    version.is_ok_and(|it| it.success())
}

/// What one operation of a case costs: the difference of two runs, so that what is done once does not
/// count.
pub(crate) fn cost(case: &Case) -> Result<Cost, Box<dyn Error>> {
    let once = run(case, case.operations)?;
    let twice = run(case, 2 * case.operations)?;
    let operations = f64::from(case.operations);
    Ok(Cost {
        instructions: (twice.instructions - once.instructions) / operations,
        allocations: (twice.allocations - once.allocations) / operations,
    })
}

/// Runs a case in a process of its own.
fn run(case: &Case, operations: u32) -> Result<Cost, Box<dyn Error>> {
    let own = std::env::current_exe()?;
    let counts = std::env::temp_dir().join(format!(
        "bench-{}-{operations}.callgrind",
        std::process::id()
    ));
    let mut out = std::ffi::OsString::from("--callgrind-out-file=");
    out.push(&counts);
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet"])
        .arg(out)
        .arg(own)
        .args(["count", case.name, &operations.to_string()])
        .output()?;
    let text = fs::read_to_string(&counts).unwrap_or_default();
    // There is none if valgrind failed.
    let _ = fs::remove_file(&counts);
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    parse(&text).ok_or_else(|| "callgrind has not counted anything".into())
}

/// The sum of all instructions, and the calls of what allocates.
fn parse(text: &str) -> Option<Cost> {
    let mut names: HashMap<&str, &str> = HashMap::new();
    let mut cost = Cost::default();
    let mut allocates = false;
    for line in text.lines() {
        if let Some(summary) = line.strip_prefix("summary: ") {
            cost.instructions = summary.trim().parse().ok()?;
        } else if let Some(name) = line
            .strip_prefix("cfn=")
            .or_else(|| line.strip_prefix("fn="))
        {
            // "(7) name" where it is named first, "(7)" from then on.
            let (number, name) = name.split_once(' ').unwrap_or((name, ""));
            if !name.is_empty() {
                names.insert(number, name);
            }
            let name = names.get(number).copied().unwrap_or_default();
            allocates = line.starts_with('c') && ALLOCATORS.contains(&name);
        } else if let Some(calls) = line.strip_prefix("calls=")
            && allocates
        {
            cost.allocations += calls.split(' ').next()?.parse::<f64>().ok()?;
        }
    }
    (cost.instructions > 0.0).then_some(cost)
}

/// The functions of the C library that everything allocated comes from.
const ALLOCATORS: [&str; 5] = [
    "malloc",
    "calloc",
    "realloc",
    "posix_memalign",
    "aligned_alloc",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_allocators_are_counted_wherever_they_are_named() {
        let text = "events: Ir\n\nfn=(1) main\n12 34\ncfn=(2) malloc\ncalls=3 0\n12 99\n\
            cfn=(3) free\ncalls=2 0\n12 9\n\nfn=(4) other\ncfn=(2)\ncalls=4 0\n1 1\n\
            fn=(2)\n5 5\ncfn=(5) realloc\ncalls=1 0\n1 1\n\nsummary: 4711\n";
        let expected = Cost {
            instructions: 4711.0,
            allocations: 8.0,
        };
        assert_eq!(parse(text), Some(expected));
    }

    #[test]
    fn nothing_is_no_count() {
        assert_eq!(parse(""), None);
    }
}
