//! Parameter Store, as far as publishing needs it.

use std::{collections::BTreeMap, ops::Bound};

use ports::{CallError, ErrorKind, NewParameter};
use profile::{
    record::ParameterRecord,
    tags::{Owner, Tags},
};

/// One parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredParameter {
    /// The value.
    pub value: String,
    /// The tags.
    pub tags: Tags,
}

/// All parameters of the account and Region, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParameterStore {
    parameters: BTreeMap<String, StoredParameter>,
}

impl ParameterStore {
    /// What there is.
    pub fn all(&self) -> &BTreeMap<String, StoredParameter> {
        &self.parameters
    }

    /// Puts one there as somebody else would, without any rule.
    pub fn seed(&mut self, name: &str, value: &str, tags: Tags) {
        self.parameters.insert(name.to_owned(), StoredParameter { value: value.to_owned(), tags });
    }

    /// Takes one away as somebody else would.
    pub fn take(&mut self, name: &str) -> Option<StoredParameter> {
        self.parameters.remove(name)
    }

    /// The names of those that carry an owner's tags.
    pub(super) fn owned_by(&self, owner: &Owner) -> Vec<String> {
        let owned = self.parameters.iter().filter(|(_, parameter)| owner.owns(&parameter.tags));
        owned.map(|(name, _)| name.clone()).collect()
    }

    /// The names under a path that come after a name, at most so many.
    pub(super) fn under(&self, path: &str, after: Bound<&str>, limit: usize) -> Vec<(String, ())> {
        let below = format!("{path}/");
        let first = if after == Bound::Unbounded { Bound::Included(below.as_str()) } else { after };
        let names = self.parameters.range::<str, _>((first, Bound::Unbounded)).map(|(name, _)| name);
        names.take_while(|name| name.starts_with(&below)).take(limit).map(|name| (name.clone(), ())).collect()
    }

    pub(super) fn get(&self, names: &[String]) -> Result<BTreeMap<String, ParameterRecord>, CallError> {
        if names.is_empty() || names.len() > 10 {
            return Err(error(
                "ssm:GetParameters",
                ErrorKind::Invalid,
                "ValidationException",
                "1 to 10 names",
            ));
        }
        let found = names.iter().filter_map(|name| {
            let parameter = self.parameters.get(name)?;
            Some((name.clone(), ParameterRecord { value: parameter.value.clone() }))
        });
        Ok(found.collect())
    }

    pub(super) fn create(&mut self, new: &NewParameter) -> Result<(), CallError> {
        const OPERATION: &str = "ssm:PutParameter";
        if self.parameters.contains_key(&new.name) {
            return Err(error(OPERATION, ErrorKind::Conflict, "ParameterAlreadyExists", &new.name));
        }
        if new.tags.len() > 50 || new.value.is_empty() || !new.name.starts_with('/') {
            return Err(error(OPERATION, ErrorKind::Invalid, "ValidationException", &new.name));
        }
        self.seed(&new.name, &new.value, new.tags.clone());
        Ok(())
    }

    pub(super) fn overwrite(&mut self, name: &str, value: &str) -> Result<(), CallError> {
        self.existing("ssm:PutParameter", name)?.value = value.to_owned();
        Ok(())
    }

    pub(super) fn delete(&mut self, name: &str) -> Result<(), CallError> {
        self.existing("ssm:DeleteParameter", name)?;
        self.parameters.remove(name);
        Ok(())
    }

    pub(super) fn tags(&self, name: &str) -> Result<Tags, CallError> {
        match self.parameters.get(name) {
            Some(parameter) => Ok(parameter.tags.clone()),
            None => Err(error("ssm:ListTagsForResource", ErrorKind::NotFound, "InvalidResourceId", name)),
        }
    }

    pub(super) fn tag(&mut self, name: &str, tags: &Tags) -> Result<(), CallError> {
        self.existing("ssm:AddTagsToResource", name)?.tags.extend(tags.clone());
        Ok(())
    }

    pub(super) fn untag(&mut self, name: &str, keys: &[String]) -> Result<(), CallError> {
        let parameter = self.existing("ssm:RemoveTagsFromResource", name)?;
        parameter.tags.retain(|key, _| !keys.contains(key));
        Ok(())
    }

    fn existing(&mut self, operation: &'static str, name: &str) -> Result<&mut StoredParameter, CallError> {
        let gone = || error(operation, ErrorKind::NotFound, "ParameterNotFound", name);
        self.parameters.get_mut(name).ok_or_else(gone)
    }
}

pub(super) fn error(operation: &'static str, kind: ErrorKind, code: &str, message: &str) -> CallError {
    CallError { operation, kind, code: code.to_owned(), message: message.to_owned() }
}
