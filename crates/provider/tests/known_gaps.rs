//! Where a promise does not hold yet. Each test says what is promised, and fails:
//! `cargo nextest run -p provider --run-ignored only`. Who mends one moves it to `regressions.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Harness, declared, profile_tag};
use serde_json::{Value, json};

fn changed(name: &str, value: Value) -> Value {
    let mut properties = declared();
    properties[name] = value;
    properties
}

#[tokio::test(start_paused = true)]
#[ignore = "a late Delete that meets its stack in another update is taken for a live one"]
async fn a_late_delete_of_what_lives_touches_nothing() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let first = harness.create(&declared()).await.succeeded();
    harness.describe(&first);
    harness.status("UPDATE_IN_PROGRESS");
    let before = harness.state();
    harness.delete(&first, &declared()).await;
    assert_eq!(harness.state(), before);
}

#[tokio::test(start_paused = true)]
#[ignore = "a late Update that meets its stack in another update is taken for a live one"]
async fn a_late_update_does_not_overwrite_a_newer_declaration() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let first = harness.create(&declared()).await.succeeded();
    let second = changed("Tags", json!([{"Key": "owner", "Value": "second"}]));
    let third = changed("Tags", json!([{"Key": "owner", "Value": "third"}]));
    harness.status("UPDATE_IN_PROGRESS");
    harness.update(&first, &second, &declared()).await.succeeded();
    harness.update(&first, &third, &second).await.succeeded();
    harness.describe(&first);
    harness.update(&first, &second, &declared()).await;
    assert_eq!(profile_tag(&harness, &first, "owner").as_deref(), Some("third"));
}

#[tokio::test(start_paused = true)]
#[ignore = "a late Update that meets its stack in a rollback is taken for the rollback's own"]
async fn a_late_update_does_not_undo_a_rollback() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let first = harness.create(&declared()).await.succeeded();
    let other = changed("Description", json!("Another one"));
    harness.status("UPDATE_ROLLBACK_IN_PROGRESS");
    assert_eq!(harness.update(&first, &declared(), &other).await.succeeded(), first);
    harness.describe(&first);
    let before = harness.state();
    harness.update(&first, &other, &declared()).await;
    assert_eq!(harness.state(), before);
}

#[tokio::test(start_paused = true)]
#[ignore = "a rollback to a ParameterName under a former prefix is refused"]
async fn a_rollback_is_not_refused_by_a_prefix_that_came_later() {
    let mut harness = Harness::new("CREATE_IN_PROGRESS");
    let properties = changed("ParameterName", json!("/inference-profiles/search"));
    let first = harness.create(&properties).await.succeeded();
    harness.environment = vec![("PARAMETER_PREFIX", "/ai")];
    let mut other = properties.clone();
    other["Tags"] = json!([]);
    harness.status("UPDATE_ROLLBACK_IN_PROGRESS");
    assert_eq!(harness.update(&first, &properties, &other).await.succeeded(), first);
}
