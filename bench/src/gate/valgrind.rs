//! Counting with valgrind.

use std::collections::HashMap;
use std::error::Error;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::{fs, io, thread};

use super::cases::{Case, Counted};

/// What a run, or one operation, costs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Cost {
    /// Instructions that are executed, or bytes that are kept.
    pub(crate) amount: f64,
    /// Allocations that are made, or kept.
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
    let (once, twice) = thread::scope(|scope| {
        let twice = scope.spawn(|| run(case, 2 * case.operations));
        let once = run(case, case.operations);
        // A panic is passed on.
        let twice = twice.join();
        (
            once,
            twice.unwrap_or_else(|it| std::panic::resume_unwind(it)),
        )
    });
    let (once, twice) = (once?, twice?);
    let operations = f64::from(case.operations);
    Ok(Cost {
        amount: (twice.amount - once.amount) / operations,
        allocations: (twice.allocations - once.allocations) / operations,
    })
}

/// Runs a case in a process of its own.
fn run(case: &Case, operations: u32) -> io::Result<Cost> {
    let cost = match case.counted {
        Counted::Work => {
            let name = format!("bench-{}-{operations}.callgrind", std::process::id());
            let counts = std::env::temp_dir().join(name);
            let output = valgrind("callgrind", &counts, case, operations);
            let text = fs::read_to_string(&counts).unwrap_or_default();
            // There is none if valgrind failed.
            let _ = fs::remove_file(&counts);
            output.map(|_| work(&text))
        }
        Counted::Memory => {
            let output = valgrind("dhat", Path::new("/dev/null"), case, operations);
            output.map(|it| memory(&String::from_utf8_lossy(&it.stderr)))
        }
    };
    cost?.ok_or_else(|| io::Error::other("valgrind has not counted anything"))
}

fn valgrind(tool: &str, out: &Path, case: &Case, operations: u32) -> io::Result<Output> {
    let mut option = OsString::from(format!("--{tool}-out-file="));
    option.push(out);
    let output = Command::new("valgrind")
        .arg(format!("--tool={tool}"))
        .arg(option)
        .arg(std::env::current_exe()?)
        .args(["count", case.name, &operations.to_string()])
        .env("GLIBC_TUNABLES", PLAIN)
        .output()?;
    if output.status.success() {
        return Ok(output);
    }
    Err(io::Error::other(
        String::from_utf8_lossy(&output.stderr).into_owned(),
    ))
}

/// Makes the C library copy and compare as it does on any x86-64, whatever the processor has: one of
/// two processors would otherwise count some per cent more.
const PLAIN: &str = "glibc.cpu.hwcaps=-AVX_Fast_Unaligned_Load,-AVX,-AVX2,-AVX512F,-AVX512VL,-AVX512BW,-BMI2,-ERMS,-FSRM,-SSSE3";

/// The sum of all instructions, and the calls of what allocates, as callgrind writes them.
fn work(text: &str) -> Option<Cost> {
    let mut names: HashMap<&str, &str> = HashMap::new();
    let mut cost = Cost::default();
    let mut allocates = false;
    for line in text.lines() {
        if let Some(summary) = line.strip_prefix("summary: ") {
            cost.amount = summary.trim().parse().ok()?;
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
    (cost.amount > 0.0).then_some(cost)
}

/// The functions of the C library that everything allocated comes from.
const ALLOCATORS: [&str; 5] = [
    "malloc",
    "calloc",
    "realloc",
    "posix_memalign",
    "aligned_alloc",
];

/// What is alive at the end, as DHAT says.
fn memory(text: &str) -> Option<Cost> {
    let (_, end) = text.split_once("At t-end:")?;
    let (bytes, rest) = end.split_once(" bytes in ")?;
    let (blocks, _) = rest.split_once(" blocks")?;
    let number = |text: &str| text.trim().replace(',', "").parse().ok();
    Some(Cost {
        amount: number(bytes)?,
        allocations: number(blocks)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_allocators_are_counted_wherever_they_are_named() {
        let text = "events: Ir\n\nfn=(1) main\n12 34\ncfn=(2) malloc\ncalls=3 0\n12 99\n\
            cfn=(3) free\ncalls=2 0\n12 9\n\nfn=(4) other\ncfn=(2)\ncalls=4 0\n1 1\n\
            fn=(2)\n5 5\ncfn=(5) realloc\ncalls=1 0\n1 1\n\nsummary: 4711\n";
        let expected = Cost {
            amount: 4711.0,
            allocations: 8.0,
        };
        assert_eq!(work(text), Some(expected));
    }

    #[test]
    fn memory_is_what_is_alive_at_the_end() {
        let text = "==7== Total:     625,623 bytes in 1,670 blocks\n\
            ==7== At t-gmax: 108,291 bytes in 232 blocks\n\
            ==7== At t-end:  1,024,656 bytes in 1,067 blocks\n==7== Reads:     5 bytes\n";
        let expected = Cost {
            amount: 1_024_656.0,
            allocations: 1067.0,
        };
        assert_eq!(memory(text), Some(expected));
    }

    #[test]
    fn nothing_is_no_count() {
        assert_eq!((work(""), memory("")), (None, None));
    }
}
