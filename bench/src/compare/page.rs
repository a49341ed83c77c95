//! A page of Markdown, and how numbers read on it.

use super::statistics::Spread;

#[derive(Default)]
pub(crate) struct Page {
    text: String,
}

impl Page {
    pub(crate) fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// The head of a table; what is right of the first column is numbers.
    pub(crate) fn head(&mut self, cells: &[String]) {
        self.row(cells);
        let rule = |at| if at == 0 { "---" } else { "---:" };
        let rules: Vec<_> = (0..cells.len()).map(|at| rule(at).to_owned()).collect();
        self.row(&rules);
    }

    pub(crate) fn row(&mut self, cells: &[String]) {
        self.line(&format!("| {} |", cells.join(" | ")));
    }

    /// The page, ending with one line feed.
    pub(crate) fn finish(self) -> String {
        self.text.trim_end().to_owned() + "\n"
    }
}

pub(crate) fn with_width(spread: &Spread, write: impl Fn(f64) -> String) -> String {
    format!("{} (±{:.0} %)", write(spread.median), 50.0 * spread.width())
}

/// Nanoseconds in a unit that people read.
pub(crate) fn duration(nanoseconds: f64) -> String {
    match nanoseconds {
        1e9.. => format!("{:.2} s", nanoseconds / 1e9),
        1e6.. => format!("{:.1} ms", nanoseconds / 1e6),
        _ => format!("{:.0} µs", nanoseconds / 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::super::plot::short;
    use super::*;

    #[test]
    fn durations_are_short() {
        let found = [1_500.0, 2_340_000.0, 1.5e9].map(duration);
        assert_eq!(found, ["2 µs", "2.3 ms", "1.50 s"].map(str::to_owned));
    }

    #[test]
    fn a_spread_is_shown_on_both_sides() {
        let spread = Spread::of([90.0, 100.0, 110.0]).unwrap();
        assert_eq!(with_width(&spread, short), "100 (±10 %)");
    }
}
