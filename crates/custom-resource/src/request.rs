//! What CloudFormation asks for.

use std::{fmt, time::Duration};

use serde_json::Value;
use time::OffsetDateTime;

use crate::{
    fault::{Fault, joined, quoted},
    ids::{LogicalId, PhysicalId, RequestId, StackId, echoable},
    response_url::ResponseUrl,
};

/// A resource's properties. Every scalar in them arrives as a string, nested ones too.
pub type Properties = serde_json::Map<String, Value>;

/// The longest wait that `ServiceTimeout` can ask for, in seconds.
const MAX_SERVICE_TIMEOUT: u64 = 3_600;

/// More than the name of a type can have in a template, in bytes: `Custom::` and 60 characters (Template
/// Reference, "AWS::CloudFormation::CustomResource").
const MAX_RESOURCE_TYPE: usize = 255;

/// A request of CloudFormation, complete (User Guide, "CloudFormation custom resource request and
/// response reference").
#[derive(Clone, PartialEq)]
pub struct Request {
    /// What is to be done.
    pub kind: RequestKind,
    /// Which request this is.
    pub request_id: RequestId,
    /// In which stack.
    pub stack_id: StackId,
    /// What the template calls the resource.
    pub logical_id: LogicalId,
    /// The type that the template names, e.g. `Custom::InferenceProfile`.
    pub resource_type: String,
    /// Where the answer goes. [`crate::Trust`] says whether it may.
    pub response_url: ResponseUrl,
    /// `ResourceProperties`, with `ServiceToken` and all that CloudFormation adds.
    pub properties: Properties,
}

/// What is to be done with a resource.
#[derive(Clone, PartialEq)]
pub enum RequestKind {
    /// Make it.
    Create,
    /// Change it, in place or by another one.
    Update {
        /// The id that was answered last.
        physical_id: PhysicalId,
        /// `OldResourceProperties`: what was declared before.
        old_properties: Properties,
    },
    /// Remove it. Comes also after a failed Create, and for the old one after a replacement.
    Delete {
        /// The id that is to go.
        physical_id: PhysicalId,
    },
}

impl RequestKind {
    /// As `RequestType` spells it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Create => "Create",
            Self::Update { .. } => "Update",
            Self::Delete { .. } => "Delete",
        }
    }

    /// The id that CloudFormation knows the resource by; a Create has none yet.
    pub fn physical_id(&self) -> Option<&PhysicalId> {
        match self {
            Self::Create => None,
            Self::Update { physical_id, .. } | Self::Delete { physical_id } => Some(physical_id),
        }
    }
}

/// What of a request its answer repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addressee {
    /// Verbatim, and not always a stack's ARN: a request can be wrong in that as well.
    pub(crate) stack_id: String,
    pub(crate) request_id: RequestId,
    pub(crate) logical_id: LogicalId,
    /// What is to be deleted: a Delete is answered with the id that it names, whatever comes of it.
    pub(crate) deletes: Option<PhysicalId>,
}

/// An envelope that is no request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// It can be answered: FAILED, with the faults.
    #[error("{}", joined(&.0.faults))]
    Refused(Box<Refused>),
    /// It does not even say who is to be answered, and where.
    #[error("{}", joined(.0))]
    Unanswerable(Vec<Fault>),
}

/// An envelope that is no request, but says who is to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Who is to be answered.
    pub addressee: Addressee,
    /// Where.
    pub response_url: ResponseUrl,
    /// The resource's id, when the envelope names one that can be.
    pub physical_id: Option<PhysicalId>,
    /// All that is wrong.
    pub faults: Vec<Fault>,
}

