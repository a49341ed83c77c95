//! Instructions, allocations and memory, which do not depend on the mood of a machine.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::machine;

mod cases;
mod idle;
mod memory;
mod valgrind;

pub(crate) use self::cases::{CASES, Case};
pub(crate) use self::valgrind::Cost;

/// What each case may cost, and since when: `bench/gate.toml`.
#[derive(Debug, Default, Deserialize)]
struct Gate {
    /// [`machine::counted_with`] when the costs were written down.
    #[serde(default)]
    counted_with: String,
    #[serde(default)]
    case: BTreeMap<String, Allowed>,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
struct Allowed {
    #[serde(alias = "instructions", alias = "bytes")]
    amount: f64,
    allocations: f64,
    /// Why it costs that.
    why: String,
}

/// By which part of it a cost may differ from what is written down, in both directions: what has become
/// cheaper is to stay so.
const TOLERANCE: f64 = 0.02;

/// The same with another compiler or C library than that of the costs that are written down.
const TOLERANCE_ELSEWHERE: f64 = 0.1;

/// Costs below this do not matter: allocations that happen now and then.
const NEGLIGIBLE: f64 = 0.05;

/// Counts all cases. With a reason what is found is written down, otherwise compared.
pub(crate) fn gate(why: Option<&str>, only: &[String]) -> Result<(), Box<dyn Error>> {
    if !valgrind::is_there() {
        crate::say("SKIPPED gate: valgrind not found");
        return match std::env::var("CI").as_deref() {
            Ok("true") => Err("with CI=true a skip is a failure".into()),
            Ok(_) | Err(_) => Ok(()),
        };
    }
    let file = file();
    let mut gate = Gate::read(&file)?;
    let here = machine::counted_with();
    let mut tolerance = TOLERANCE;
    if why.is_some() {
        gate.counted_with = here;
    } else if gate.counted_with != here {
        tolerance = TOLERANCE_ELSEWHERE;
        crate::say(&format!(
            "10 % are tolerated: costs were counted with {}, and here is {here}",
            gate.counted_with
        ));
    }
    let mut failed = Vec::new();
    let wanted = |case: &&Case| only.is_empty() || only.iter().any(|it| case.name.contains(&**it));
    for case in CASES.iter().filter(wanted) {
        let cost = valgrind::cost(case)?;
        let allowed = gate.case.get(case.name);
        let unit = case.counted.unit();
        let verdict = verdict(allowed, cost, unit, tolerance);
        crate::say(&format!(
            "{:34} {:9.0} {unit:12} {:7.2} allocations  {}",
            case.name,
            cost.amount,
            cost.allocations,
            verdict
                .as_ref()
                .map_or_else(|it| it.clone(), |()| "ok".to_owned()),
        ));
        if verdict.is_err() {
            failed.push(case.name);
            if let Some(why) = why {
                gate.case
                    .insert(case.name.to_owned(), Allowed::new(cost, why));
            }
        }
    }
    match why {
        Some(_) => Ok(fs::write(&file, gate.text())?),
        None if failed.is_empty() => Ok(()),
        None => Err(format!(
            "{} cost something else than {} says; `gate --accept \"WHY\"` writes it down",
            failed.join(", "),
            relative(&file).display(),
        )
        .into()),
    }
}

/// What is written down of a case.
pub(crate) fn written(case: &str) -> Option<Cost> {
    let gate = Gate::read(&file()).ok()?;
    gate.case.get(case).map(|it| Cost {
        amount: it.amount,
        allocations: it.allocations,
    })
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("gate.toml")
}

fn relative(file: &Path) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let inside = root.and_then(|root| file.strip_prefix(root).ok());
    inside.unwrap_or(file).to_owned()
}

