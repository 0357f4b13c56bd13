//! Generation of the manual's page of metrics.

use std::fmt::Write as _;

use super::{MetricHelp, Metrics};
use crate::generated_page::{cell, check, first_line};

const LEAD: &str = "All metrics of the proxy. The admin listener serves them at `/metrics`, in the text format of Prometheus.

- No label has a value that a client chooses: no label contains a tenant or the path of a request.
- From the start, gatepost shows the series of each kind that a template lists (up to 256 kinds over all templates), and of each code,
  with the value 0. So `rate()` counts the first increase.
- A reload removes the series of templates that the config no longer contains.
- If the values of a metric have a unit, the name of the metric contains this unit.

`gatepost help METRIC` prints the same text. [Metrics, log and traces](observe.md) has alert rules and a dashboard;
[codes](codes.md) explains the values of the label `code`.
";

fn row(metric: &MetricHelp) -> String {
    let labels: Vec<_> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
    let (labels, about) = (labels.join(", "), cell(&metric.about));
    format!("| `{}` | {} | {labels} | {} | {about} |\n", metric.name, metric.form(), metric.unit())
}

#[test]
fn metrics_page_has_every_metric() {
    let mut text = first_line() + LEAD;
    let mut subject = "";
    for metric in Metrics::help() {
        if subject != metric.subject {
            subject = metric.subject;
            write!(text, "\n# {subject}\n\n| metric | type | labels | unit | meaning |\n").unwrap();
            text += "|---|---|---|---|---|\n";
        }
        text += &row(&metric);
    }
    check("metrics.md", &text);
}