impl Request {
    /// Reads an envelope: first what is needed to answer it, then the rest, and all its faults at once.
    ///
    /// A Delete is read leniently: without properties, or with ones of a shape that was once allowed,
    /// it can still be carried out.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError::Unanswerable`] when `payload` is no object, or when `ResponseURL`, `RequestId`,
    /// `StackId` or `LogicalResourceId` is missing or cannot be one; otherwise
    /// [`EnvelopeError::Refused`].
    pub fn read(payload: Value) -> Result<Self, EnvelopeError> {
        let mut envelope = match payload {
            Value::Object(fields) => Envelope { fields, faults: Vec::new() },
            other => {
                let problem = format!("it is {}, not an object", kind_of(&other));
                let fault = Fault::new("the payload", problem, "Send a request of CloudFormation");
                return Err(EnvelopeError::Unanswerable(vec![fault]));
            }
        };

        let response_url = envelope.read("ResponseURL", ResponseUrl::parse);
        let request_id = envelope.read("RequestId", RequestId::parse);
        let logical_id = envelope.read("LogicalResourceId", LogicalId::parse);
        let stack_text = envelope
            .read("StackId", |text| echoable("StackId", text, StackId::MAX_BYTES).map(|()| text.to_owned()));
        let (Some(response_url), Some(request_id), Some(logical_id), Some(stack_text)) =
            (response_url, request_id, logical_id, stack_text)
        else {
            return Err(EnvelopeError::Unanswerable(envelope.faults));
        };

        let stack_id = envelope.keep(StackId::parse(&stack_text));
        let resource_type = envelope.read("ResourceType", |text| {
            echoable("ResourceType", text, MAX_RESOURCE_TYPE).map(|()| text.to_owned())
        });
        let named_id = envelope.text("PhysicalResourceId").and_then(PhysicalId::parse);
        let physical_id = named_id.as_ref().ok().cloned();
        let request_type = envelope.read("RequestType", |text| Ok(text.to_owned()));
        let is_delete = request_type.as_deref() == Some("Delete");
        let kind = match request_type.as_deref() {
            Some("Create") => Some(RequestKind::Create),
            Some("Update") => {
                let old_properties = envelope.properties("OldResourceProperties");
                envelope.keep(named_id).and_then(|physical_id| {
                    Some(RequestKind::Update { physical_id, old_properties: old_properties? })
                })
            }
            Some("Delete") => envelope.keep(named_id).map(|physical_id| RequestKind::Delete { physical_id }),
            Some(unknown) => {
                let problem = format!("{} is not known", quoted(unknown));
                envelope.faults.push(Fault::new("RequestType", problem, "Send Create, Update or Delete"));
                None
            }
            None => None,
        };
        let properties = if is_delete {
            match envelope.fields.remove("ResourceProperties") {
                Some(Value::Object(properties)) => Some(properties),
                _ => Some(Properties::new()),
            }
        } else {
            envelope.properties("ResourceProperties")
        };

        match (kind, stack_id, resource_type, properties) {
            // Each fault leaves one of these empty.
            (Some(kind), Some(stack_id), Some(resource_type), Some(properties)) => {
                Ok(Self { kind, request_id, stack_id, logical_id, resource_type, response_url, properties })
            }
            _ => {
                let deletes = if is_delete { physical_id.clone() } else { None };
                let addressee = Addressee { stack_id: stack_text, request_id, logical_id, deletes };
                let faults = envelope.faults;
                Err(EnvelopeError::Refused(Box::new(Refused {
                    addressee,
                    response_url,
                    physical_id,
                    faults,
                })))
            }
        }
    }

    /// What the answer repeats.
    pub fn addressee(&self) -> Addressee {
        let deletes = match &self.kind {
            RequestKind::Delete { physical_id } => Some(physical_id.clone()),
            RequestKind::Create | RequestKind::Update { .. } => None,
        };
        Addressee {
            stack_id: self.stack_id.as_str().to_owned(),
            request_id: self.request_id.clone(),
            logical_id: self.logical_id.clone(),
            deletes,
        }
    }

    /// When CloudFormation sent it, where the response URL tells: see [`ResponseUrl::signed_at`]. Every
    /// delivery of one request has the same instant, however late it comes.
    pub fn issued_at(&self) -> Option<OffsetDateTime> {
        self.response_url.signed_at()
    }

    /// How long CloudFormation waits for the answer, when the template limits it: `ServiceTimeout`, 1 to
    /// 3,600 seconds (User Guide, "AWS::CloudFormation::CustomResource"). It is among the properties, if
    /// CloudFormation hands it on at all.
    pub fn service_timeout(&self) -> Option<Duration> {
        let seconds = match self.properties.get("ServiceTimeout")? {
            Value::String(text) => text.trim().parse().ok()?,
            Value::Number(number) => number.as_u64()?,
            _ => return None,
        };
        (1..=MAX_SERVICE_TIMEOUT).contains(&seconds).then(|| Duration::from_secs(seconds))
    }
}

/// Properties may be secret: only their names are printed.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("kind", &self.kind)
            .field("request_id", &self.request_id)
            .field("stack_id", &self.stack_id)
            .field("logical_id", &self.logical_id)
            .field("resource_type", &self.resource_type)
            .field("response_url", &self.response_url)
            .field("properties", &self.properties.keys())
            .finish()
    }
}

impl fmt::Debug for RequestKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut printed = f.debug_struct(self.as_str());
        if let Some(physical_id) = self.physical_id() {
            printed.field("physical_id", physical_id);
        }
        if let Self::Update { old_properties, .. } = self {
            printed.field("old_properties", &old_properties.keys());
        }
        printed.finish()
    }
}

/// The fields that are left, and what was wrong with those that were read.
struct Envelope {
    fields: Properties,
    faults: Vec<Fault>,
}

impl Envelope {
    fn keep<T>(&mut self, result: Result<T, Fault>) -> Option<T> {
        result.map_err(|fault| self.faults.push(fault)).ok()
    }

