//! Lists: which of an app's answers is about which item of a callback. Each answer is used once.
//!
//! 1. An answer that repeats all that its item says is about that item.
//! 2. One that repeats less, and nothing else, is about the first item left that it fits.
//! 3. One that repeats nothing is about the item in its place, if there are as many answers as
//!    items.
//!
//! It is the item's own unless it could as well be about another.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};

use super::answer::{AnswerError, Answered, ReplyField};
use crate::json::{self, Object, Value};
use crate::provider::field::{Condition, parse_whole};

/// One answer for each item of a list.
#[derive(Clone, Debug)]
pub(crate) struct ItemList {
    /// The list's name in the data.
    pub(crate) list: Box<str>,
    /// What the answer repeats of its item, and what tells the items apart.
    pub(crate) echo: Vec<Box<str>>,
    pub(crate) protect: Option<ProtectedItems>,
}

/// Items that only an answer of their own may refuse.
#[derive(Clone, Debug)]
pub(crate) struct ProtectedItems {
    pub(crate) when: Condition,
    pub(crate) reply: Vec<ReplyField>,
}

/// Each item's answer.
pub(super) struct Assigned<'w> {
    answers: &'w [Answered<'w>],
    /// For each item the answer's place, and whether it is the item's own.
    taken: Vec<Option<(usize, bool)>>,
}

/// What an object says under each of the repeated names; a number is the same as text and without
/// its fraction.
type Echo<'o> = Vec<Option<Cow<'o, str>>>;

impl ItemList {
    /// The items that the callback asks about.
    pub(super) fn items<'d>(&self, data: Option<&Object<'d>>) -> Vec<Object<'d>> {
        let Some(Value::Json(json)) = data.and_then(|data| data.get(&self.list)) else {
            return Vec::new();
        };
        let items = json::elements(json.text).unwrap_or_default();
        items.into_iter().map(|raw| Object::from_json(raw).unwrap_or_default()).collect()
    }

    pub(super) fn assign<'w>(
        &self,
        items: &[Object<'_>],
        answers: &'w [Answered<'w>],
    ) -> Assigned<'w> {
        let asked: Vec<_> = items.iter().map(|item| self.echo_of(item)).collect();
        let said: Vec<_> = answers.iter().map(|(answer, _)| self.echo_of(answer)).collect();
        let mut taken = vec![None; items.len()];
        let mut left: Vec<usize> = take_exact(&asked, &said, &mut taken);
        for (index, item) in asked.iter().enumerate() {
            if taken.get(index).is_some_and(Option::is_some) {
                continue;
            }
            let fits = |at: &&usize| said.get(**at).is_some_and(|answer| is_part(answer, item));
            let found = left.iter().filter(fits).copied();
            let at = found.clone().find(|at| *at == index).or_else(|| found.clone().next());
            let placed = || {
                let is_silent = |answer: &Echo<'_>| answer.iter().all(Option::is_none);
                let here = answers.len() == items.len() && said.get(index).is_some_and(is_silent);
                here.then_some(index).filter(|at| left.contains(at))
            };
            let (at, is_own) = match at {
                Some(at) => {
                    let answer = said.get(at).map_or(&[][..], |answer| answer);
                    let others = asked.iter().filter(|item| is_part(answer, item)).take(2);
                    (Some(at), others.count() == 1)
                }
                None => (placed(), true),
            };
            if let (Some(at), Some(slot)) = (at, taken.get_mut(index)) {
                *slot = Some((at, is_own));
                left.retain(|own| *own != at);
            }
        }
        Assigned { answers, taken }
    }

    fn echo_of<'o>(&self, object: &'o Object<'_>) -> Echo<'o> {
        let said = |name: &str| {
            let text = spoken(object, name)?.scalar()?;
            Some(parse_whole(&text).map_or(text, |number| number.to_string().into()))
        };
        self.echo.iter().map(|name| said(name)).collect()
    }

    /// Says which item a fault is about.
    pub(super) fn at(&self, index: usize, fault: &AnswerError) -> AnswerError {
        AnswerError::Item { list: self.list.clone(), index, fault: fault.to_string().into() }
    }
}

