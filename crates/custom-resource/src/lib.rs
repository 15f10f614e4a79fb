//! CloudFormation's custom resource protocol: request, deadline, answer.
