//! Whole declarations.

use mutation::{cases, json::spoilt};
use profile::{
    fault::{self, Faults},
    model_source::CopyFrom,
    parameter::ParameterName,
    period::Period,
    properties::{Declaration, Draft, Remainder, names},
    tags,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::{assert_all_clear, here, oracle, prefix};

/// The properties that the events of `events/provider` hold, old ones too.
fn seeds() -> Vec<Value> {
    let mut seeds = Vec::new();
    for event in mutation::events("provider") {
        let requests = match event.payload {
            Value::Array(requests) => requests,
            request => vec![request],
        };
        let fields = ["ResourceProperties", "OldResourceProperties"];
        let of = |request: Value| fields.map(|field| request.get(field).cloned());
        let found: Vec<Value> = requests.into_iter().flat_map(of).flatten().collect();
        assert!(!found.is_empty(), "{} declares nothing", event.name);
        seeds.extend(found);
    }
    seeds
}

fn read(properties: &Map<String, Value>) -> (Draft, Faults) {
    Draft::read(properties, &here(), &prefix())
}

/// The properties that declare this, in their canonical texts.
fn written(declaration: &Declaration) -> Map<String, Value> {
    let copy_from = match &declaration.copy_from {
        CopyFrom::Model { id, certain: true } => here().foundation_model(id),
        CopyFrom::SystemProfile { id, certain: true } => {
            format!("arn:aws:bedrock:us-east-1:000000000000:inference-profile/{id}")
        }
        guess => guess.id().to_owned(),
    };
    let tags: Vec<Value> =
        declaration.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
    let properties = json!({
        names::NAME: declaration.name,
        names::DESCRIPTION: declaration.description,
        names::MODEL_SOURCE: {names::COPY_FROM: copy_from},
        names::TAGS: tags,
        names::PUBLISH: declaration.parameter.is_some(),
        names::PARAMETER: declaration.parameter.as_ref().map(ParameterName::as_str),
        names::EXISTING: declaration.existing.as_ref().map(|profile| profile.as_str()),
        names::DRAIN: declaration.drain.to_string(),
        names::PROTECT: declaration.protect.to_string(),
    });
    properties.as_object().unwrap().clone()
}

/// Asserts that a declaration keeps every constraint that is documented.
fn assert_right(declaration: &Declaration) {
    assert!(oracle::is_name(&declaration.name), "{declaration:?}");
    assert!(declaration.description.as_deref().is_none_or(oracle::is_description), "{declaration:?}");
    for (key, value) in &declaration.tags {
        assert_ne!(oracle::is_tag_key(key), Some(false), "{declaration:?}");
        assert_ne!(oracle::is_tag_value(value), Some(false), "{declaration:?}");
        assert!(!tags::is_reserved(key), "{declaration:?}");
    }
    if let Some(parameter) = &declaration.parameter {
        assert!(oracle::is_parameter(parameter.as_str()), "{declaration:?}");
    }
    if let Some(profile) = &declaration.existing {
        assert!(oracle::is_profile_arn(profile.as_str()) && profile.is_in(&here()), "{declaration:?}");
    }
    assert!(declaration.drain <= Period::LONGEST && declaration.protect <= Period::LONGEST);
}

#[test]
fn every_event_s_properties_are_read_and_their_canonical_form_again() {
    let mut right = 0;
    for seed in seeds() {
        let (draft, faults) = read(seed.as_object().unwrap());
        assert_all_clear(&faults);
        if faults.is_empty() && draft.outside_prefix.is_none() {
            let declaration = draft.finish().unwrap();
            assert_right(&declaration);
            assert_eq!(read(&written(&declaration)), (read(seed.as_object().unwrap()).0, Faults::none()));
            right += 1;
        }
    }
    assert!(right >= 15, "{right} events declare what is right");
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn any_properties_are_a_declaration_or_clear_faults(properties in spoilt(seeds())) {
        let Value::Object(properties) = properties else { return Ok(()) };
        let (draft, faults) = read(&properties);
        assert_all_clear(&faults);
        for fault in faults.iter().chain(&draft.outside_prefix) {
            let known = names::ALL.iter().any(|name| fault.path.starts_with(name));
            prop_assert!(known || properties.keys().any(|key| fault.path == fault::key(key)), "{}", fault);
        }
        let remainder = Remainder::read(&properties, &here(), &prefix());
        let outside = draft.outside_prefix.is_some();
        if !faults.is_empty() {
            return Ok(());
        }
        // What a Delete reads of a right declaration is what was declared.
        prop_assert_eq!(&remainder.name, &draft.name);
        prop_assert_eq!(&remainder.tags, &draft.tags);
        prop_assert_eq!(&remainder.existing, &draft.existing);
        prop_assert_eq!((remainder.drain, remainder.protect), (draft.drain, draft.protect));
        let reachable = draft.parameter.clone().filter(|_| !outside);
        prop_assert_eq!(&remainder.parameter, &reachable);
        let declaration = draft.finish().expect("what nothing is wrong with is complete");
        assert_right(&declaration);
        if !outside {
            let (again, faults) = read(&written(&declaration));
            prop_assert_eq!(again.finish().map(|again| (again, faults)), Some((declaration, Faults::none())));
        }
    }

    #[test]
    fn a_delete_reads_what_it_can_of_any_properties(properties in spoilt(seeds())) {
        let Value::Object(properties) = properties else { return Ok(()) };
        let remainder = Remainder::read(&properties, &here(), &prefix());
        if let Some(parameter) = &remainder.parameter {
            prop_assert!(oracle::is_parameter(parameter.as_str()));
            prop_assert!(parameter.as_str().starts_with("/inference-profiles/"), "{}", parameter);
        }
        prop_assert!(remainder.existing.is_none_or(|profile| profile.is_in(&here())));
        prop_assert!(remainder.drain <= Period::LONGEST && remainder.protect <= Period::LONGEST);
    }
}
