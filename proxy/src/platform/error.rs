//! Reasons why gatepost cannot compare or change an account.

/// Reason why gatepost cannot compare or change an account.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlatformError {
    /// A value from the config, the operator or the environment is missing or invalid.
    #[error("{place}: {problem}")]
    Config { place: String, problem: String },
    #[error(
        "{host}: expected a response, found an error: {problem}; check the network and --endpoint"
    )]
    Unreachable { host: String, problem: String },
    #[error("{action}: expected a response of the API, found another one; check --endpoint")]
    Unknown { action: &'static str },
    #[error(
        "{action}: expected a request that the platform accepts, found {code}: {message}; {remedy} \
         (request {request})"
    )]
    Refused {
        action: &'static str,
        code: String,
        message: String,
        remedy: &'static str,
        request: String,
    },
    /// The platform has refused a moved rule, and gatepost has restored the earlier rule.
    #[error("{error}; gatepost has restored the rule of {template} for {rule}")]
    NotMoved { error: Box<Self>, rule: String, template: String },
    /// The platform has refused a moved rule, and then the restoration of the earlier rule.
    #[error(
        "{error}; gatepost has removed the rule of {template} for {rule}, and cannot restore it: \
         {lost}; bind the domain in the platform's console"
    )]
    Lost { error: Box<Self>, rule: String, template: String, lost: Box<Self> },
}

impl PlatformError {
    pub(crate) fn at(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Config { place: place.into(), problem: problem.into() }
    }
}
