//! What CloudFormation is told.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

use crate::{
    ids::{PhysicalId, RequestId},
    request::Addressee,
};

/// What an answer's whole body may have; CloudFormation drops a longer one (User Guide, "Custom resource
/// response objects").
pub const MAX_BODY_BYTES: usize = 4096;

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is done.
    Success {
        /// What the resource is now called. Another id than an Update's own makes it a replacement.
        physical_id: PhysicalId,
        /// The attributes for `Fn::GetAtt`.
        data: Data,
        /// What to send when `data` is too large: fewer or shorter attributes.
        compact: Option<Data>,
        /// Whether `Fn::GetAtt` shows asterisks.
        no_echo: bool,
    },
    /// It is not done.
    Failed {
        /// What the resource is called. After a failed Create, CloudFormation asks to delete this id.
        physical_id: PhysicalId,
        /// Why, and what to do about it: the text that a person sees on the stack.
        reason: String,
    },
}

impl Answer {
    /// A success without attributes.
    pub fn success(physical_id: PhysicalId) -> Self {
        Self::Success { physical_id, data: Data::new(), compact: None, no_echo: false }
    }

    /// A failure.
    pub fn failed(physical_id: PhysicalId, reason: impl Into<String>) -> Self {
        Self::Failed { physical_id, reason: reason.into() }
    }
}

/// Attributes by name, in the order of their names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Data(BTreeMap<String, DataValue>);

impl Data {
    /// No attributes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one, or replaces the one of that name.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<DataValue>) {
        self.0.insert(name.into(), value.into());
    }

    /// The attribute of that name.
    pub fn get(&self, name: &str) -> Option<&DataValue> {
        self.0.get(name)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &DataValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The attribute that takes most of the body.
    fn largest(&self) -> Option<(&str, usize)> {
        self.iter().map(|(name, value)| (name, value.bytes())).max_by_key(|(_, bytes)| *bytes)
    }
}

impl<K: Into<String>, V: Into<DataValue>> FromIterator<(K, V)> for Data {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(attributes: I) -> Self {
        Self(attributes.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// An attribute's value: what `Fn::GetAtt` can give to a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum DataValue {
    /// A string.
    Text(String),
    /// A list of strings, for `Fn::Join` and list properties.
    List(Vec<String>),
}

impl DataValue {
    fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => escaped_bytes(text) + 2,
            Self::List(items) => items.iter().map(|item| escaped_bytes(item) + 3).sum::<usize>() + 1,
        }
    }
}

impl From<&str> for DataValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for DataValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<String>> for DataValue {
    fn from(items: Vec<String>) -> Self {
        Self::List(items)
    }
}

/// An answer's `Status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// The request is fulfilled.
    Success,
    /// It is not, and CloudFormation acts on that.
    Failed,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Success => "SUCCESS",
            Self::Failed => "FAILED",
        })
    }
}

/// Where the function logs, as Lambda names it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogPlace {
    /// The log group.
    pub group: Option<String>,
    /// The stream of the running function.
    pub stream: Option<String>,
}

impl LogPlace {
    /// Where to look for a request, from the most to the least precise.
    fn directions(&self, request_id: &RequestId) -> Vec<String> {
        let mut directions = Vec::new();
        if let Some(group) = &self.group {
            if let Some(stream) = &self.stream {
                directions
                    .push(format!("the log group {group}, stream {stream}, under request id {request_id}"));
            }
            directions.push(format!("the log group {group} under request id {request_id}"));
        }
        directions.push(format!("the provider's log under request id {request_id}"));
        directions
    }

    /// Where to look for a request.
    pub(crate) fn direction(&self, request_id: &RequestId) -> String {
        self.directions(request_id).swap_remove(0)
    }
}

/// An answer, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The JSON document, at most [`MAX_BODY_BYTES`] long.
    pub body: Vec<u8>,
    /// What it says; FAILED also when a success does not fit.
    pub status: Status,
    /// What it calls the resource.
    pub physical_id: PhysicalId,
    /// The whole reason, which the body may hold cut.
    pub reason: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body<'a> {
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    physical_resource_id: &'a str,
    stack_id: &'a str,
    request_id: &'a str,
    logical_resource_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    no_echo: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Data>,
}

