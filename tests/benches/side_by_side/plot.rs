//! Plot of the CPU time of a push, as SVG: one panel for each quantity, such as connections.
//!
//! The quantities have a logarithmic scale, and the CPU time has a linear scale from 0. `plot.svg`
//! is the askama template. The crates for plots either have no logarithmic scale or write fixed
//! colors, but this picture needs colors for light and for dark pages.

use std::fmt::Write as _;

use askama::Template;

use super::table::middle;

const TITLE: &str = "CPU time of a push through gatepost";

/// Width of the area in which a panel draws its points, and the area's distance from the panel's
/// left edge.
const WIDTH: f64 = 340.0;
const LEFT: f64 = 56.0;

/// Distances of the highest and the lowest value of the scale from the panel's upper edge.
const TOP: f64 = 34.0;
const BOTTOM: f64 = 184.0;

/// Maximum number of steps of a linear scale.
const STEPS: f64 = 5.0;

/// CPU times of a push for several values of one quantity.
#[derive(Clone, Debug)]
pub(super) struct Panel {
    pub(super) title: &'static str,
    /// Text below the axis of the quantity.
    pub(super) unit: &'static str,
    pub(super) points: Vec<Point>,
}

/// CPU time in µs for one value of the quantity.
#[derive(Clone, Debug)]
pub(super) struct Point {
    pub(super) quantity: usize,
    /// Total CPU time in each round.
    pub(super) all: Vec<f64>,
    /// CPU time in the kernel in each round.
    pub(super) kernel: Vec<f64>,
}

/// Draws the panels. `caption` has the lines below the panels.
///
/// # Errors
/// Returns an error if askama cannot render the template.
pub(super) fn svg(panels: &[Panel], caption: &[String]) -> askama::Result<String> {
    let places = [(24.0, 96.0), (480.0, 96.0), (24.0, 352.0), (480.0, 352.0)];
    let drawn = panels.iter().zip(places).map(|(panel, (left, top))| panel.draw(left, top));
    let described = panels.iter().map(Panel::describe).collect::<Vec<_>>().join(" ");
    let picture = Picture {
        title: TITLE,
        description: format!("CPU time in µs per push. {described}"),
        height: 640,
        bottom: BOTTOM,
        panels: drawn.collect(),
        caption,
    };
    picture.render()
}

#[derive(Template)]
#[template(path = "plot.svg")]
struct Picture<'a> {
    title: &'a str,
    description: String,
    height: usize,
    bottom: f64,
    panels: Vec<Drawing>,
    caption: &'a [String],
}

/// A panel with the coordinates of all its elements.
struct Drawing {
    title: &'static str,
    unit: &'static str,
    left: f64,
    top: f64,
    rows: Vec<Tick>,
    columns: Vec<Tick>,
    all: String,
    kernel: String,
    ranges: String,
    dots: Vec<Dot>,
    kernel_dots: Vec<Dot>,
}

struct Tick {
    at: String,
    label: String,
}

struct Dot {
    x: String,
    y: String,
    /// Coordinate of the highest CPU time in any round.
    top: String,
    label: String,
}

impl Panel {
    fn draw(&self, left: f64, top: f64) -> Drawing {
        let points: Vec<_> = self.points.iter().filter(|point| !point.all.is_empty()).collect();
        let highest = points.iter().map(|point| point.highest()).fold(0.0, f64::max);
        let rows = ticks(highest);
        let most = rows.last().copied().unwrap_or(1.0);
        let y = |micros: f64| BOTTOM - micros / most * (BOTTOM - TOP);
        let ends = (points.first().map_or(1, |point| point.quantity))
            ..=(points.last().map_or(1, |point| point.quantity));
        let x =
            |point: &Point| LEFT + WIDTH * log_position(point.quantity, *ends.start(), *ends.end());
        let dot = |point: &&Point, of: fn(&Point) -> f64| Dot {
            x: shown(x(point)),
            y: shown(y(of(point))),
            top: shown(y(point.highest())),
            label: short(of(point)),
        };
        let dots = |of: fn(&Point) -> f64| -> Vec<_> {
            points.iter().map(|point| dot(point, of)).collect()
        };
        let ranges = points.iter().map(|point| {
            format!(
                "M{} {}V{}",
                shown(x(point)),
                shown(y(point.lowest())),
                shown(y(point.highest()))
            )
        });
        let (all, kernel) = (dots(Point::all), dots(Point::kernel));
        Drawing {
            title: self.title,
            unit: self.unit,
            left,
            top,
            columns: points
                .iter()
                .map(|point| Tick { at: shown(x(point)), label: grouped(point.quantity) })
                .collect(),
            rows: rows
                .into_iter()
                .map(|row| Tick { at: shown(y(row)), label: short(row) })
                .collect(),
            all: line(&all),
            kernel: line(&kernel),
            ranges: ranges.collect(),
            dots: all,
            kernel_dots: kernel,
        }
    }

    /// Returns the figures as text, for a screen reader.
    fn describe(&self) -> String {
        let mut text = format!("{} ({}):", self.title, self.unit);
        for (at, point) in self.points.iter().filter(|point| !point.all.is_empty()).enumerate() {
            let separator = if at == 0 { "" } else { "," };
            let (quantity, micros) = (grouped(point.quantity), short(point.all()));
            let _written = write!(text, "{separator} {micros} µs at {quantity}");
        }
        text + "."
    }
}

