//! The verdict in the file of a captured callback.

use serde::{Deserialize, Serialize};

/// Name of the header with the verdict.
pub(crate) const RECORDED: &str = "gatepost-recorded";

/// The verdict on a recorded request: the content of the header [`RECORDED`].
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct RecordedVerdict {
    /// Time of the arrival, in Unix seconds.
    pub(crate) at: i64,
    /// True if gatepost has masked or cut a part of the request.
    pub(crate) is_masked: bool,
    /// `accepted` or `refused`.
    pub(crate) verdict: String,
    /// The verdict in words.
    pub(crate) explanation: String,
    /// True if gatepost has loaded another config between the verdict and the creation of the file.
    /// The checks are those of the later config.
    #[serde(default)]
    pub(crate) is_of_earlier_config: bool,
    /// Checks of the verdict, each with its name and the text that states its result.
    pub(crate) steps: Vec<(String, String)>,
}
