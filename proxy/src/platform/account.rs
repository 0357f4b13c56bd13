//! Access to the callback templates and rules of an account through Tencent Cloud's API 3.0.
//!
//! <https://www.tencentcloud.com/document/product/267/30815> and its sibling pages specify the
//! actions. The platform reports an error with status 200 and a code in the body.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json, json};
use tokio::runtime::Runtime;
use tokio::time::{sleep, timeout};

use super::error::PlatformError;
use super::remedies::remedy;
use super::tc3::{self, Credentials, SignedRequest};
use crate::clock;
use crate::table::plain;
use crate::trusting_client::TrustingClient;

/// Product and version of the API.
const SERVICE: &str = "live";
const VERSION: &str = "2018-08-01";

/// Maximum length of a response, in bytes. A response with 50 callback templates of nine addresses
/// each is shorter.
const MAX_RESPONSE_BYTES: usize = 4 * 1024 * 1024;

const TIMEOUT: Duration = Duration::from_secs(20);

/// Number of attempts at a request that exceeds the platform's rate limit, and the wait before the
/// second attempt. Each further wait is twice as long as the wait before it.
const ATTEMPTS: u32 = 5;
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// Name of the parameter for the key. All addresses of a callback template share this key.
pub(super) const CALLBACK_KEY: &str = "CallbackKey";

/// Parameters of a request: the name, description, addresses and key of a callback template.
pub(super) type Parameters = BTreeMap<&'static str, String>;

/// A callback template of the account.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AccountTemplate {
    pub(super) template_id: i64,
    pub(super) template_name: String,
    /// The description, the addresses and the key. The platform may send null for each of them.
    #[serde(flatten)]
    rest: Map<String, Json>,
}

impl AccountTemplate {
    /// Returns the value of a parameter; empty if the callback template has none.
    pub(super) fn text(&self, parameter: &str) -> &str {
        self.rest.get(parameter).and_then(Json::as_str).unwrap_or_default()
    }
}

/// Rule that binds a push domain and an application to a callback template.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AccountRule {
    pub(super) domain_name: String,
    pub(super) app_name: String,
    pub(super) template_id: i64,
}

/// The callback templates and rules of an account.
#[derive(Debug, Default)]
pub(crate) struct AccountState {
    pub(super) templates: Vec<AccountTemplate>,
    pub(super) rules: Vec<AccountRule>,
}

/// An account of the platform.
pub(crate) struct PlatformAccount {
    endpoint: Uri,
    host: String,
    credentials: Credentials,
    client: TrustingClient,
    runtime: Runtime,
}

/// Returns true for the error of a request that exceeds the platform's rate limit.
fn is_rate_limit(error: &PlatformError) -> bool {
    matches!(error, PlatformError::Refused { code, .. } if code.starts_with("RequestLimitExceeded"))
}