impl Body<'_> {
    fn bytes(&self) -> Vec<u8> {
        // Strings, lists and maps with string keys: there is nothing in them that JSON cannot hold.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// Makes the body of an answer, at most [`MAX_BODY_BYTES`] long in every case.
///
/// - Attributes that do not fit give way to the compact ones; if those do not fit either, the answer is
///   FAILED and says so.
/// - A reason that does not fit keeps its beginning, is cut between two characters, and ends with where
///   the whole text is. Whoever sends the answer logs [`Encoded::reason`] there.
/// - A Delete is answered with the id that it named.
pub fn encode(addressee: &Addressee, answer: &Answer, log: &LogPlace) -> Encoded {
    let own_id = |physical_id: &PhysicalId| addressee.deletes.as_ref().unwrap_or(physical_id).clone();
    match answer {
        Answer::Success { physical_id, data, compact, no_echo } => {
            let physical_id = own_id(physical_id);
            let with = |data: &Data| {
                Body {
                    status: Status::Success,
                    reason: None,
                    physical_resource_id: physical_id.as_str(),
                    stack_id: &addressee.stack_id,
                    request_id: addressee.request_id.as_str(),
                    logical_resource_id: addressee.logical_id.as_str(),
                    no_echo: no_echo.then_some(true),
                    data: (!data.is_empty()).then_some(data),
                }
                .bytes()
            };
            let whole = with(data);
            let body = if whole.len() <= MAX_BODY_BYTES {
                Some(whole)
            } else {
                compact.as_ref().map(with).filter(|body| body.len() <= MAX_BODY_BYTES)
            };
            match body {
                Some(body) => Encoded { body, status: Status::Success, physical_id, reason: None },
                None => {
                    let reason = too_large(compact.as_ref().unwrap_or(data), with);
                    failed(addressee, physical_id, reason, log)
                }
            }
        }
        Answer::Failed { physical_id, reason } => {
            let reason = match reason.trim() {
                "" => {
                    format!("The provider gave no reason. Look into {}", log.direction(&addressee.request_id))
                }
                reason => reason.to_owned(),
            };
            failed(addressee, own_id(physical_id), reason, log)
        }
    }
}

fn too_large(data: &Data, body: impl Fn(&Data) -> Vec<u8>) -> String {
    let largest = match data.largest() {
        Some((name, bytes)) => format!(" The largest is {name} with {bytes} bytes."),
        None => String::new(),
    };
    format!(
        "The work is done, but its attributes do not fit into an answer: it would have {} bytes, and \
         CloudFormation takes at most {MAX_BODY_BYTES}.{largest} Declare fewer or shorter values.",
        body(data).len()
    )
}

fn failed(addressee: &Addressee, physical_id: PhysicalId, reason: String, log: &LogPlace) -> Encoded {
    let with = |reason: &str| {
        Body {
            status: Status::Failed,
            reason: Some(reason),
            physical_resource_id: physical_id.as_str(),
            stack_id: &addressee.stack_id,
            request_id: addressee.request_id.as_str(),
            logical_resource_id: addressee.logical_id.as_str(),
            no_echo: None,
            data: None,
        }
        .bytes()
    };
    let room = MAX_BODY_BYTES.saturating_sub(with("").len());
    let body = with(&fitted(&reason, room, &log.directions(&addressee.request_id)));
    Encoded { body, status: Status::Failed, physical_id, reason: Some(reason) }
}

/// `reason` in `room` bytes of JSON: whole, or its beginning and where the whole text is.
fn fitted(reason: &str, room: usize, directions: &[String]) -> String {
    if escaped_bytes(reason) <= room {
        return reason.to_owned();
    }
    // The beginning says what is wrong, so it gets at least half of the room.
    let endings = directions.iter().map(|direction| format!(" … (cut; the full text is in {direction})"));
    let ending = endings.into_iter().find(|ending| escaped_bytes(ending) <= room / 2).unwrap_or_default();
    let mut left = room - escaped_bytes(&ending);
    let mut end = 0;
    for (index, character) in reason.char_indices() {
        let bytes = escaped_char_bytes(character);
        if bytes > left {
            break;
        }
        left -= bytes;
        end = index + character.len_utf8();
    }
    format!("{}{ending}", reason[..end].trim_end())
}

/// How many bytes `text` has inside the quotation marks of a JSON string.
fn escaped_bytes(text: &str) -> usize {
    text.chars().map(escaped_char_bytes).sum()
}

fn escaped_char_bytes(character: char) -> usize {
    match character {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => 6,
        other => other.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        ids::{LogicalId, StackId},
        request::Request,
        testing::{STACK, create, delete},
    };

    fn addressee() -> Addressee {
        Request::read(create()).unwrap().addressee()
    }

    fn id(text: &str) -> PhysicalId {
        PhysicalId::parse(text).unwrap()
    }

    fn log() -> LogPlace {
        LogPlace {
            group: Some("/aws/lambda/provider".into()),
            stream: Some("2026/03/13/[$LATEST]0f1e2d3c4b5a".into()),
        }
    }

    fn json_of(encoded: &Encoded) -> Value {
        assert!(encoded.body.len() <= MAX_BODY_BYTES, "{} bytes", encoded.body.len());
        serde_json::from_slice(&encoded.body).unwrap()
    }

    fn text(encoded: &Encoded) -> &str {
        std::str::from_utf8(&encoded.body).unwrap()
    }

    fn reason_of(encoded: &Encoded) -> String {
        json_of(encoded)["Reason"].as_str().unwrap().to_owned()
    }

    #[test]
    fn a_success_has_the_required_keys_and_the_attributes() {
        let answer = Answer::Success {
            physical_id: id("thing-1"),
            data: [
                ("Name", DataValue::from("a \"b\"")),
                ("Arns", vec!["x".to_owned(), "y".to_owned()].into()),
            ]
            .into_iter()
            .collect(),
            compact: None,
            no_echo: false,
        };
        assert_eq!(
            text(&encode(&addressee(), &answer, &log())),
            format!(
                r#"{{"Status":"SUCCESS","PhysicalResourceId":"thing-1","StackId":"{STACK}","RequestId":"77f2bb1e-4a5c-4d7c-8e55-0f2a6c1f9b10","LogicalResourceId":"Thing","Data":{{"Arns":["x","y"],"Name":"a \"b\""}}}}"#
            )
        );
    }

    #[test]
    fn a_failure_has_the_required_keys_and_the_reason() {
        let encoded = encode(&addressee(), &Answer::failed(id("thing-1"), "No room. Make some."), &log());
        assert_eq!(
            text(&encoded),
            format!(
                r#"{{"Status":"FAILED","Reason":"No room. Make some.","PhysicalResourceId":"thing-1","StackId":"{STACK}","RequestId":"77f2bb1e-4a5c-4d7c-8e55-0f2a6c1f9b10","LogicalResourceId":"Thing"}}"#
            )
        );
        assert_eq!(encoded.status, Status::Failed);
    }

    #[test]
    fn no_echo_is_said_only_when_it_is_meant() {
        for no_echo in [true, false] {
            let answer = Answer::Success { physical_id: id("a"), data: Data::new(), compact: None, no_echo };
            let body = json_of(&encode(&addressee(), &answer, &log()));
            assert_eq!(body.get("NoEcho"), no_echo.then_some(&json!(true)));
            assert_eq!(body.get("Data"), None);
        }
    }

    #[test]
    fn a_delete_is_answered_with_the_id_it_named_whatever_the_resource_said() {
        let addressee = Request::read(delete()).unwrap().addressee();
        for answer in [Answer::success(id("another")), Answer::failed(id("another"), "why")] {
            let encoded = encode(&addressee, &answer, &log());
            assert_eq!(json_of(&encoded)["PhysicalResourceId"], "thing-1");
            assert_eq!(encoded.physical_id, id("thing-1"));
        }
    }

    fn sized(bytes: usize) -> Data {
        [("A", "x".repeat(bytes)), ("B", "y".into())].into_iter().collect()
    }

    #[test]
    fn attributes_that_do_not_fit_give_way_to_the_compact_ones() {
        let answer = Answer::Success {
            physical_id: id("thing-1"),
            data: sized(4000),
            compact: Some(sized(100)),
            no_echo: true,
        };
        let body = json_of(&encode(&addressee(), &answer, &log()));
        assert_eq!(body["Status"], "SUCCESS");
        assert_eq!(body["NoEcho"], true);
        assert_eq!(body["Data"]["A"].as_str().unwrap().len(), 100);
    }

    #[test]
    fn attributes_that_fit_are_sent_whole_to_the_last_byte() {
        let of = |bytes| Answer::Success {
            physical_id: id("thing-1"),
            data: sized(bytes),
            compact: Some(Data::new()),
            no_echo: false,
        };
        let rest = encode(&addressee(), &of(0), &log()).body.len();
        let full = encode(&addressee(), &of(MAX_BODY_BYTES - rest), &log());
        assert_eq!(full.body.len(), MAX_BODY_BYTES);
        let over = encode(&addressee(), &of(MAX_BODY_BYTES - rest + 1), &log());
        assert_eq!(json_of(&over).get("Data"), None);
    }

    #[test]
    fn attributes_that_never_fit_fail_the_request_and_name_the_largest() {
        for compact in [None, Some(sized(4000))] {
            let answer =
                Answer::Success { physical_id: id("thing-1"), data: sized(4000), compact, no_echo: false };
            let encoded = encode(&addressee(), &answer, &log());
            assert_eq!(encoded.status, Status::Failed);
            assert_eq!(json_of(&encoded)["PhysicalResourceId"], "thing-1");
            let reason = reason_of(&encoded);
            assert!(reason.contains("at most 4096. The largest is A with 4002 bytes."), "{reason}");
            assert_eq!(encoded.reason, Some(reason));
        }
    }

    #[test]
    fn a_long_reason_keeps_its_beginning_and_ends_with_where_the_rest_is() {
        let reason = format!("The name is taken. {}", "é".repeat(5000));
        let encoded = encode(&addressee(), &Answer::failed(id("a"), reason.clone()), &log());
        let sent = reason_of(&encoded);
        assert!(sent.starts_with("The name is taken. éé"), "{sent}");
        assert!(
            sent.ends_with(
                "é … (cut; the full text is in the log group /aws/lambda/provider, stream \
                 2026/03/13/[$LATEST]0f1e2d3c4b5a, under request id 77f2bb1e-4a5c-4d7c-8e55-0f2a6c1f9b10)"
            ),
            "{sent}"
        );
        assert_eq!(encoded.reason, Some(reason));
        assert!(encoded.body.len() > MAX_BODY_BYTES - 2, "the room is used: {}", encoded.body.len());
    }

    #[test]
    fn what_json_must_escape_is_counted_as_it_is_sent() {
        for character in ["\"", "\\", "\n", "\u{0}", "\u{1f}", "\u{7f}", "\u{2028}", "é", "語", "🦀"] {
            let reason = format!("{character}.").repeat(5000);
            let encoded = encode(&addressee(), &Answer::failed(id("a"), format!("x{reason}x")), &log());
            let sent = reason_of(&encoded);
            assert!(sent.starts_with('x') && sent.contains(" … (cut; "), "{character:?}");
            assert!(encoded.body.len() > MAX_BODY_BYTES - 12, "{character:?}: {}", encoded.body.len());
        }
    }

    #[test]
    fn a_log_with_a_long_name_leaves_room_for_the_reason() {
        let addressee = Addressee { deletes: Some(id(&"\"".repeat(1024))), ..addressee() };
        let long = LogPlace { group: Some("g".repeat(5000)), stream: Some("s".repeat(5000)) };
        let encoded = encode(&addressee, &Answer::failed(id("a"), "w".repeat(5000)), &long);
        let sent = reason_of(&encoded);
        assert!(sent.starts_with(&"w".repeat(100)), "{sent}");
        assert!(
            sent.ends_with("in the provider's log under request id 77f2bb1e-4a5c-4d7c-8e55-0f2a6c1f9b10)")
        );
    }

    #[test]
    fn a_reason_is_never_empty() {
        for reason in ["", "  \n"] {
            let encoded = encode(&addressee(), &Answer::failed(id("a"), reason), &log());
            assert!(reason_of(&encoded).starts_with("The provider gave no reason. Look into the log group"));
        }
    }

    fn any_text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "\\PC{0,40}",
            "[\"\\\\\n\t\u{0}-\u{1f}]{0,40}",
            Just("\"".repeat(3000)),
            Just("🦀".repeat(1500)),
            Just("\u{1}".repeat(900)),
            "[a-z ]{0,3000}",
        ];
        prop::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
    }

    fn any_physical_id() -> impl Strategy<Value = PhysicalId> {
        prop_oneof!["[a-z\"\\\\]{1,1024}", "[é🦀]{1,256}", Just("\"".repeat(1024)), Just("\\".repeat(1024))]
            .prop_map(|text| PhysicalId::parse(text).unwrap())
    }

    fn any_addressee() -> impl Strategy<Value = Addressee> {
        let ids = ("[ -!#-\\[\\]-~]{1,255}", "[A-Za-z0-9é]{1,127}", "[ -!#-\\[\\]-~]{1,512}");
        (ids, prop::option::of(any_physical_id())).prop_map(
            |((request_id, logical_id, stack_id), deletes)| Addressee {
                stack_id,
                request_id: RequestId::parse(&request_id).unwrap(),
                logical_id: LogicalId::parse(&logical_id).unwrap(),
                deletes,
            },
        )
    }

    fn largest_addressee() -> Addressee {
        Addressee {
            stack_id: "s".repeat(StackId::MAX_BYTES),
            request_id: RequestId::parse(&"r".repeat(RequestId::MAX_BYTES)).unwrap(),
            logical_id: LogicalId::parse(&"l".repeat(LogicalId::MAX_BYTES)).unwrap(),
            deletes: None,
        }
    }

    fn any_data() -> impl Strategy<Value = Data> {
        let value = prop_oneof![
            any_text().prop_map(DataValue::Text),
            prop::collection::vec(any_text(), 0..4).prop_map(DataValue::List),
        ];
        prop::collection::btree_map("\\PC{0,10}", value, 0..5).prop_map(|data| data.into_iter().collect())
    }

    fn any_answer() -> impl Strategy<Value = Answer> {
        prop_oneof![
            (any_physical_id(), any_text())
                .prop_map(|(physical_id, reason)| Answer::Failed { physical_id, reason }),
            (any_physical_id(), any_data(), prop::option::of(any_data()), any::<bool>()).prop_map(
                |(physical_id, data, compact, no_echo)| Answer::Success {
                    physical_id,
                    data,
                    compact,
                    no_echo
                }
            ),
        ]
    }

    fn any_log() -> impl Strategy<Value = LogPlace> {
        let name = prop::option::of(prop_oneof!["[a-z/]{1,60}", "\\PC{0,600}"]);
        (name.clone(), name).prop_map(|(group, stream)| LogPlace { group, stream })
    }

    proptest! {
        #[test]
        fn an_answer_always_fits_and_is_always_complete(
            addressee in any_addressee(),
            answer in any_answer(),
            log in any_log(),
        ) {
            let encoded = encode(&addressee, &answer, &log);
            prop_assert!(encoded.body.len() <= MAX_BODY_BYTES, "{} bytes", encoded.body.len());
            // Reading it back also shows that no character was cut in two.
            let body: Value = serde_json::from_slice(&encoded.body).unwrap();
            prop_assert_eq!(&body["StackId"], &addressee.stack_id);
            prop_assert_eq!(&body["RequestId"], addressee.request_id.as_str());
            prop_assert_eq!(&body["LogicalResourceId"], addressee.logical_id.as_str());
            let (Answer::Success { physical_id, .. } | Answer::Failed { physical_id, .. }) = &answer;
            let asked = addressee.deletes.as_ref().unwrap_or(physical_id);
            prop_assert_eq!(&body["PhysicalResourceId"], asked.as_str());
            prop_assert_eq!(&body["Status"], &encoded.status.to_string());
            let reason = body.get("Reason").and_then(Value::as_str);
            prop_assert_eq!(reason.is_some(), encoded.status == Status::Failed);
            if let (Some(sent), Some(whole)) = (reason, &encoded.reason) {
                prop_assert!(!sent.is_empty());
                let beginning = sent.split(" … (cut; ").next().unwrap();
                prop_assert!(whole.starts_with(beginning) || sent == whole);
                prop_assert!(sent == whole || sent.contains(addressee.request_id.as_str()), "{}", sent);
            }
        }

        #[test]
        fn the_largest_ids_leave_room_for_a_reason(reason in any_text()) {
            let physical_id = PhysicalId::parse("\"".repeat(PhysicalId::MAX_BYTES)).unwrap();
            let reason = format!("The beginning. {reason}");
            let encoded = encode(&largest_addressee(), &Answer::failed(physical_id, reason), &log());
            prop_assert!(encoded.body.len() <= MAX_BODY_BYTES);
            let body: Value = serde_json::from_slice(&encoded.body).unwrap();
            prop_assert!(body["Reason"].as_str().unwrap().starts_with("The beginning."));
        }

        #[test]
        fn the_size_of_a_string_is_known_before_it_is_encoded(text in any_text()) {
            prop_assert_eq!(escaped_bytes(&text) + 2, serde_json::to_string(&text).unwrap().len());
        }
    }
}
