//! Lists: which of an app's answers is about which item of a callback.
//!
//! An answer is about every item that says the same wherever both repeat a name; one that repeats
//! nothing is about the item in its place, if there are as many answers as items. Each answer is
//! used once, in order. It is the item's own unless it could as well be about another.

use super::Preset;
use super::answer::{AnswerFault, Answered};
use super::decision::Per;
use crate::json::{self, Object, Value};
use crate::provider::field::whole;

/// Each item's answer.
pub(super) struct Assigned<'w> {
    answers: &'w [Answered<'w>],
    /// For each item the answer's place, and whether it is the item's own.
    taken: Vec<Option<(usize, bool)>>,
}

impl Per {
    /// The items that the callback asks about.
    pub(super) fn items<'d>(&self, data: Option<&Object<'d>>) -> Vec<Object<'d>> {
        let Some(Value::Json(raw)) = data.and_then(|data| data.get(&self.list)) else {
            return Vec::new();
        };
        let items = json::elements(raw).unwrap_or_default();
        items.into_iter().map(|raw| Object::from_checked(raw).unwrap_or_default()).collect()
    }

    pub(super) fn assign<'w>(
        &self,
        items: &[Object<'_>],
        answers: &'w [Answered<'w>],
    ) -> Assigned<'w> {
        let names =
            |answer: &Answered<'_>| self.echo.iter().any(|n| spoken(&answer.0, n).is_some());
        let about = |answer: &Answered<'_>, item: &Object<'_>| {
            names(answer) && !self.echo.iter().any(|name| differs(&answer.0, item, name))
        };
        let mut used = vec![false; answers.len()];
        let taken = items.iter().enumerate().map(|(index, item)| {
            let fits: Vec<_> = (0..answers.len())
                .filter(|at| answers.get(*at).is_some_and(|answer| about(answer, item)))
                .collect();
            let free = |at: &usize| used.get(*at) == Some(&false);
            let placed = Some(index).filter(|at| {
                free(at)
                    && (fits.contains(at)
                        || answers.len() == items.len() && !answers.get(*at).is_some_and(names))
            });
            let at = placed.or_else(|| fits.iter().copied().find(free))?;
            *used.get_mut(at)? = true;
            let answer = answers.get(at)?;
            let others = items.iter().filter(|item| about(answer, item)).count();
            Some((at, others <= fits.len().max(1)))
        });
        let taken = taken.collect();
        Assigned { answers, taken }
    }

    /// Says which item a fault is about.
    pub(super) fn at(&self, index: usize, fault: &AnswerFault) -> AnswerFault {
        AnswerFault::Item { list: self.list.clone(), index, fault: fault.to_string().into() }
    }
}

impl<'w> Assigned<'w> {
    /// The answer to an item, and whether it is its own.
    pub(super) fn answer_to(&self, index: usize) -> Result<(&'w [Preset], bool), &'w AnswerFault> {
        let taken = self.taken.get(index).copied().flatten();
        let Some((at, is_own)) = taken else { return Err(&AnswerFault::NotAnswered) };
        match self.answers.get(at) {
            Some((_, presets)) => presets.as_deref().map(|presets| (presets, is_own)),
            None => Err(&AnswerFault::NotAnswered),
        }
    }

    /// Answers about nothing that was asked.
    pub(super) fn left_over(&self) -> Option<AnswerFault> {
        let count = self.answers.len().saturating_sub(self.taken.iter().flatten().count());
        (count > 0).then_some(AnswerFault::NotAsked { count })
    }
}

/// What stands under the name, unless it says nothing: `null` and an empty text do not.
pub(super) fn spoken<'o, 'a>(object: &'o Object<'a>, name: &str) -> Option<&'o Value<'a>> {
    object.get(name).filter(|value| value.scalar().is_some_and(|text| !text.is_empty()))
}

/// Whether both say something, and not the same; `1`, `1.0` and `"1"` are the same.
fn differs(answer: &Object<'_>, item: &Object<'_>, name: &str) -> bool {
    let (Some(answer), Some(item)) = (spoken(answer, name), spoken(item, name)) else {
        return false;
    };
    let (Some(answer), Some(item)) = (answer.scalar(), item.scalar()) else { return true };
    answer != item && (whole(&answer).is_none() || whole(&answer) != whole(&item))
}
