//! The middle of several runs, and how far they lie apart.

/// Several values of the same thing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) greatest: f64,
}

impl Spread {
    /// Nothing of nothing.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<_> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let upper = values.get(middle)?;
        let lower = if values.len() % 2 == 0 {
            values.get(middle - 1)?
        } else {
            upper
        };
        Some(Self {
            median: f64::midpoint(*lower, *upper),
            least: *values.first()?,
            greatest: *values.last()?,
        })
    }

    /// The distance of the outermost values, as a part of the median.
    pub(crate) fn width(&self) -> f64 {
        (self.greatest - self.least) / self.median
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_two() {
        let median = |values: &[f64]| Spread::of(values.iter().copied()).map(|it| it.median);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[7.0]), Some(7.0));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn the_width_is_relative() {
        let spread = Spread::of([90.0, 100.0, 130.0]).unwrap();
        assert_eq!((spread.least, spread.greatest), (90.0, 130.0));
        assert!((spread.width() - 0.4).abs() < 1e-9);
    }
}
