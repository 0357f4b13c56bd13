//! The form of a filter: text fields in a menu, links that select a value, and the conditions that
//! are set.

/// A text field of the filter, with the values that it offers.
pub(super) struct FilterField {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) value: String,
    pub(super) options: Vec<String>,
}

impl FilterField {
    pub(super) fn new(
        name: &'static str,
        label: &'static str,
        value: Option<&str>,
        mut options: Vec<String>,
    ) -> Self {
        options.sort_unstable();
        options.dedup();
        Self { name, label, value: value.unwrap_or_default().to_owned(), options }
    }

    /// Returns the number of fields that have a value.
    pub(super) fn count_set(fields: &[Self]) -> usize {
        fields.iter().filter(|field| !field.value.is_empty()).count()
    }
}

/// A link that changes the filter.
pub(super) struct FilterLink {
    pub(super) label: &'static str,
    pub(super) value: String,
    pub(super) href: String,
    pub(super) is_current: bool,
}

/// Name and value of each condition that is set.
pub(super) type Conditions<'f> = [(&'static str, &'f str)];

/// Returns a link for each condition. The link leads to the list without this condition.
pub(super) fn chips(list: &str, conditions: &Conditions<'_>) -> Vec<FilterLink> {
    let chip = |&(label, value): &(&'static str, &str)| {
        let others: Vec<_> =
            conditions.iter().copied().filter(|(name, _)| *name != label).collect();
        let href = format!("{list}?{}", written(&others));
        FilterLink { label, value: value.to_owned(), href, is_current: false }
    };
    conditions.iter().map(chip).collect()
}

/// Returns the conditions as a query string.
pub(super) fn written(conditions: &Conditions<'_>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(conditions).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_chip_removes_its_own_condition() {
        let chips = chips("./", &[("verdict", "refused"), ("kind", "a&b")]);
        let hrefs: Vec<_> = chips.iter().map(|chip| (chip.label, &*chip.href)).collect();
        assert_eq!(hrefs, [("verdict", "./?kind=a%26b"), ("kind", "./?verdict=refused")]);
    }
}
