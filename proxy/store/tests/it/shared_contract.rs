//! The contract of [`SharedState`]: one suite of tests that runs against each backend.

use crate::contract::{LARGE, T};
use gatepost::{InMemorySharedState, SharedKey, SharedState, SharedValue};

pub(crate) const KEY: SharedKey = [7; 16];

pub(crate) fn value(text: &str, until: i64) -> SharedValue {
    SharedValue { bytes: text.to_owned().into(), until: T(until) }
}

async fn first_insertion_wins_until_it_expires(state: &dyn SharedState) {
    assert_eq!(state.insert(KEY, value("a", 10), T(1)).await, Ok(None));
    assert_eq!(state.insert(KEY, value("b", 20), T(2)).await, Ok(Some(value("a", 10))));
    assert_eq!(state.insert(KEY, value("a", 20), T(9)).await, Ok(Some(value("a", 10))));
    assert_eq!(state.insert([8; 16], value("c", 20), T(9)).await, Ok(None));
    assert_eq!(
        state.insert(KEY, value("b", 20), T(10)).await,
        Ok(None),
        "expected an expired value, found one that has not expired"
    );
    assert_eq!(state.get(KEY, T(19)).await, Ok(Some(value("b", 20))));
}

async fn set_replaces_the_value_and_its_expiry(state: &dyn SharedState) {
    assert_eq!(state.set(KEY, value("a", 10), T(1)).await, Ok(()));
    assert_eq!(state.set(KEY, value("b", 5), T(1)).await, Ok(()));
    assert_eq!(state.get(KEY, T(4)).await, Ok(Some(value("b", 5))));
    assert_eq!(state.get(KEY, T(5)).await, Ok(None));
    assert_eq!(state.insert(KEY, value("c", 9), T(6)).await, Ok(None));
    assert_eq!(state.set(KEY, value("d", 20), T(7)).await, Ok(()));
    assert_eq!(state.insert(KEY, value("e", 30), T(8)).await, Ok(Some(value("d", 20))));
}

async fn remove_affects_only_the_value_that_the_caller_knows(state: &dyn SharedState) {
    assert_eq!(state.remove(KEY, "a".into()).await, Ok(()));
    assert_eq!(state.insert(KEY, value("a", 10), T(1)).await, Ok(None));
    assert_eq!(state.remove(KEY, "b".into()).await, Ok(()));
    assert_eq!(state.get(KEY, T(2)).await, Ok(Some(value("a", 10))));
    assert_eq!(state.remove(KEY, "a".into()).await, Ok(()));
    assert_eq!(state.get(KEY, T(2)).await, Ok(None));
    assert_eq!(state.insert(KEY, value("c", 10), T(2)).await, Ok(None));
}

async fn replaces_only_the_value_that_the_caller_knows(state: &dyn SharedState) {
    assert_eq!(state.replace(KEY, "".into(), value("a", 10), T(1)).await, Ok(false));
    assert_eq!(state.insert(KEY, value("a", 10), T(1)).await, Ok(None));
    assert_eq!(state.replace(KEY, "b".into(), value("c", 20), T(2)).await, Ok(false));
    assert_eq!(state.get(KEY, T(2)).await, Ok(Some(value("a", 10))));
    assert_eq!(state.replace(KEY, "a".into(), value("b", 20), T(2)).await, Ok(true));
    assert_eq!(state.get(KEY, T(19)).await, Ok(Some(value("b", 20))));
    assert_eq!(state.replace(KEY, "b".into(), value("c", 30), T(20)).await, Ok(false));
    assert_eq!(
        state.insert(KEY, value("d", 30), T(20)).await,
        Ok(None),
        "expected an expired value, found one that has not expired"
    );
}

async fn one_of_simultaneous_replacements_wins(state: &dyn SharedState) {
    assert_eq!(state.insert(KEY, value("old", 10), T(1)).await, Ok(None));
    let replace = |text| state.replace(KEY, "old".into(), value(text, 10), T(2));
    let (a, b, c, d) = tokio::join!(replace("a"), replace("b"), replace("c"), replace("d"));
    let found = [("a", a), ("b", b), ("c", c), ("d", d)];
    let winners: Vec<_> = found.iter().filter(|(_, replaced)| *replaced == Ok(true)).collect();
    let [(winner, _)] = &*winners else { panic!("expected one winner, found {winners:?}") };
    assert_eq!(found.iter().filter(|(_, replaced)| *replaced == Ok(false)).count(), 3);
    assert_eq!(state.get(KEY, T(3)).await, Ok(Some(value(winner, 10))));
}

async fn stores_long_and_empty_values(state: &dyn SharedState) {
    let long = "x".repeat(17 * 1024);
    assert_eq!(state.insert(KEY, value(&long, 10), T(1)).await, Ok(None));
    assert_eq!(state.get(KEY, T(2)).await, Ok(Some(value(&long, 10))));
    assert_eq!(state.set(KEY, value("", 10), T(2)).await, Ok(()));
    assert_eq!(state.get(KEY, T(3)).await, Ok(Some(value("", 10))));
}

async fn one_of_simultaneous_insertions_wins(state: &dyn SharedState) {
    let insert = |text| state.insert(KEY, value(text, 10), T(1));
    let (a, b, c, d) = tokio::join!(insert("a"), insert("b"), insert("c"), insert("d"));
    let found = [("a", a), ("b", b), ("c", c), ("d", d)];
    let winners: Vec<_> = found.iter().filter(|(_, found)| *found == Ok(None)).collect();
    let [(winner, _)] = &*winners else { panic!("expected one winner, found {winners:?}") };
    let present = value(winner, 10);
    assert_eq!(state.get(KEY, T(2)).await, Ok(Some(present.clone())));
    assert_eq!(found.iter().filter(|(_, found)| *found == Ok(Some(present.clone()))).count(), 3);
}

async fn expired_values_do_not_fill_the_table(state: &dyn SharedState) {
    for number in 0..2000_u128 {
        let now = i64::try_from(number).unwrap();
        let inserted = state.insert(number.to_be_bytes(), value("x", now + 1), T(now)).await;
        assert_eq!(inserted, Ok(None));
    }
    assert_eq!(state.get(1999_u128.to_be_bytes(), T(1999)).await, Ok(Some(value("x", 2000))));
}

fn new_in_memory(_max_bytes: u64) -> InMemorySharedState {
    InMemorySharedState::default()
}

on_each_backend! {
    new_in_memory;
    first_insertion_wins_until_it_expires: LARGE;
    set_replaces_the_value_and_its_expiry: LARGE;
    remove_affects_only_the_value_that_the_caller_knows: LARGE;
    replaces_only_the_value_that_the_caller_knows: LARGE;
    one_of_simultaneous_replacements_wins: LARGE;
    stores_long_and_empty_values: LARGE;
    one_of_simultaneous_insertions_wins: LARGE;
    expired_values_do_not_fill_the_table: LARGE;
}
