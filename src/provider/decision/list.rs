//! Assignment of the elements of an answer's list to the items of a callback.
//!
//! The *echo fields* of an item identify the item, and each element repeats the echo fields of its
//! item. The values of these fields are the *key* of the item or element. gatepost assigns an
//! element to at most one item, by these rules in this order:
//!
//! 1. An item gets an element whose key equals the item's key.
//! 2. Otherwise, an item gets an element whose key contains at least one value of the item's key,
//!    and no other value. If several elements fit, the element at the item's index takes
//!    precedence, then the first.
//! 3. Otherwise, an item gets the element at its own index. This rule applies only to an element
//!    without a key, in a list with as many elements as items.
//!
//! If each item with that key gets an element, an assignment by rule 1 is unambiguous. If the
//! element fits no other item, an assignment by rule 2 is unambiguous. An assignment by rule 3 is
//! always unambiguous.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};

use super::answer::ListElement;
use super::answer_error::AnswerError;
use super::reply_field::ReplyField;
use crate::json::{self, Object, Value};
use crate::provider::field::{Condition, parse_whole};

/// The rules for a callback that asks about a list of items. The reply has an element for each
/// item.
#[derive(Clone, Debug)]
pub(crate) struct ItemList {
    /// The name of the field, in the data of the event, that contains the items.
    pub(crate) list: Box<str>,
    /// The names of the echo fields. The reply repeats these fields.
    pub(crate) echo: Vec<Box<str>>,
    pub(crate) protect: Option<ProtectedItems>,
}

/// The rules for protected items. An app can deny a protected item only by an answer for this item
/// alone: by an element that fits no other item, or, for a callback with only one item, by an
/// answer in the native or flat form.
///
/// The denial of a protected item is final. For example, after a denial, a finished download
/// expires.
#[derive(Clone, Debug)]
pub(crate) struct ProtectedItems {
    /// The condition that makes an item a protected item.
    pub(crate) when: Condition,
    /// The reply to a protected item if the app has given no answer for this item alone.
    pub(crate) reply: Vec<ReplyField>,
}

/// The elements of an answer, and the assignment of elements to items.
pub(super) struct Assignment<'w> {
    elements: &'w [ListElement<'w>],
    /// One entry for each item, in order; `None` for an item without an element.
    by_item: Vec<Option<Assigned>>,
}

/// The index of an item's element, and `true` if the assignment is unambiguous.
type Assigned = (usize, bool);

/// The value of each echo field of an item or element; `None` for an unset field. The numbers `1`
/// and `1.0` and the string `"1"` are equal.
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

    /// Assigns the elements to the items, by the rules in the module documentation.
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

    /// Returns the fault with the item's position, such as `items[2]`.
    pub(super) fn fault_at(&self, index: usize, fault: &AnswerError) -> AnswerError {
        AnswerError::Item { list: self.list.clone(), index, fault: fault.to_string().into() }
    }
}

/// Assigns elements by rule 1. Returns the indexes of the unused elements.
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
    // If a key has at least as many elements as items, any assignment is unambiguous.
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
/// value. For an unset field of the item, ignores a 0: some languages write an unset number as 0.
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
    /// Returns the reply fields for an item, and `true` if the assignment is unambiguous.
    ///
    /// # Errors
    ///
    /// Returns an error for an item without an element, and for an invalid element.
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

    /// Returns a fault if at least one element has no item.
    pub(super) fn unmatched(&self) -> Option<AnswerError> {
        let count = self.elements.len().saturating_sub(self.by_item.iter().flatten().count());
        (count > 0).then_some(AnswerError::Unmatched { count })
    }
}

/// Returns the value of an echo field if the value is a number or a non-empty string.
pub(super) fn echo_value<'o, 'a>(object: &'o Object<'a>, name: &str) -> Option<&'o Value<'a>> {
    object.get(name).filter(|value| value.scalar().is_some_and(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use std::cell::OnceCell;

    use super::*;
    use crate::provider::built_in_named;
    use crate::provider::field::Conversion;

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

    // An item of `kind` 1 requests a download, and an item of `kind` 2 reports a finished download.
    // In the names, `A` and `Q` are keys of videos, and `S1` is a session key.
    const DONE_A: &str = r#"{"kind":2,"media_content_key":"a"}"#;
    const DONE_A_S1: &str = r#"{"kind":2,"media_content_key":"a","session_key":"s1"}"#;
    const ASKED_Q: &str = r#"{"kind":1,"media_content_key":"q"}"#;

    fn list(elements: &[&str]) -> String {
        format!("[{}]", elements.join(","))
    }

    #[test]
    fn fault_of_answer_with_too_many_elements_names_maximum_and_count() {
        let kollus = built_in_named("kollus").unwrap();
        let drm = kollus.kinds.into_iter().find(|kind| &*kind.name == "drm").unwrap();
        let decision = drm.decision.unwrap();
        let fault = |count: usize| {
            let answer = list(&vec!["{}"; count]);
            let (mut conversion, repaired) = (Conversion::of_answer(), OnceCell::new());
            let parsed = decision.parse_answer(answer.as_bytes(), &mut conversion, &repaired);
            parsed.err().map(|fault| fault.to_string())
        };
        assert_eq!(fault(1000), None);
        let expected = "expected at most 1000 elements in the list of the answer, found 1001";
        assert_eq!(fault(1001).as_deref(), Some(expected));
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
    fn marks_assignment_as_ambiguous_if_element_fits_two_items() {
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
