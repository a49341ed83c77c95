//! What the scenarios say about the rules.

use std::collections::BTreeMap;
use std::fmt;

use crate::failure::Failure;
use crate::scenario::Scenario;

/// What came of a scenario.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// The server did what it has to.
    Passed,
    /// It did something else.
    Failed(Failure),
    /// It could not be judged, for this reason.
    NotTried(String),
}

/// What came of all scenarios. Its `Display` is a table of the rules.
#[derive(Clone, Debug, Default)]
pub struct Report {
    verdicts: Vec<(Scenario, Verdict)>,
}

impl Report {
    /// Adds a scenario.
    pub fn add(&mut self, scenario: &Scenario, verdict: Verdict) {
        self.verdicts.push((scenario.clone(), verdict));
    }

    /// How many scenarios passed.
    #[must_use]
    pub fn passed(&self) -> usize {
        self.count(|it| *it == Verdict::Passed)
    }

    /// How many scenarios failed.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.count(|it| matches!(it, Verdict::Failed(_)))
    }

    /// How many scenarios could not be judged.
    #[must_use]
    pub fn not_tried(&self) -> usize {
        self.count(|it| matches!(it, Verdict::NotTried(_)))
    }

    fn count(&self, is_it: impl Fn(&Verdict) -> bool) -> usize {
        self.verdicts.iter().filter(|(_, it)| is_it(it)).count()
    }

    /// Every scenario that failed, with the reason.
    #[must_use]
    pub fn failures(&self) -> String {
        let mut text = String::new();
        for (scenario, verdict) in &self.verdicts {
            if let Verdict::Failed(failure) = verdict {
                let (case, title) = (&scenario.case, &scenario.title);
                text.push_str(&format!("{case}: {title}\n"));
                if let Some(reference) = &scenario.reference {
                    text.push_str(&format!("  (The reference {reference}.)\n"));
                }
                text.push_str(&format!("  {failure}\n"));
            }
        }
        text
    }

    /// For each rule, the word that describes it and the cases that say so.
    fn rules(&self) -> BTreeMap<(String, u32), (&'static str, Vec<&str>)> {
        let mut rules: BTreeMap<(String, u32), [Vec<&str>; 3]> = BTreeMap::new();
        for (scenario, verdict) in &self.verdicts {
            for rule in &scenario.rules {
                let [passed, failed, not_tried] = rules.entry(key(rule)).or_default();
                match verdict {
                    Verdict::Passed => passed.push(&scenario.case),
                    Verdict::Failed(_) => failed.push(&scenario.case),
                    Verdict::NotTried(_) => not_tried.push(&scenario.case),
                }
            }
        }
        let judge =
            |[passed, failed, not_tried]: [Vec<_>; 3]| match (failed.is_empty(), passed.is_empty())
            {
                (false, _) => ("FAILED", failed),
                (true, false) => ("passed", passed),
                (true, true) => ("not tried", not_tried),
            };
        rules
            .into_iter()
            .map(|(rule, it)| (rule, judge(it)))
            .collect()
    }
}

/// Sorts `HS-2` before `HS-10`.
fn key(rule: &str) -> (String, u32) {
    let (letters, number) = rule.rsplit_once('-').unwrap_or((rule, ""));
    (letters.to_owned(), number.parse().unwrap_or_default())
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ((letters, number), (verdict, cases)) in self.rules() {
            let (rule, cases) = (format!("{letters}-{number}"), cases.join(" "));
            writeln!(formatter, "{rule:<10}{verdict:<11}{cases}")?;
        }
        let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, verdict) in &self.verdicts {
            if let Verdict::NotTried(reason) = verdict {
                *reasons.entry(reason).or_default() += 1;
            }
        }
        for (reason, count) in reasons {
            writeln!(formatter, "not tried: {count}, {reason}")?;
        }
        let (passed, failed, not_tried) = (self.passed(), self.failed(), self.not_tried());
        write!(
            formatter,
            "scenarios: {passed} passed, {failed} failed, {not_tried} not tried"
        )
    }
}
