//! Line charts as SVG.

use std::fmt::Write;

/// A chart of some lines.
pub(crate) struct Chart {
    pub(crate) title: String,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) lines: Vec<Line>,
}

/// A logarithmic axis.
pub(crate) struct Axis {
    pub(crate) label: &'static str,
    /// Where the axis is marked, and with what; none marks it in steps of 1, 2, 5.
    pub(crate) ticks: Vec<(f64, String)>,
}

pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) color: &'static str,
    /// From left to right; neither coordinate is negative or zero.
    pub(crate) points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 440.0;
/// Room around the plane for marks and names.
const LEFT: f64 = 80.0;
const RIGHT: f64 = 110.0;
const TOP: f64 = 48.0;
const BOTTOM: f64 = 56.0;

/// How values of an axis lie on the page.
struct Scale {
    least: f64,
    greatest: f64,
    /// Where the least lies, and the greatest.
    from: f64,
    to: f64,
}

impl Chart {
    /// The chart as a document; nothing if there is no point.
    pub(crate) fn svg(&self) -> Option<String> {
        let points = || self.lines.iter().flat_map(|it| &it.points);
        let x = Scale::over(points().map(|it| it.0), LEFT, WIDTH - RIGHT)?;
        let y = Scale::over(points().map(|it| it.1), HEIGHT - BOTTOM, TOP)?;
        let mut svg = Svg::default();
        svg.text((LEFT, 24.0), Anchor::Start, "title", &self.title);
        let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        for (value, mark) in self.x.marks(&x) {
            let at = x.place(value);
            svg.line("grid", &[(at, TOP), (at, bottom)]);
            svg.text((at, bottom + 18.0), Anchor::Middle, "mark", &mark);
        }
        for (value, mark) in self.y.marks(&y) {
            let at = y.place(value);
            svg.line("grid", &[(LEFT, at), (right, at)]);
            svg.text((LEFT - 8.0, at + 4.0), Anchor::End, "mark", &mark);
        }
        let middle = f64::midpoint(LEFT, right);
        svg.text(
            (middle, HEIGHT - 14.0),
            Anchor::Middle,
            "label",
            self.x.label,
        );
        svg.text((LEFT, TOP - 8.0), Anchor::Start, "label", self.y.label);
        for line in &self.lines {
            let place = |point: &(f64, f64)| (x.place(point.0), y.place(point.1));
            svg.series(line, line.points.iter().map(place).collect());
        }
        svg.names(&self.lines, &y, right + 10.0);
        Some(svg.finish())
    }
}

impl Axis {
    pub(crate) const fn plain(label: &'static str) -> Self {
        Self {
            label,
            ticks: Vec::new(),
        }
    }

    fn marks(&self, scale: &Scale) -> Vec<(f64, String)> {
        let inside = |it: &(f64, String)| it.0 >= scale.least && it.0 <= scale.greatest;
        if !self.ticks.is_empty() {
            return self.ticks.iter().filter(|it| inside(it)).cloned().collect();
        }
        let decades = (scale.greatest / scale.least).log10();
        let steps: &[f64] = if decades > 2.5 {
            &[1.0]
        } else {
            &[1.0, 2.0, 5.0]
        };
        let first = scale.least.log10().floor() as i32;
        let last = scale.greatest.log10().ceil() as i32;
        let values =
            (first..=last).flat_map(|power| steps.iter().map(move |it| it * 10_f64.powi(power)));
        values.map(|it| (it, short(it))).filter(inside).collect()
    }
}