/// What is wrong with a cost.
fn verdict(
    allowed: Option<&Allowed>,
    cost: Cost,
    unit: &str,
    tolerance: f64,
) -> Result<(), String> {
    let Some(allowed) = allowed else {
        return Err("not written down yet".to_owned());
    };
    let pairs = [
        (cost.amount, allowed.amount, unit),
        (cost.allocations, allowed.allocations, "allocations"),
    ];
    for (found, expected, what) in pairs {
        let difference = found - expected;
        if difference.abs() > expected * tolerance && difference.abs() > NEGLIGIBLE {
            let percent = 100.0 * difference / expected;
            return Err(format!("{percent:+.1} % {what}"));
        }
    }
    Ok(())
}

impl Allowed {
    fn new(cost: Cost, why: &str) -> Self {
        Self {
            amount: cost.amount.round(),
            allocations: (cost.allocations * 100.0).round() / 100.0,
            why: why.to_owned(),
        }
    }
}

impl Gate {
    fn read(file: &Path) -> Result<Self, toml::de::Error> {
        toml::from_str(&fs::read_to_string(file).unwrap_or_default())
    }

    /// The file, with the cases in their order.
    fn text(&self) -> String {
        let mut text = format!("{HEAD}counted_with = {:?}\n", self.counted_with);
        for case in CASES {
            let Some(allowed) = self.case.get(case.name) else {
                continue;
            };
            // Strings of JSON are strings of TOML.
            let why = serde_json::Value::from(allowed.why.as_str());
            text += &format!(
                "\n# {}\n[case.{}]\n{} = {:.1}\nallocations = {:.2}\nwhy = {why}\n",
                case.what,
                case.name,
                case.counted.unit(),
                allowed.amount,
                allowed.allocations,
            );
        }
        text
    }
}

const HEAD: &str = "\
# What one operation costs, counted by valgrind. `cargo run --release -p bench -- gate` compares, with a tolerance of 2 %;
# `gate --accept \"WHY\"` writes down what has changed, and why.
";

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(amount: f64, allocations: f64) -> Allowed {
        Allowed {
            amount,
            allocations,
            why: "a \"reason\"".to_owned(),
        }
    }

    fn cost(amount: f64, allocations: f64) -> Cost {
        Cost {
            amount,
            allocations,
        }
    }

    #[test]
    fn two_percent_are_tolerated_and_more_is_told() {
        let verdict = |it| verdict(Some(&allowed(1000.0, 10.0)), it, "instructions", TOLERANCE);
        assert_eq!(verdict(cost(1020.0, 10.2)), Ok(()));
        assert_eq!(verdict(cost(980.0, 9.8)), Ok(()));
        assert_eq!(
            verdict(cost(1021.0, 10.0)),
            Err("+2.1 % instructions".to_owned())
        );
        assert_eq!(
            verdict(cost(900.0, 10.0)),
            Err("-10.0 % instructions".to_owned())
        );
        assert_eq!(
            verdict(cost(1000.0, 11.0)),
            Err("+10.0 % allocations".to_owned())
        );
    }

    #[test]
    fn allocations_now_and_then_are_no_change() {
        assert_eq!(
            verdict(
                Some(&allowed(1000.0, 0.0)),
                cost(1000.0, 0.04),
                "bytes",
                TOLERANCE
            ),
            Ok(())
        );
        let often = cost(1000.0, 0.5);
        assert!(verdict(Some(&allowed(1000.0, 0.0)), often, "bytes", TOLERANCE).is_err());
    }

    #[test]
    fn the_file_is_read_back() {
        let case = CASES
            .iter()
            .map(|it| (it.name.to_owned(), allowed(1234.0, 5.5)));
        let gate = Gate {
            counted_with: "rustc 1.95.0 (59807616e 2026-04-14), glibc 2.36".to_owned(),
            case: case.collect(),
        };
        let read: Gate = toml::from_str(&gate.text()).unwrap();
        assert_eq!(
            (read.counted_with, read.case),
            (gate.counted_with, gate.case)
        );
    }
}
