//! JSON documents, spoilt with respect to their structure.

use proptest::{collection, prelude::*, sample};
use serde_json::{Map, Value, json};

use crate::text;

/// One slip in a document. Its nodes are counted as they come when it is read.
#[derive(Debug, Clone)]
pub enum Mutation {
    /// Another value stands there.
    Replace(sample::Index, Value),
    /// A member of a list or map is left out.
    Remove(sample::Index, sample::Index),
    /// A key of a map is misspelt.
    Rename(sample::Index, sample::Index, text::Mutation),
    /// A key of a map is called quite otherwise.
    RenameTo(sample::Index, sample::Index, String),
    /// A member of a list or map comes so many times more; in a map under other keys.
    Multiply(sample::Index, sample::Index, usize),
    /// A text is misspelt.
    Respell(sample::Index, text::Mutation),
    /// A number or boolean comes as a text, as CloudFormation sends it, or a text as a list of itself.
    Retype(sample::Index),
    /// What stands in one place stands in another as well.
    Copy(sample::Index, sample::Index),
    /// A value lies so many lists, or maps, deep.
    Wrap(sample::Index, usize, bool),
}

impl Mutation {
    /// Makes the slip, as far as there is something to make it in.
    pub fn spoil(&self, document: &mut Value) {
        match self {
            Self::Replace(at, value) => *node(document, at) = value.clone(),
            Self::Remove(at, member) => match container(document, at) {
                Some(Value::Array(list)) => drop(list.remove(member.index(list.len()))),
                Some(Value::Object(map)) => drop(map.remove(&key(map, member))),
                _ => {}
            },
            Self::Rename(at, member, mutation) => rename(document, at, member, |key| mutation.spoil(key)),
            Self::RenameTo(at, member, name) => rename(document, at, member, |_| name.clone()),
            Self::Multiply(at, member, times) => match container(document, at) {
                Some(Value::Array(list)) => {
                    let member = list[member.index(list.len())].clone();
                    list.extend(std::iter::repeat_n(member, *times));
                }
                Some(Value::Object(map)) => {
                    let key = key(map, member);
                    let member = map[&key].clone();
                    map.extend((0..*times).map(|n| (format!("{key}{n}"), member.clone())));
                }
                _ => {}
            },
            Self::Respell(at, mutation) => {
                if let Value::String(text) = node(document, at) {
                    *text = mutation.spoil(text);
                }
            }
            Self::Retype(at) => {
                let node = node(document, at);
                *node = match node.take() {
                    Value::Bool(flag) => json!(flag.to_string()),
                    Value::Number(number) => json!(number.to_string()),
                    Value::Null => json!("null"),
                    other => json!([other]),
                };
            }
            Self::Copy(from, to) => {
                let copy = node(document, from).clone();
                *node(document, to) = copy;
            }
            Self::Wrap(at, depth, in_maps) => {
                let node = node(document, at);
                *node = nested(node.take(), *depth, *in_maps);
            }
        }
    }
}

/// `value` so many lists, or maps, deep.
pub fn nested(value: Value, depth: usize, in_maps: bool) -> Value {
    (0..depth).fold(value, |inner, _| match in_maps {
        true => Value::Object(Map::from_iter([("Value".to_owned(), inner)])),
        false => Value::Array(vec![inner]),
    })
}

/// Takes a value apart, however deep it is: to drop it would need the stack.
pub fn dismantle(value: Value) {
    let mut left = vec![value];
    while let Some(value) = left.pop() {
        match value {
            Value::Array(list) => left.extend(list),
            Value::Object(map) => left.extend(map.into_iter().map(|(_, value)| value)),
            _ => {}
        }
    }
}

/// A scalar, from the middle or the edge of its range.
pub fn scalar() -> impl Strategy<Value = Value> {
    let numbers = [
        json!(0),
        json!(-0.0),
        json!(1),
        json!(-1),
        json!(0.5),
        json!(i64::MIN),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(f64::MAX),
        json!(f64::MIN_POSITIVE),
        json!(5e-324),
        json!(65_536),
        json!(4_294_967_296_u64),
    ];
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        sample::select(numbers.to_vec()),
        any::<i64>().prop_map(Value::from),
        sample::select(vec!["", " ", "true", "false", "True", "null", "0", "-1", "1e9", "NaN", "[]", "{}"])
            .prop_map(Value::from),
        text::piece().prop_map(Value::from),
        text::matching("\\PC{0,20}").prop_map(Value::from),
    ]
}

