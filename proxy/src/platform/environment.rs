//! The API key of the account for gatepost's console, read from the environment of this process. The
//! command line has options for other sources of the key.

use std::env::var;
use std::fs::read_to_string;

use http::Uri;

use super::error::PlatformError;
use super::tc3::Credentials;
use super::{ENDPOINT, PlatformAccount, SECRET_ID, SECRET_KEY, check_endpoint};
use crate::trusting_client::TrustingClient;

/// Environment variable that replaces the address of the platform's API.
const OTHER_ENDPOINT: &str = "TENCENTCLOUD_ENDPOINT";

/// Returns the reason why gatepost cannot read the API key from the environment; `None` if the
/// key is readable.
pub(crate) fn environment_fault() -> Option<PlatformError> {
    credentials().err()
}

impl PlatformAccount {
    /// Returns the account for the API key in the environment. Do not call this method on a thread
    /// that runs async tasks, because the account has its own runtime.
    ///
    /// # Errors
    ///
    /// Returns an error in each of these cases:
    ///
    /// - A variable of the API key is missing.
    /// - gatepost cannot read the file that a variable names.
    /// - The address of the platform's API is invalid.
    /// - gatepost cannot create the HTTP client or the runtime.
    pub(crate) fn of_environment() -> Result<Self, PlatformError> {
        let credentials = credentials()?;
        let endpoint = var(OTHER_ENDPOINT).unwrap_or_else(|_| ENDPOINT.to_owned());
        let endpoint = endpoint.parse::<Uri>().unwrap_or_default();
        check_endpoint(&endpoint).map_err(|problem| PlatformError::at(OTHER_ENDPOINT, problem))?;
        let client = TrustingClient::new(None)
            .map_err(|error| PlatformError::at("certificates", error.problem))?;
        Self::new(endpoint, credentials, client)
    }
}

fn credentials() -> Result<Credentials, PlatformError> {
    Ok(Credentials { id: secret(SECRET_ID)?, key: secret(SECRET_KEY)? })
}

/// Reads the file whose path is the value of the variable `name_FILE`. If this variable is not set,
/// reads the variable `name`.
fn secret(name: &str) -> Result<String, PlatformError> {
    let file = format!("{name}_FILE");
    let found = match var(&file) {
        Ok(path) => read_to_string(&path).map_err(|error| {
            let problem = format!(
                "expected a readable file, found an error: {error}; check the path and permissions"
            );
            PlatformError::at(&file, format!("{path}: {problem}"))
        })?,
        Err(_) => var(name).map_err(|_| {
            let problem = format!(
                "expected this variable in the environment of gatepost, found none; set it, or set \
                 {file} to the path of a file, then restart gatepost"
            );
            PlatformError::at(name, problem)
        })?,
    };
    Ok(found.trim().to_owned())
}
