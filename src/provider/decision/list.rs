//! Assigns the elements of an app's list to the items of a callback.
//!
//! An element repeats the echo fields of its item. The values of these fields are the key of the
//! element and of the item. gatepost uses each element once, by the first rule that applies:
//!
//! 1. An element whose key equals that of an item belongs to that item.
//! 2. An element whose key is a part of an item's key belongs to the first such item that has no
//!    element yet. An element at the index of the item takes precedence.
//! 3. An element without a key belongs to the item at the same index, if the list has as many
//!    elements as the callback has items.
//!
//! An assignment is unambiguous if the element could not belong to any other item.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};

use super::answer::{AnswerError, ListElement, ReplyField};
use crate::json::{self, Object, Value};
use crate::provider::field::{Condition, parse_whole};

/// The rules for a callback that asks about a list of items. The reply has an element for each item.
#[derive(Clone, Debug)]
pub(crate) struct ItemList {
    /// The field of the event's data that contains the items.
    pub(crate) list: Box<str>,
    /// The fields of an item that identify it. The reply repeats them.
    pub(crate) echo: Vec<Box<str>>,
    pub(crate) protect: Option<ProtectedItems>,
}

/// The items that an app can deny only with an answer to the item itself.
///
/// A denial of such an item is final: for example, it expires a finished download.
#[derive(Clone, Debug)]
pub(crate) struct ProtectedItems {
    /// The condition under which an item is protected.
    pub(crate) when: Condition,
    /// The reply to a protected item if the app does not answer the item itself.
    pub(crate) reply: Vec<ReplyField>,
}

/// The elements of an answer, and the element that is assigned to each item.
pub(super) struct Assignment<'w> {
    elements: &'w [ListElement<'w>],
    /// One entry for each item, in order. `None` if no element is assigned to the item.
    by_item: Vec<Option<Assigned>>,
}

/// The index of the element that is assigned to an item, and `true` if the assignment is
/// unambiguous.
type Assigned = (usize, bool);

/// The value of each echo field of an item or element; `None` if the field is unset. The number 1,
/// `1.0` and the string `1` are equal.
type ItemKey<'o> = Vec<Option<Cow<'o, str>>>;

impl ItemList {
    /// Returns the items of the callback.
    pub(super) fn items<'d>(&self, data: Option<&Object<'d>>) -> Vec<Object<'d>> {
        let Some(Value::Json(json)) = data.and_then(|data| data.get(&self.list)) else {
            return Vec::new();
        };
        let items = json::elements(json.text).unwrap_or_default();
        items.into_iter().map(|raw| Object::from_json(raw).unwrap_or_default()).collect()
    }

    /// Assigns the elements to the items, by the rules of the module documentation.
    pub(super) fn assign<'w>(
        &self,
        items: &[Object<'_>],
        elements: &'w [ListElement<'w>],
    ) -> Assignment<'w> {
        let item_keys: Vec<_> = items.iter().map(|item| self.key_of(item)).collect();
        let element_keys: Vec<_> =
            elements.iter().map(|(element, _)| self.key_of(element)).collect();
        let mut by_item = vec![None; items.len()];
        let mut unused: Vec<usize> = assign_equal_keys(&item_keys, &element_keys, &mut by_item);
        for (index, item) in item_keys.iter().enumerate() {
            if by_item.get(index).is_some_and(Option::is_some) {
                continue;
            }
            let fits =
                |at: &&usize| element_keys.get(**at).is_some_and(|element| is_part(element, item));
            let fitting = unused.iter().filter(fits).copied();
            let at = fitting.clone().find(|at| *at == index).or_else(|| fitting.clone().next());
            let by_index = || {
                let has_no_key = |element: &ItemKey<'_>| element.iter().all(Option::is_none);
                let applies = elements.len() == items.len()
                    && element_keys.get(index).is_some_and(has_no_key);
                applies.then_some(index).filter(|at| unused.contains(at))
            };
            let (at, is_unambiguous) = match at {
                Some(at) => {
                    let element = element_keys.get(at).map_or(&[][..], |element| element);
                    let possible = item_keys.iter().filter(|item| is_part(element, item)).take(2);
                    (Some(at), possible.count() == 1)
                }
                None => (by_index(), true),
            };
            if let (Some(at), Some(slot)) = (at, by_item.get_mut(index)) {
                *slot = Some((at, is_unambiguous));
                unused.retain(|element| *element != at);
            }
        }
        Assignment { elements, by_item }
    }

    /// Returns the key of an item or element.
    fn key_of<'o>(&self, object: &'o Object<'_>) -> ItemKey<'o> {
        let value = |name: &str| {
            let text = echo_value(object, name)?.scalar()?;
            Some(parse_whole(&text).map_or(text, |number| number.to_string().into()))
        };
        self.echo.iter().map(|name| value(name)).collect()
    }

    /// Adds the item to a fault, for example `items[2]`.
    pub(super) fn fault_at(&self, index: usize, fault: &AnswerError) -> AnswerError {
        AnswerError::Item { list: self.list.clone(), index, fault: fault.to_string().into() }
    }
}