/// Any small document.
pub fn any_value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            collection::btree_map(prop_oneof![text::matching("[a-zA-Z]{1,8}"), text::piece()], inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A slip; what it puts in of other texts is of `seeds`, and keys of `names`.
fn mutation(seeds: Vec<String>, names: Vec<String>) -> impl Strategy<Value = Mutation> {
    let place = any::<sample::Index>;
    let slip = || text::mutation(seeds.clone());
    prop_oneof![
        4 => (place(), any_value()).prop_map(|(at, value)| Mutation::Replace(at, value)),
        3 => (place(), place()).prop_map(|(at, member)| Mutation::Remove(at, member)),
        2 => (place(), place(), slip()).prop_map(|(at, member, slip)| Mutation::Rename(at, member, slip)),
        2 => (place(), place(), prop_oneof![sample::select(names), text::piece()])
            .prop_map(|(at, member, name)| Mutation::RenameTo(at, member, name)),
        1 => (place(), place(), prop_oneof![9 => 1..4_usize, 1 => 4..300_usize])
            .prop_map(|(at, member, times)| Mutation::Multiply(at, member, times)),
        4 => (place(), slip()).prop_map(|(at, slip)| Mutation::Respell(at, slip)),
        1 => place().prop_map(Mutation::Retype),
        2 => (place(), place()).prop_map(|(from, to)| Mutation::Copy(from, to)),
        1 => (place(), 1..100_usize, any::<bool>())
            .prop_map(|(at, depth, in_maps)| Mutation::Wrap(at, depth, in_maps)),
    ]
}

/// A document of `seeds` with one to six slips.
pub fn spoilt(seeds: Vec<Value>) -> impl Strategy<Value = Value> {
    let (mut texts, mut names) = (Vec::new(), Vec::new());
    seeds.iter().for_each(|seed| words(seed, &mut texts, &mut names));
    for words in [&mut texts, &mut names] {
        words.push(String::new());
        words.sort();
        words.dedup();
    }
    (sample::select(seeds), collection::vec(mutation(texts, names), 1..7)).prop_map(
        |(mut document, mutations)| {
            mutations.iter().for_each(|mutation| mutation.spoil(&mut document));
            document
        },
    )
}

/// The texts and the keys that a document holds.
fn words(value: &Value, texts: &mut Vec<String>, names: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(list) => list.iter().for_each(|item| words(item, texts, names)),
        Value::Object(map) => {
            names.extend(map.keys().cloned());
            map.values().for_each(|value| words(value, texts, names));
        }
        _ => {}
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(list) => list.iter().map(count).sum(),
        Value::Object(map) => map.values().map(count).sum(),
        _ => 0,
    }
}

/// The node that `at` chooses. No mutation makes a document deeper than the stack takes.
fn node<'a>(document: &'a mut Value, at: &sample::Index) -> &'a mut Value {
    let mut left = at.index(count(document));
    nth(document, &mut left).expect("the index is smaller than the number of nodes")
}

fn nth<'a>(value: &'a mut Value, left: &mut usize) -> Option<&'a mut Value> {
    if *left == 0 {
        return Some(value);
    }
    *left -= 1;
    match value {
        Value::Array(list) => list.iter_mut().find_map(|item| nth(item, left)),
        Value::Object(map) => map.values_mut().find_map(|item| nth(item, left)),
        _ => None,
    }
}

/// The list or map with members that `at` chooses, if there is any.
fn container<'a>(document: &'a mut Value, at: &sample::Index) -> Option<&'a mut Value> {
    fn places(value: &Value, next: &mut usize, found: &mut Vec<usize>) {
        let own = *next;
        *next += 1;
        match value {
            Value::Array(list) => {
                found.extend((!list.is_empty()).then_some(own));
                list.iter().for_each(|item| places(item, next, found));
            }
            Value::Object(map) => {
                found.extend((!map.is_empty()).then_some(own));
                map.values().for_each(|value| places(value, next, found));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    places(document, &mut 0, &mut found);
    let mut left = *found.get(at.index(found.len().max(1)))?;
    nth(document, &mut left)
}

fn key(map: &Map<String, Value>, member: &sample::Index) -> String {
    map.keys().nth(member.index(map.len())).cloned().unwrap_or_default()
}

fn rename(document: &mut Value, at: &sample::Index, member: &sample::Index, to: impl Fn(&str) -> String) {
    if let Some(Value::Object(map)) = container(document, at) {
        let key = key(map, member);
        if let Some(value) = map.remove(&key) {
            map.insert(to(&key), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_is_spoilt_in_more_ways_than_one() {
        use proptest::{strategy::ValueTree, test_runner::TestRunner};
        let mut runner = TestRunner::deterministic();
        for folder in ["provider", "sweep"] {
            let seeds: Vec<Value> = crate::events(folder).into_iter().map(|event| event.payload).collect();
            let strategy = spoilt(seeds.clone());
            let made: Vec<Value> = (0..200)
                .map(|_| strategy.new_tree(&mut runner).expect("no strategy here rejects").current())
                .collect();
            let wrong = made.iter().filter(|value| !seeds.contains(value)).count();
            assert!(wrong > 150, "{wrong} of 200 {folder} events are not as they were");
        }
    }

    #[test]
    fn what_is_nested_can_be_taken_apart_however_deep_it_is() {
        for in_maps in [true, false] {
            dismantle(nested(json!(1), 200_000, in_maps));
        }
    }
}
