//! The results of a run, as Markdown or as JSON.

use serde_json::{Map, Value, json};

use super::measure::Latency;
use super::verdict::{self, Target};

/// The results of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Report {
    parts: Vec<Part>,
    targets: Vec<Target>,
}

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    Table(Table),
}

/// A table of figures.
#[derive(Clone, Debug)]
pub(super) struct Table {
    name: &'static str,
    columns: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

#[derive(Clone, Debug)]
pub(super) enum Cell {
    Text(String),
    /// A figure, with the number of decimals in Markdown.
    Figure(f64, usize),
    /// A figure that is only a lower bound.
    AtLeast(f64),
    Latency(Latency),
    None,
}

impl Report {
    pub(super) fn text(&mut self, text: impl Into<String>) {
        self.parts.push(Part::Text(text.into()));
    }

    pub(super) fn table(&mut self, table: Table) {
        self.parts.push(Part::Table(table));
    }

    pub(super) fn targets(&mut self, targets: impl IntoIterator<Item = Target>) {
        self.targets.extend(targets.into_iter().filter(|target| !target.is_unknown()));
    }

    /// Returns the texts, the tables and the targets as Markdown.
    pub(super) fn markdown(&self) -> String {
        let parts = self.parts.iter().map(|part| match part {
            Part::Text(text) => text.clone(),
            Part::Table(table) => table.markdown(),
        });
        let targets = (!self.targets.is_empty()).then(|| verdict::markdown(&self.targets));
        parts.chain(targets).collect::<Vec<_>>().join("\n\n")
    }

    /// Returns a JSON object. It has each table as a list of objects under the table's name, the
    /// texts under `notes`, and the targets under `targets`.
    pub(super) fn json(&self) -> Value {
        let mut object = Map::new();
        let mut texts = Vec::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => texts.push(text.as_str()),
                Part::Table(table) => {
                    object.insert(table.name.into(), table.json());
                }
            }
        }
        object.insert("notes".into(), json!(texts));
        object.insert("targets".into(), self.targets.iter().map(Target::json).collect());
        Value::Object(object)
    }
}

impl Table {
    pub(super) fn new(name: &'static str, columns: &[&'static str]) -> Self {
        Self { name, columns: columns.to_vec(), rows: Vec::new() }
    }

    pub(super) fn row(&mut self, cells: impl Into<Vec<Cell>>) {
        self.rows.push(cells.into());
    }

    fn markdown(&self) -> String {
        let head = format!("| {} |", self.columns.join(" | "));
        let is_text = |column: usize| {
            let cell = self.rows.first().and_then(|row| row.get(column));
            matches!(cell, Some(Cell::Text(_)))
        };
        let line = (0..self.columns.len()).map(|at| if is_text(at) { "---" } else { "--:" });
        let line = format!("|{}|", line.collect::<Vec<_>>().join("|"));
        let rows = self.rows.iter().map(|row| {
            format!("| {} |", row.iter().map(Cell::markdown).collect::<Vec<_>>().join(" | "))
        });
        [head, line].into_iter().chain(rows).collect::<Vec<_>>().join("\n")
    }

    fn json(&self) -> Value {
        let object = |row: &Vec<Cell>| {
            let members = self.columns.iter().zip(row);
            members.map(|(name, cell)| ((*name).to_owned(), cell.json())).collect::<Map<_, _>>()
        };
        self.rows.iter().map(object).map(Value::Object).collect()
    }
}

impl Cell {
    fn markdown(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Figure(figure, decimals) => format!("{figure:.decimals$}"),
            Self::AtLeast(figure) => format!("≥ {figure:.0}"),
            Self::Latency(Latency { p50, p99, p999 }) => format!("{p50:.0} / {p99:.0} / {p999:.0}"),
            Self::None => "–".into(),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Figure(figure, _) => json!(figure),
            Self::AtLeast(figure) => json!({ "at_least": figure }),
            Self::Latency(Latency { p50, p99, p999 }) => {
                json!({ "p50": p50, "p99": p99, "p99.9": p999 })
            }
            Self::None => Value::Null,
        }
    }
}

impl From<Option<Latency>> for Cell {
    fn from(latency: Option<Latency>) -> Self {
        latency.map_or(Self::None, Self::Latency)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let mut table = Table::new("rows", &["work", "CPU", "latency"]);
        let latency = Latency { p50: 1.0, p99: 2.0, p999: 3.0 };
        table.row(["push".into(), Cell::Figure(20.04, 1), Some(latency).into()]);
        table.row(["play".into(), Cell::None, None.into()]);
        let mut report = Report::default();
        report.text("Latencies in µs.");
        report.table(table);
        report.targets([Target::at_most("ratio", vec![1.0; 5], 1.1)]);
        report
    }

    #[test]
    fn markdown_has_tables_and_targets() {
        assert_eq!(
            report().markdown(),
            "Latencies in µs.\n\n\
             | work | CPU | latency |\n|---|--:|--:|\n| push | 20.0 | 1 / 2 / 3 |\n| play | – | – |\n\n\
             | target | median | 90 % interval | limit | result |\n|---|--:|--:|--:|---|\n\
             | ratio | 1.00 | 1.00 to 1.00 | ≤ 1.10 | pass |"
        );
    }

    #[test]
    fn json_has_tables_by_name_and_targets() {
        let json = report().json();
        assert_eq!(json["rows"][0]["CPU"], 20.04);
        assert_eq!(json["rows"][0]["latency"]["p99.9"], 3.0);
        assert_eq!(json["rows"][1]["CPU"], Value::Null);
        assert_eq!(json["targets"][0]["verdict"], "pass");
        assert_eq!(json["notes"][0], "Latencies in µs.");
    }
}