/// A number with the letter of its thousands.
pub(crate) fn short(value: f64) -> String {
    let (scaled, letter) = match value {
        1e6.. => (value / 1e6, " M"),
        1e3.. => (value / 1e3, " k"),
        _ => (value, ""),
    };
    let digits = match scaled {
        100.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    let text = format!("{scaled:.digits$}");
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    format!("{text}{letter}")
}

impl Scale {
    fn over(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Option<Self> {
        let (least, greatest) = values
            .map(|it| (it, it))
            .reduce(|(low, high), (it, _)| (low.min(it), high.max(it)))?;
        Some(Self {
            least: least / MARGIN,
            greatest: greatest * MARGIN,
            from,
            to,
        })
    }

    fn place(&self, value: f64) -> f64 {
        let part = (value / self.least).ln() / (self.greatest / self.least).ln();
        self.from + part * (self.to - self.from)
    }
}

/// Room beyond the outermost values.
const MARGIN: f64 = 1.15;

#[derive(Default)]
struct Svg {
    body: String,
}

#[derive(Clone, Copy)]
enum Anchor {
    Start,
    Middle,
    End,
}

impl Svg {
    fn text(&mut self, at: (f64, f64), anchor: Anchor, class: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let (x, y) = at;
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        // Writing to a string does not fail.
        let _ = writeln!(
            self.body,
            r#"<text class="{class}" x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{text}</text>"#
        );
    }

    fn line(&mut self, class: &str, points: &[(f64, f64)]) {
        let points = coordinates(points);
        let _ = writeln!(
            self.body,
            r#"<polyline class="{class}" points="{points}"/>"#
        );
    }

    fn series(&mut self, line: &Line, points: Vec<(f64, f64)>) {
        let color = line.color;
        let path = coordinates(&points);
        let _ = writeln!(
            self.body,
            r#"<polyline class="series" stroke="{color}" points="{path}"/>"#
        );
        if points.len() <= FEW {
            for (x, y) in points {
                let _ = writeln!(
                    self.body,
                    r#"<circle cx="{x:.1}" cy="{y:.1}" r="3.5" fill="{color}"/>"#
                );
            }
        }
    }

    /// The names of the lines beside their ends, apart from each other.
    fn names(&mut self, lines: &[Line], y: &Scale, x: f64) {
        let ends = lines
            .iter()
            .filter_map(|it| Some((y.place(it.points.last()?.1), it)));
        let mut ends: Vec<_> = ends.collect();
        ends.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut free = f64::MIN;
        for (end, line) in ends {
            let at = end.max(free);
            free = at + 16.0;
            let (color, name) = (line.color, &line.name);
            let _ = writeln!(
                self.body,
                r#"<text class="name" x="{x:.1}" y="{:.1}" fill="{color}">{name}</text>"#,
                at + 4.0
            );
        }
    }

    fn finish(self) -> String {
        let body = self.body;
        format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="system-ui, sans-serif">
<style>
.title {{ font-size: 15px; font-weight: 600; fill: #1f2328; }}
.label, .mark {{ font-size: 12px; fill: #59636e; }}
.name {{ font-size: 13px; font-weight: 600; }}
.grid {{ fill: none; stroke: #e2e6ea; }}
.series {{ fill: none; stroke-width: 2; stroke-linejoin: round; }}
</style>
<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>
{body}</svg>
"##
        )
    }
}

/// Points that are marked one by one.
const FEW: usize = 12;

fn coordinates(points: &[(f64, f64)]) -> String {
    let points: Vec<_> = points
        .iter()
        .map(|(x, y)| format!("{x:.1},{y:.1}"))
        .collect();
    points.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(points: &[(f64, f64)]) -> Chart {
        Chart {
            title: "a < b".to_owned(),
            x: Axis::plain("sessions"),
            y: Axis::plain("messages"),
            lines: vec![Line {
                name: "ours".to_owned(),
                color: "#000000",
                points: points.to_vec(),
            }],
        }
    }

    #[test]
    fn equal_factors_are_equal_distances() {
        let scale = Scale::over([1.0, 100.0].into_iter(), 0.0, 1.0).unwrap();
        let [low, middle, high] = [1.0, 10.0, 100.0].map(|it| scale.place(it));
        assert!((middle - low - (high - middle)).abs() < 1e-9);
        assert!(low > 0.0 && high < 1.0);
    }

    #[test]
    fn an_axis_is_marked_inside_its_range() {
        let scale = Scale::over([90.0, 1100.0].into_iter(), 0.0, 1.0).unwrap();
        let marks: Vec<_> = Axis::plain("")
            .marks(&scale)
            .into_iter()
            .map(|it| it.1)
            .collect();
        assert_eq!(marks, ["100", "200", "500", "1 k"]);
    }

    #[test]
    fn numbers_are_short() {
        let numbers = [0.05, 2.0, 12.34, 999.0, 1000.0, 1_234_000.0];
        let expected = ["0.05", "2", "12.3", "999", "1 k", "1.23 M"];
        assert_eq!(numbers.map(short), expected.map(str::to_owned));
    }

    #[test]
    fn a_chart_shows_its_points_and_escapes_its_texts() {
        let svg = chart(&[(1.0, 10.0), (10.0, 20.0)]).svg().unwrap();
        assert_eq!(svg.matches("<circle").count(), 2);
        assert!(svg.contains("a &lt; b") && svg.ends_with("</svg>\n"));
        assert_eq!(chart(&[]).svg(), None);
    }
}