    fn text(&self, field: &'static str) -> Result<&str, Fault> {
        match self.fields.get(field) {
            Some(Value::String(text)) => Ok(text),
            found => Err(wrong_type(field, found, "Send a string")),
        }
    }

    fn read<T>(&mut self, field: &'static str, parse: impl Fn(&str) -> Result<T, Fault>) -> Option<T> {
        let result = self.text(field).and_then(parse);
        self.keep(result)
    }

    fn properties(&mut self, field: &'static str) -> Option<Properties> {
        let result = match self.fields.remove(field) {
            Some(Value::Object(properties)) => Ok(properties),
            found => Err(wrong_type(field, found.as_ref(), "Send an object")),
        };
        self.keep(result)
    }
}

fn wrong_type(field: &'static str, found: Option<&Value>, remedy: &str) -> Fault {
    match found {
        None => Fault::new(field, "it is missing", remedy),
        Some(value) => Fault::new(field, format!("it is {}", kind_of(value)), remedy),
    }
}

pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::testing::{RESPONSE_URL, STACK, create, delete, update, with, without};

    fn refused(payload: Value) -> Refused {
        match Request::read(payload) {
            Err(EnvelopeError::Refused(refused)) => *refused,
            other => panic!("{other:?}"),
        }
    }

    fn unanswerable(payload: Value) -> String {
        match Request::read(payload) {
            Err(error @ EnvelopeError::Unanswerable(_)) => error.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_create_is_read_whole() {
        let request = Request::read(create()).unwrap();
        assert_eq!(request.kind, RequestKind::Create);
        assert_eq!(request.request_id.as_str(), "77f2bb1e-4a5c-4d7c-8e55-0f2a6c1f9b10");
        assert_eq!(request.stack_id.as_str(), STACK);
        assert_eq!(request.logical_id.as_str(), "Thing");
        assert_eq!(request.resource_type, "Custom::Thing");
        assert_eq!(request.response_url.reveal(), RESPONSE_URL);
        assert_eq!(Value::Object(request.properties.clone()), create()["ResourceProperties"]);
        assert_eq!(request.addressee().deletes, None);
    }

    #[test]
    fn an_update_brings_the_id_and_the_old_properties() {
        let request = Request::read(update()).unwrap();
        let RequestKind::Update { physical_id, old_properties } = &request.kind else { panic!() };
        assert_eq!(physical_id.as_str(), "thing-1");
        assert_eq!(Value::Object(old_properties.clone()), update()["OldResourceProperties"]);
        assert_eq!(request.addressee().deletes, None);
    }

    #[test]
    fn a_delete_brings_the_id_that_it_must_be_answered_with() {
        let request = Request::read(delete()).unwrap();
        assert_eq!(request.kind.physical_id().unwrap().as_str(), "thing-1");
        assert_eq!(request.addressee().deletes.unwrap().as_str(), "thing-1");
    }

    #[test]
    fn a_delete_needs_no_properties() {
        for payload in [
            without(delete(), "ResourceProperties"),
            with(delete(), "ResourceProperties", Value::Null),
            with(delete(), "ResourceProperties", json!("of another age")),
        ] {
            assert_eq!(Request::read(payload).unwrap().properties, Properties::new());
        }
    }

    #[test]
    fn a_create_has_no_id_even_when_one_is_sent() {
        let request = Request::read(with(create(), "PhysicalResourceId", json!(""))).unwrap();
        assert_eq!(request.kind, RequestKind::Create);
    }

    #[test]
    fn fields_that_are_not_known_do_no_harm() {
        assert!(Request::read(with(create(), "FutureField", json!({"a": [1]}))).is_ok());
    }

    #[test]
    fn what_is_no_object_cannot_be_answered() {
        for (payload, kind) in [
            (Value::Null, "null"),
            (json!(true), "a boolean"),
            (json!(7), "a number"),
            (json!("Create"), "a string"),
            (json!([create()]), "a list"),
        ] {
            assert_eq!(
                unanswerable(payload),
                format!("the payload: it is {kind}, not an object. Send a request of CloudFormation.")
            );
        }
    }

    #[test]
    fn without_the_ids_or_the_url_nobody_can_be_answered() {
        for field in ["ResponseURL", "RequestId", "LogicalResourceId", "StackId"] {
            assert_eq!(
                unanswerable(without(create(), field)),
                format!("{field}: it is missing. Send a string.")
            );
            assert_eq!(
                unanswerable(with(create(), field, json!(7))),
                format!("{field}: it is a number. Send a string.")
            );
            assert!(unanswerable(with(create(), field, json!(""))).starts_with(field));
        }
        assert_eq!(
            unanswerable(json!({})),
            "ResponseURL: it is missing. Send a string. RequestId: it is missing. Send a string. \
             LogicalResourceId: it is missing. Send a string. StackId: it is missing. Send a string."
        );
    }

    #[test]
    fn an_unknown_request_type_is_refused_with_the_known_ones() {
        let refused = refused(with(update(), "RequestType", json!("Import")));
        assert_eq!(
            joined(&refused.faults),
            "RequestType: «Import» is not known. Send Create, Update or Delete."
        );
        assert_eq!(refused.physical_id.unwrap().as_str(), "thing-1");
    }

    #[test]
    fn every_fault_names_its_field_and_what_would_be_right() {
        for (payload, text) in [
            (without(create(), "RequestType"), "RequestType: it is missing. Send a string."),
            (
                with(create(), "RequestType", json!("create")),
                "RequestType: «create» is not known. Send Create, Update or Delete.",
            ),
            (without(update(), "PhysicalResourceId"), "PhysicalResourceId: it is missing. Send a string."),
            (
                with(update(), "PhysicalResourceId", json!("")),
                "PhysicalResourceId: it is empty. Give 1 to 1,024 bytes without control characters.",
            ),
            (
                with(delete(), "PhysicalResourceId", Value::Null),
                "PhysicalResourceId: it is null. Send a string.",
            ),
            (
                with(delete(), "PhysicalResourceId", json!("x".repeat(2000))),
                "PhysicalResourceId: it has 2000 bytes. Give 1 to 1,024 bytes without control characters.",
            ),
            (without(create(), "ResourceType"), "ResourceType: it is missing. Send a string."),
            (
                with(create(), "ResourceType", json!("x".repeat(256))),
                "ResourceType: it has 256 bytes, more than 255. Send the request as CloudFormation made it.",
            ),
            (without(create(), "ResourceProperties"), "ResourceProperties: it is missing. Send an object."),
            (
                with(update(), "ResourceProperties", json!([])),
                "ResourceProperties: it is a list. Send an object.",
            ),
            (
                with(update(), "OldResourceProperties", json!(false)),
                "OldResourceProperties: it is a boolean. Send an object.",
            ),
            (
                with(create(), "StackId", json!("shop")),
                "StackId: «shop» is not the ARN of a stack. Send arn:<partition>:cloudformation:<region>:<account>:stack/<name>/<guid>.",
            ),
        ] {
            let refused = refused(payload);
            assert_eq!(joined(&refused.faults), text);
            assert_eq!(refused.response_url.reveal(), RESPONSE_URL);
        }
    }

    #[test]
    fn all_faults_of_an_envelope_are_told_at_once() {
        let payload = without(
            without(without(update(), "ResourceType"), "PhysicalResourceId"),
            "OldResourceProperties",
        );
        let fields: Vec<_> = refused(payload).faults.iter().map(|fault| fault.field).collect();
        assert_eq!(fields, ["ResourceType", "OldResourceProperties", "PhysicalResourceId"]);
    }

    #[test]
    fn a_refused_delete_is_still_answered_with_its_own_id() {
        let refused = refused(without(delete(), "ResourceType"));
        assert_eq!(refused.addressee.deletes.unwrap().as_str(), "thing-1");
    }

    #[test]
    fn a_request_prints_the_names_of_its_properties_but_no_value_and_no_signature() {
        let request = Request::read(update()).unwrap();
        let printed = format!("{request:?}");
        assert!(printed.contains("Size") && printed.contains("thing-1"), "{printed}");
        for secret in ["large", "small", "X-Amz-Signature", "c5b8"] {
            assert!(!printed.contains(secret), "{secret} in {printed}");
        }
    }

    #[test]
    fn the_service_timeout_is_read_from_the_properties() {
        for (value, seconds) in [
            (json!("300"), Some(300)),
            (json!(300), Some(300)),
            (json!("3600"), Some(3600)),
            (json!("0"), None),
            (json!("3601"), None),
            (json!("soon"), None),
            (json!(null), None),
        ] {
            let mut payload = create();
            payload["ResourceProperties"]["ServiceTimeout"] = value.clone();
            let timeout = Request::read(payload).unwrap().service_timeout();
            assert_eq!(timeout, seconds.map(Duration::from_secs), "{value}");
        }
        assert_eq!(Request::read(create()).unwrap().service_timeout(), None);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "\\PC{0,20}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-zA-Z]{1,8}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_a_field_holds_the_envelope_is_read(
            field in prop::sample::select(vec![
                "RequestType", "ResponseURL", "StackId", "RequestId", "ResourceType", "LogicalResourceId",
                "PhysicalResourceId", "ResourceProperties", "OldResourceProperties",
            ]),
            value in any_json(),
        ) {
            for payload in [create(), update(), delete()] {
                if let Err(error) = Request::read(with(payload, field, value.clone())) {
                    prop_assert!(error.to_string().starts_with(field), "{}", error);
                }
            }
            let _ = Request::read(value);
        }
    }
}