/// Assigns elements whose key equals the key of an item. Returns the indexes of unused elements.
fn assign_equal_keys(
    item_keys: &[ItemKey<'_>],
    element_keys: &[ItemKey<'_>],
    by_item: &mut [Option<Assigned>],
) -> Vec<usize> {
    // For each key, the indexes of its elements and the number of its items.
    let mut by_key: HashMap<&ItemKey<'_>, (VecDeque<usize>, usize)> = HashMap::new();
    for item in item_keys {
        by_key.entry(item).or_default().1 += 1;
    }
    let mut unused = Vec::new();
    for (at, element) in element_keys.iter().enumerate() {
        let has_key = element.iter().any(Option::is_some);
        match by_key.get_mut(element).filter(|_| has_key) {
            Some((elements, _)) => elements.push_back(at),
            None => unused.push(at),
        }
    }
    // If items share a key, their elements are unambiguous only if each item has an element.
    let is_enough: HashMap<_, _> =
        by_key.iter().map(|(key, (elements, items))| (*key, elements.len() >= *items)).collect();
    for (item, slot) in item_keys.iter().zip(by_item) {
        let next = by_key.get_mut(item).and_then(|(elements, _)| elements.pop_front());
        *slot = next.map(|at| (at, is_enough.get(item) == Some(&true)));
    }
    unused.extend(by_key.into_values().flat_map(|(elements, _)| elements));
    unused.sort_unstable();
    unused
}

/// Returns `true` if the element's key contains at least one value of the item's key and no other
/// value. Ignores a 0 where the item has no value: some languages write an unset number as 0.
fn is_part(element: &[Option<Cow<'_, str>>], item: &[Option<Cow<'_, str>>]) -> bool {
    let mut repeats = false;
    for (element, item) in element.iter().zip(item) {
        match (element, item) {
            (Some(element), Some(item)) if element == item => repeats = true,
            (Some(element), None) if element == "0" => {}
            (Some(_), _) => return false,
            (None, _) => {}
        }
    }
    repeats
}

impl<'w> Assignment<'w> {
    /// Returns the reply fields for an item, and `true` if they are assigned unambiguously.
    ///
    /// # Errors
    ///
    /// Returns an error if no element is assigned to the item, or if the element is invalid.
    pub(super) fn fields_for(
        &self,
        index: usize,
    ) -> Result<(&'w [ReplyField], bool), &'w AnswerError> {
        let assigned = self.by_item.get(index).copied().flatten();
        let Some((at, is_unambiguous)) = assigned else { return Err(&AnswerError::NotAnswered) };
        match self.elements.get(at) {
            Some((_, fields)) => fields.as_deref().map(|fields| (fields, is_unambiguous)),
            None => Err(&AnswerError::NotAnswered),
        }
    }

    /// Returns a fault if the list has elements that are not assigned to an item.
    pub(super) fn unmatched(&self) -> Option<AnswerError> {
        let count = self.elements.len().saturating_sub(self.by_item.iter().flatten().count());
        (count > 0).then_some(AnswerError::Unmatched { count })
    }
}

/// Returns the value of an echo field. `None` if it is absent, `null` or an empty string.
pub(super) fn echo_value<'o, 'a>(object: &'o Object<'a>, name: &str) -> Option<&'o Value<'a>> {
    object.get(name).filter(|value| value.scalar().is_some_and(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::built_in_named;

    /// Assigns the elements to the items of a `drm` callback.
    fn assigned(items: &str, elements: &str) -> Vec<Option<Assigned>> {
        let kollus = built_in_named("kollus").unwrap();
        let drm = kollus.kinds.into_iter().find(|kind| &*kind.name == "drm").unwrap();
        let item_list = drm.decision.unwrap().item_list.unwrap();
        let objects = |text| {
            let texts = json::elements(text).unwrap().into_iter();
            texts.map(|raw| Object::from_json(raw).unwrap()).collect::<Vec<_>>()
        };
        let elements = objects(elements).into_iter().map(|object| (object, Ok(Vec::new())));
        let elements: Vec<ListElement<'_>> = elements.collect();
        item_list.assign(&objects(items), &elements).by_item
    }

    // `kind` 2 reports a finished download, `kind` 1 requests a download. `A` and `Q` are keys of
    // videos, `S1` is a session key.
    const DONE_A: &str = r#"{"kind":2,"media_content_key":"a"}"#;
    const DONE_A_S1: &str = r#"{"kind":2,"media_content_key":"a","session_key":"s1"}"#;
    const ASKED_Q: &str = r#"{"kind":1,"media_content_key":"q"}"#;

    fn list(elements: &[&str]) -> String {
        format!("[{}]", elements.join(","))
    }

    #[test]
    fn assigns_elements_by_key_in_any_order() {
        let unambiguous = |at| Some((at, true));
        assert_eq!(
            assigned(&list(&[DONE_A, DONE_A_S1]), &list(&[DONE_A_S1, DONE_A])),
            [unambiguous(1), unambiguous(0)]
        );
        assert_eq!(
            assigned(&list(&[ASKED_Q, DONE_A_S1, DONE_A]), &list(&[ASKED_Q, DONE_A, DONE_A_S1])),
            [unambiguous(0), unambiguous(2), unambiguous(1)]
        );
        let blanks = DONE_A.replace('}', r#","session_key":null,"start_at":""}"#);
        assert_eq!(
            assigned(&list(&[DONE_A, DONE_A_S1]), &list(&[DONE_A_S1, &blanks])),
            [unambiguous(1), unambiguous(0)]
        );
        // The Gson library writes numbers in this form.
        let gson = r#"{"kind":2.0,"media_content_key":"a","session_key":"","start_at":0}"#;
        assert_eq!(
            assigned(&list(&[DONE_A, ASKED_Q]), &list(&[ASKED_Q, gson])),
            [unambiguous(1), unambiguous(0)]
        );
    }

    #[test]
    fn ignores_elements_whose_key_matches_no_item() {
        let other = DONE_A.replace('}', r#","session_key":"other"}"#);
        assert_eq!(assigned(&list(&[DONE_A, ASKED_Q]), &list(&[&other])), [None, None]);
        assert_eq!(
            assigned(&list(&[DONE_A, DONE_A_S1]), &list(&[DONE_A_S1, DONE_A_S1])),
            [None, Some((0, true))]
        );
        let b = r#"{"kind":2,"media_content_key":"b","session_key":"s2","start_at":8}"#;
        let c = r#"{"kind":2,"media_content_key":"c"}"#;
        let part = r#"{"kind":2,"session_key":"s2","start_at":8}"#;
        let twice = assigned(&list(&[c, b, ASKED_Q]), &list(&[part, part]));
        assert_eq!(twice, [None, Some((1, true)), None]);
    }

    #[test]
    fn marks_assignment_as_ambiguous_if_two_items_fit() {
        let key = r#"{"media_content_key":"a"}"#;
        let one = r#"{"kind":1,"media_content_key":"a"}"#;
        assert_eq!(assigned(&list(&[DONE_A, one]), &list(&[key])), [Some((0, false)), None]);
        assert_eq!(
            assigned(&list(&[DONE_A, one]), &list(&[key, key])),
            [Some((0, false)), Some((1, false))]
        );
        assert_eq!(assigned(&list(&[DONE_A, DONE_A]), &list(&[DONE_A])), [Some((0, false)), None]);
        assert_eq!(
            assigned(&list(&[DONE_A, DONE_A]), &list(&[DONE_A, DONE_A])),
            [Some((0, true)), Some((1, true))]
        );
        assert_eq!(
            assigned(&list(&[ASKED_Q, DONE_A]), &list(&["{}", "{}"])),
            [Some((0, true)), Some((1, true))]
        );
        assert_eq!(assigned(&list(&[ASKED_Q, DONE_A]), &list(&["{}"])), [None, None]);
    }
}