/// Gives each item the answers that repeat all of it, and tells which answers are left.
fn take_exact(
    asked: &[Echo<'_>],
    said: &[Echo<'_>],
    taken: &mut [Option<(usize, bool)>],
) -> Vec<usize> {
    let mut waiting: HashMap<&Echo<'_>, (VecDeque<usize>, usize)> = HashMap::new();
    for item in asked {
        waiting.entry(item).or_default().1 += 1;
    }
    let mut left = Vec::new();
    for (at, answer) in said.iter().enumerate() {
        let names = answer.iter().any(Option::is_some);
        match waiting.get_mut(answer).filter(|_| names) {
            Some((answers, _)) => answers.push_back(at),
            None => left.push(at),
        }
    }
    // Of several items that say the same each needs an answer of its own.
    let enough: HashMap<_, _> =
        waiting.iter().map(|(echo, (answers, items))| (*echo, answers.len() >= *items)).collect();
    for (item, slot) in asked.iter().zip(taken) {
        let next = waiting.get_mut(item).and_then(|(answers, _)| answers.pop_front());
        *slot = next.map(|at| (at, enough.get(item) == Some(&true)));
    }
    left.extend(waiting.into_values().flat_map(|(answers, _)| answers));
    left.sort_unstable();
    left
}

/// Whether an answer repeats something of the item and nothing else. A zero is what some languages
/// write for nothing.
fn is_part(answer: &[Option<Cow<'_, str>>], item: &[Option<Cow<'_, str>>]) -> bool {
    let mut repeats = false;
    for (answer, item) in answer.iter().zip(item) {
        match (answer, item) {
            (Some(answer), Some(item)) if answer == item => repeats = true,
            (Some(answer), None) if answer == "0" => {}
            (Some(_), _) => return false,
            (None, _) => {}
        }
    }
    repeats
}

impl<'w> Assigned<'w> {
    /// The answer to an item, and whether it is its own.
    pub(super) fn answer_to(
        &self,
        index: usize,
    ) -> Result<(&'w [ReplyField], bool), &'w AnswerError> {
        let taken = self.taken.get(index).copied().flatten();
        let Some((at, is_own)) = taken else { return Err(&AnswerError::NotAnswered) };
        match self.answers.get(at) {
            Some((_, presets)) => presets.as_deref().map(|presets| (presets, is_own)),
            None => Err(&AnswerError::NotAnswered),
        }
    }

    /// Answers about nothing that was asked.
    pub(super) fn left_over(&self) -> Option<AnswerError> {
        let count = self.answers.len().saturating_sub(self.taken.iter().flatten().count());
        (count > 0).then_some(AnswerError::NotAsked { count })
    }
}

/// What stands under the name, unless it says nothing: `null` and an empty text do not.
pub(super) fn spoken<'o, 'a>(object: &'o Object<'a>, name: &str) -> Option<&'o Value<'a>> {
    object.get(name).filter(|value| value.scalar().is_some_and(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::built_in_named;

    /// For each item, the place of its answer and whether it is its own.
    fn assigned(items: &str, answers: &str) -> Vec<Option<(usize, bool)>> {
        let kollus = built_in_named("kollus").unwrap();
        let drm = kollus.kinds.into_iter().find(|kind| &*kind.name == "drm").unwrap();
        let per = drm.decision.unwrap().item_list.unwrap();
        let objects = |text| {
            let elements = json::elements(text).unwrap().into_iter();
            elements.map(|raw| Object::from_json(raw).unwrap()).collect::<Vec<_>>()
        };
        let answers = objects(answers).into_iter().map(|object| (object, Ok(Vec::new())));
        let answers: Vec<Answered<'_>> = answers.collect();
        per.assign(&objects(items), &answers).taken
    }

    const X: &str = r#"{"kind":2,"media_content_key":"a"}"#;
    const Y: &str = r#"{"kind":2,"media_content_key":"a","session_key":"s1"}"#;
    const Q: &str = r#"{"kind":1,"media_content_key":"q"}"#;

    fn list(of: &[&str]) -> String {
        format!("[{}]", of.join(","))
    }

    #[test]
    fn an_answer_goes_to_the_item_that_it_names_wherever_it_stands() {
        let own = |at| Some((at, true));
        assert_eq!(assigned(&list(&[X, Y]), &list(&[Y, X])), [own(1), own(0)]);
        assert_eq!(assigned(&list(&[Q, Y, X]), &list(&[Q, X, Y])), [own(0), own(2), own(1)]);
        let nothing = X.replace('}', r#","session_key":null,"start_at":""}"#);
        assert_eq!(assigned(&list(&[X, Y]), &list(&[Y, &nothing])), [own(1), own(0)]);
        let gson = r#"{"kind":2.0,"media_content_key":"a","session_key":"","start_at":0}"#;
        assert_eq!(assigned(&list(&[X, Q]), &list(&[Q, gson])), [own(1), own(0)]);
    }

    #[test]
    fn what_names_another_item_is_nobodys_own() {
        let other = X.replace('}', r#","session_key":"other"}"#);
        assert_eq!(assigned(&list(&[X, Q]), &list(&[&other])), [None, None]);
        assert_eq!(assigned(&list(&[X, Y]), &list(&[Y, Y])), [None, Some((0, true))]);
        let b = r#"{"kind":2,"media_content_key":"b","session_key":"s2","start_at":8}"#;
        let c = r#"{"kind":2,"media_content_key":"c"}"#;
        let part = r#"{"kind":2,"session_key":"s2","start_at":8}"#;
        let twice = assigned(&list(&[c, b, Q]), &list(&[part, part]));
        assert_eq!(twice, [None, Some((1, true)), None]);
    }

    #[test]
    fn what_could_be_about_two_items_is_neithers_own() {
        let key = r#"{"media_content_key":"a"}"#;
        let one = r#"{"kind":1,"media_content_key":"a"}"#;
        assert_eq!(assigned(&list(&[X, one]), &list(&[key])), [Some((0, false)), None]);
        assert_eq!(
            assigned(&list(&[X, one]), &list(&[key, key])),
            [Some((0, false)), Some((1, false))]
        );
        assert_eq!(assigned(&list(&[X, X]), &list(&[X])), [Some((0, false)), None]);
        assert_eq!(assigned(&list(&[X, X]), &list(&[X, X])), [Some((0, true)), Some((1, true))]);
        assert_eq!(
            assigned(&list(&[Q, X]), &list(&["{}", "{}"])),
            [Some((0, true)), Some((1, true))]
        );
        assert_eq!(assigned(&list(&[Q, X]), &list(&["{}"])), [None, None]);
    }
}