impl Point {
    fn all(&self) -> f64 {
        middle(self.all.clone())
    }

    fn kernel(&self) -> f64 {
        middle(self.kernel.clone())
    }

    fn lowest(&self) -> f64 {
        self.all.iter().copied().fold(f64::INFINITY, f64::min)
    }

    fn highest(&self) -> f64 {
        self.all.iter().copied().fold(0.0, f64::max)
    }
}

/// Returns the commands of a path through the dots.
fn line(dots: &[Dot]) -> String {
    let points: Vec<_> = dots.iter().map(|dot| format!("{} {}", dot.x, dot.y)).collect();
    if points.is_empty() { String::new() } else { format!("M{}", points.join("L")) }
}

/// Returns the ticks of a linear scale from 0 to at least `highest`: at most [`STEPS`] steps of 1,
/// 2 or 5 times a power of ten.
fn ticks(highest: f64) -> Vec<f64> {
    let highest = if highest > 0.0 { highest } else { 1.0 };
    let power = 10.0_f64.powf((highest / STEPS).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
    let step = steps.into_iter().find(|step| highest <= step * STEPS).unwrap_or(highest);
    let mut ticks = vec![0.0];
    while let Some(last) = ticks.last().copied().filter(|last| *last < highest) {
        ticks.push(last + step);
    }
    ticks
}

/// Returns the place of a value on a logarithmic scale: 0 for `first`, 1 for `last`. Returns the
/// middle if the scale has only one value.
fn log_position(value: usize, first: usize, last: usize) -> f64 {
    let log = |value: usize| (value as f64).ln();
    if first == last { 0.5 } else { (log(value) - log(first)) / (log(last) - log(first)) }
}

/// Formats a coordinate.
fn shown(coordinate: f64) -> String {
    format!("{coordinate:.1}")
}

/// Formats a CPU time in µs. Only a fractional time below 10 has a decimal.
fn short(micros: f64) -> String {
    if micros < 10.0 && micros.fract() > 1e-9 {
        format!("{micros:.1}")
    } else {
        format!("{micros:.0}")
    }
}

/// Formats a count with a comma between groups of three digits.
fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
    groups.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_start_at_0_and_include_highest_value() {
        assert_eq!(ticks(21.3), [0.0, 5.0, 10.0, 15.0, 20.0, 25.0]);
        assert_eq!(ticks(20.0), [0.0, 5.0, 10.0, 15.0, 20.0]);
        assert_eq!(ticks(101.2), [0.0, 50.0, 100.0, 150.0]);
        assert_eq!(ticks(5.0), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(ticks(0.0).first(), Some(&0.0));
        for highest in 1..2000 {
            let ticks = ticks(f64::from(highest) / 7.0);
            assert!((3..=6).contains(&ticks.len()), "expected 3 to 6 ticks, found {ticks:?}");
            assert!(ticks.last() >= Some(&(f64::from(highest) / 7.0)));
        }
    }

    #[test]
    fn factors_of_ten_have_equal_distances() {
        let places = [1, 10, 100, 1000, 10_000].map(|count| log_position(count, 1, 10_000));
        for (at, place) in (0_u8..).zip(places) {
            assert!((place - f64::from(at) / 4.0).abs() < 1e-9, "expected quarters, found {place}");
        }
        assert!((log_position(1, 1, 1) - 0.5).abs() < f64::EPSILON);
    }

    #[test]
    fn counts_have_groups_of_three_digits() {
        assert_eq!(
            [1, 100, 1000, 10_000, 1_234_567].map(grouped),
            ["1", "100", "1,000", "10,000", "1,234,567"]
        );
    }

    #[test]
    fn micros_have_a_decimal_only_below_10() {
        assert_eq!([0.0, 5.0, 9.94, 21.3].map(short), ["0", "5", "9.9", "21"]);
    }

    #[test]
    fn picture_has_points_ranges_and_description() {
        let point =
            |quantity, all: [f64; 3]| Point { quantity, all: all.into(), kernel: vec![5.0] };
        let absent = Point { quantity: 100, all: vec![], kernel: vec![] };
        let panel = Panel {
            title: "Connections",
            unit: "open connections",
            points: vec![point(1, [10.0, 20.0, 30.0]), absent, point(10_000, [50.0; 3])],
        };
        let svg = svg(&[panel], &["AMD & Intel".into()]).unwrap();
        // The scale ends at 50. The median, 20, is at 184 - 150 × 20/50 = 124. The range from 10 to
        // 30 is from 154 to 94.
        assert!(svg.contains(r#"d="M56.0 124.0L396.0 34.0""#), "{svg}");
        assert!(svg.contains("M56.0 154.0V94.0"), "{svg}");
        let described = "Connections (open connections): 20 µs at 1, 50 µs at 10,000.";
        assert!(svg.contains(described), "{svg}");
        assert!(svg.contains("AMD &#38; Intel") && svg.contains("prefers-color-scheme: dark"));
    }
}