impl PlatformAccount {
    pub(crate) fn new(
        endpoint: Uri,
        credentials: Credentials,
        client: TrustingClient,
    ) -> Result<Self, PlatformError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| {
            let problem =
                format!("expected a runtime, found an error: {error}; check the process limits");
            PlatformError::at("account", problem)
        })?;
        let host = endpoint.authority().map(ToString::to_string).unwrap_or_default();
        Ok(Self { endpoint, host, credentials, client, runtime })
    }

    /// Reads all callback templates and rules.
    pub(crate) fn state(&self) -> Result<AccountState, PlatformError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Templates {
            #[serde(default)]
            templates: Vec<AccountTemplate>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Rules {
            #[serde(default)]
            rules: Vec<AccountRule>,
        }
        let Templates { templates } = self.call("DescribeLiveCallbackTemplates", &json!({}))?;
        let Rules { rules } = self.call("DescribeLiveCallbackRules", &json!({}))?;
        Ok(AccountState { templates, rules })
    }

    /// Creates a callback template, and returns its id.
    pub(super) fn create_template(&self, parameters: &Parameters) -> Result<i64, PlatformError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Created {
            template_id: i64,
        }
        let created = self.call("CreateLiveCallbackTemplate", &json!(parameters));
        created.map(|Created { template_id }| template_id)
    }

    pub(super) fn modify_template(
        &self,
        id: i64,
        parameters: &Parameters,
    ) -> Result<(), PlatformError> {
        let mut parameters = json!(parameters);
        parameters["TemplateId"] = json!(id);
        self.command("ModifyLiveCallbackTemplate", &parameters)
    }

    pub(super) fn delete_template(&self, id: i64) -> Result<(), PlatformError> {
        self.command("DeleteLiveCallbackTemplate", &json!({ "TemplateId": id }))
    }

    pub(super) fn create_rule(&self, rule: &AccountRule) -> Result<(), PlatformError> {
        let AccountRule { domain_name, app_name, template_id } = rule;
        let parameters =
            json!({ "DomainName": domain_name, "AppName": app_name, "TemplateId": template_id });
        self.command("CreateLiveCallbackRule", &parameters)
    }

    pub(super) fn delete_rule(&self, domain: &str, app: &str) -> Result<(), PlatformError> {
        let parameters = json!({ "DomainName": domain, "AppName": app });
        self.command("DeleteLiveCallbackRule", &parameters)
    }

    fn command(&self, action: &'static str, parameters: &Json) -> Result<(), PlatformError> {
        self.call::<Json>(action, parameters).map(drop)
    }

    /// Calls an action. If a call exceeds the rate limit, waits and repeats the call, up to
    /// [`ATTEMPTS`] calls in total.
    fn call<T: DeserializeOwned>(
        &self,
        action: &'static str,
        parameters: &Json,
    ) -> Result<T, PlatformError> {
        let body = Bytes::from(parameters.to_string());
        let mut wait = FIRST_WAIT;
        for _ in 1..ATTEMPTS {
            match self.call_once(action, body.clone()) {
                Err(error) if is_rate_limit(&error) => self.wait(wait),
                done => return done,
            }
            wait *= 2;
        }
        self.call_once(action, body)
    }

    fn wait(&self, wait: Duration) {
        self.runtime.block_on(async { sleep(wait).await });
    }

    fn call_once<T: DeserializeOwned>(
        &self,
        action: &'static str,
        body: Bytes,
    ) -> Result<T, PlatformError> {
        let unreachable = |problem| PlatformError::Unreachable { host: self.host.clone(), problem };
        let request = self.request(action, body).map_err(|error| unreachable(error.to_string()))?;
        let sent = self.client.fetch(request, MAX_RESPONSE_BYTES);
        // Create the time limit inside the runtime, because its timer needs the runtime.
        let sent = self.runtime.block_on(async { timeout(TIMEOUT, sent).await });
        let problem = || format!("no response within {} s", TIMEOUT.as_secs());
        let (_, body) = sent.map_err(|_| unreachable(problem()))?.map_err(unreachable)?;
        read_response(action, &body)
    }

    fn request(&self, action: &'static str, body: Bytes) -> http::Result<Request<Full<Bytes>>> {
        let now = clock::now();
        let signed =
            SignedRequest { service: SERVICE, host: &self.host, action: Some(action), body: &body };
        let authorization = signed.authorization(&self.credentials, now);
        let mut authorization = HeaderValue::try_from(authorization)?;
        authorization.set_sensitive(true);
        Request::builder()
            .method(Method::POST)
            .uri(self.endpoint.clone())
            .header(HOST, &self.host)
            .header(CONTENT_TYPE, tc3::CONTENT_TYPE)
            .header(AUTHORIZATION, authorization)
            .header("x-tc-action", action)
            .header("x-tc-version", VERSION)
            .header("x-tc-timestamp", now.as_secs())
            .body(Full::new(body))
    }
}

/// Parses the member `Response` of a response.
fn read_response<T: DeserializeOwned>(
    action: &'static str,
    body: &[u8],
) -> Result<T, PlatformError> {
    let unknown = || PlatformError::Unknown { action };
    let mut document: Json = serde_json::from_slice(body).map_err(|_| unknown())?;
    let response = document["Response"].take();
    let text = |value: &Json| plain(value.as_str().unwrap_or("-")).chars().take(200).collect();
    if let Some(error) = response.get("Error") {
        let code: String = text(&error["Code"]);
        return Err(PlatformError::Refused {
            action,
            message: text(&error["Message"]),
            remedy: remedy(&code),
            request: text(&response["RequestId"]),
            code,
        });
    }
    serde_json::from_value(response).map_err(|_| unknown())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_documented_callback_template_and_error() {
        let body = br#"{"Response":{"Templates":[{"TemplateId":1000,"TemplateName":"testName",
            "Description":"test","StreamBeginNotifyUrl":"http://www.qq.com/api","CallbackKey":"k",
            "PushExceptionNotifyUrl":null}],"RequestId":"3c140219"}}"#;
        let read: Json = read_response("X", body).unwrap();
        let template: AccountTemplate =
            serde_json::from_value(read["Templates"][0].clone()).unwrap();
        assert_eq!((template.template_id, &*template.template_name), (1000, "testName"));
        assert_eq!(template.text("StreamBeginNotifyUrl"), "http://www.qq.com/api");
        assert_eq!(template.text("PushExceptionNotifyUrl"), "");

        let body = br#"{"Response":{"Error":{"Code":"AuthFailure.SignatureFailure","Message":
            "The provided\u001b[31m credentials"},"RequestId":"ed93f3cb"}}"#;
        let error = read_response::<Json>("DescribeLiveCallbackRules", body).unwrap_err();
        assert_eq!(
            error.to_string(),
            "DescribeLiveCallbackRules: expected a request that the platform accepts, found \
             AuthFailure.SignatureFailure: The provided\u{fffd}[31m credentials; check the SecretKey \
             (request ed93f3cb)"
        );
        for other in [&b"<html>"[..], b"{}", b"{\"Response\":{}}"] {
            let error = read_response::<AccountRule>("X", other).unwrap_err();
            assert!(
                matches!(error, PlatformError::Unknown { .. }),
                "expected `Unknown`, found {error}"
            );
        }
    }
}
