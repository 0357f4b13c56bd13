//! The callbacks of a scenario in the order of their times.

use std::time::Duration;

use super::file::{FieldValue, Fields, Scenario, Step, Stream};

/// A callback that is due at a time of the scenario.
#[derive(Debug)]
pub(crate) struct Due<'s> {
    /// Time from the start of the scenario.
    pub(crate) at: Duration,
    /// Index of the stream.
    pub(crate) index: usize,
    pub(crate) stream: &'s Stream,
    pub(crate) step: &'s Step,
    /// Time from the first callback of the stream.
    elapsed: Duration,
    /// Number of the repetition, from 1.
    number: u32,
}

/// Returns all callbacks, the earliest first. At equal times, keeps the order of the file.
pub(crate) fn schedule(scenario: &Scenario) -> Vec<Due<'_>> {
    let streams = scenario.streams.iter().enumerate();
    let mut all: Vec<_> = streams.flat_map(|(index, stream)| of_stream(index, stream)).collect();
    all.sort_by_key(|due| due.at);
    all
}

fn of_stream(index: usize, stream: &Stream) -> Vec<Due<'_>> {
    let (mut at, mut first) = (stream.start, None);
    let mut all = Vec::new();
    for step in &stream.steps {
        for number in 1..=step.times {
            at = at.saturating_add(step.after);
            let elapsed = at.saturating_sub(*first.get_or_insert(at));
            all.push(Due { at, index, stream, step, elapsed, number });
        }
    }
    all
}

impl Due<'_> {
    /// Returns true for the first callback of a step.
    pub(crate) const fn is_first(&self) -> bool {
        self.number == 1
    }

    /// Returns the fields of the callback. A field of the stream replaces a field of the scenario,
    /// and a field of the step replaces both. `start` is the Unix time of the scenario's start, in
    /// seconds.
    pub(crate) fn fields(&self, common: &Fields, start: i64) -> Vec<(String, String)> {
        let mut fields = common.clone();
        fields.extend(self.stream.fields.clone());
        fields.extend(self.step.fields.clone());
        let filled =
            |(name, FieldValue(text)): (String, FieldValue)| (name, self.fill(&text, start));
        fields.into_iter().map(filled).collect()
    }

    /// Replaces the known placeholders in `text`, such as `{now}`.
    fn fill(&self, text: &str, start: i64) -> String {
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        let now = start.saturating_add(seconds(self.at));
        let words = [
            ("{now}", now.to_string()),
            ("{start}", now.saturating_sub(seconds(self.elapsed)).to_string()),
            ("{elapsed_secs}", self.elapsed.as_secs().to_string()),
            ("{elapsed_ms}", self.elapsed.as_millis().to_string()),
            ("{number}", self.number.to_string()),
            ("{stream}", self.stream.name.clone()),
        ];
        words.iter().fold(text.to_owned(), |text, (word, value)| text.replace(word, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(text: &str) -> Scenario {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn orders_callbacks_of_several_streams() {
        let scenario = scenario(
            "[[stream]]\nname = 'a'\nstep = [{ kind = 'push' },\n\
             { kind = 'file', after = '5m', times = 2 }, { kind = 'end', after = '1s' }]\n\
             [[stream]]\nname = 'b'\nstart = '5m'\nstep = [{ kind = 'push' }]\n",
        );
        let all = schedule(&scenario);
        let shown: Vec<_> = all
            .iter()
            .map(|due| (due.at.as_secs(), &*due.stream.name, &*due.step.kind, due.number))
            .collect();
        assert_eq!(
            shown,
            [
                (0, "a", "push", 1),
                (300, "a", "file", 1),
                (300, "b", "push", 1),
                (600, "a", "file", 2),
                (601, "a", "end", 1),
            ]
        );
    }

    #[test]
    fn fills_fields_with_times_of_the_scenario() {
        let scenario = scenario(
            "fields = { a = 1, b = 'all' }\n[[stream]]\nname = 's'\nstart = '10s'\n\
             fields = { b = 'own', id = '{stream}-{number}' }\n\
             step = [{ kind = 'x' }, { kind = 'y', after = '1500ms', times = 2, fields = { a = true, \
             t = '{start} {now} {elapsed_secs} {elapsed_ms} {other}' } }]\n",
        );
        let all = schedule(&scenario);
        let fields = all[2].fields(&scenario.fields, 1000);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            fields,
            [
                pair("a", "true"),
                pair("b", "own"),
                pair("id", "s-2"),
                pair("t", "1010 1013 3 3000 {other}"),
            ]
        );
    }
}
