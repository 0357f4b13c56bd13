//! Reasons why gatepost cannot compare or change an account.

/// Reason why gatepost cannot compare or change an account.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlatformError {
    /// Fault of a value in the config, in the command line or in the environment, or of a resource
    /// of this machine.
    #[error("{place}: {problem}")]
    Config { place: String, problem: String },
    #[error(
        "{host}: expected a response, found an error: {problem}; check the network, and --endpoint (in \
         the console: TENCENTCLOUD_ENDPOINT)"
    )]
    Unreachable { host: String, problem: String },
    #[error(
        "{action}: expected a response of the API, found another response; check --endpoint (in the \
         console: TENCENTCLOUD_ENDPOINT)"
    )]
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
    /// Error in the move of a rule, after which gatepost has restored the earlier rule.
    #[error("{error}; gatepost has restored the rule of {template} for {rule}")]
    NotMoved { error: Box<Self>, rule: String, template: String },
    /// Error in the move of a rule, after which gatepost cannot restore the earlier rule.
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
