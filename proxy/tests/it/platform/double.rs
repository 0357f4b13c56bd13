//! A local double of Tencent's API for callbacks. The double checks the signature of each request
//! with its own code, and returns the errors that the platform documents.

use std::sync::{Arc, Mutex};

use ring::{digest, hmac};
use serde_json::{Map, Value as Json, json};

use super::{ID, SECRET};
use crate::mock::{Act, App, Seen};
use crate::support::now;

const INTERNATIONAL: [&str; 6] = [
    "StreamBeginNotifyUrl",
    "StreamEndNotifyUrl",
    "RecordNotifyUrl",
    "SnapshotNotifyUrl",
    "PornCensorshipNotifyUrl",
    "PushExceptionNotifyUrl",
];
const CHINA: [&str; 3] =
    ["RecordStatusNotifyUrl", "AudioAuditNotifyUrl", "RecordExceptionNotifyUrl"];

/// State of the account.
#[derive(Default)]
pub(super) struct Account {
    templates: Vec<Json>,
    pub(super) rules: Vec<Json>,
    next_id: i64,
    pub(super) is_chinese: bool,
    /// Actions that fail, each with the error code to return. Each failure removes the first
    /// entry of its action.
    errors: Vec<(&'static str, &'static str)>,
    /// Actions that have changed the account.
    done: Vec<String>,
}

/// A double of the platform's API.
pub(super) struct Double {
    pub(super) app: App,
    pub(super) account: Arc<Mutex<Account>>,
}

impl Double {
    fn start(account: Account) -> Self {
        let account = Arc::new(Mutex::new(account));
        let own = Arc::clone(&account);
        let app = App::start(move |seen| respond(&mut own.lock().unwrap(), seen));
        Self { app, account }
    }

    pub(super) fn with(templates: &[Json], rules: &[Json]) -> Self {
        Self::start(Account {
            templates: templates.to_vec(),
            rules: rules.to_vec(),
            next_id: 5000,
            ..Account::default()
        })
    }

    /// Returns the platform's callback templates and callback rules.
    pub(super) fn state(&self) -> (Vec<Json>, Vec<Json>) {
        let account = self.account.lock().unwrap();
        (account.templates.clone(), account.rules.clone())
    }

    pub(super) fn take_done(&self) -> Vec<String> {
        std::mem::take(&mut self.account.lock().unwrap().done)
    }

    pub(super) fn fail(&self, errors: &[(&'static str, &'static str)]) {
        self.account.lock().unwrap().errors = errors.to_vec();
    }
}

fn respond(account: &mut Account, seen: &Seen) -> Act {
    let response = match check(seen).and_then(|()| act(account, seen)) {
        Ok(response) => response,
        Err(code) => json!({ "Error": { "Code": code, "Message": format!("{code} happened") } }),
    };
    let mut response = response;
    response["RequestId"] = json!("3c140219-cfe9-470e-b241-907877d6fb03");
    let body = json!({ "Response": response }).to_string();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
    Act::Raw((head + &body).into_bytes())
}

/// Checks the head and the signature of a request as the platform does.
fn check(seen: &Seen) -> Result<(), &'static str> {
    let header = |name: &str| seen.header(name).unwrap_or_default().to_owned();
    let authorization = header("authorization");
    let value = |name: &str| {
        let (_, rest) = authorization.split_once(&format!("{name}=")).unwrap_or_default();
        rest.split([',', ' ']).next().unwrap_or_default().to_owned()
    };
    let credential = value("Credential");
    let scope: Vec<_> = credential.split('/').collect();
    let [id, date, service, "tc3_request"] = scope[..] else {
        return Err("AuthFailure.InvalidAuthorization");
    };
    if id != ID {
        return Err("AuthFailure.SecretIdNotFound");
    }
    let time: u64 = header("x-tc-timestamp").parse().map_err(|_| "MissingParameter")?;
    if time.abs_diff(now()) > 300 {
        return Err("AuthFailure.SignatureExpire");
    }
    assert_eq!((service, &*header("x-tc-version")), ("live", "2018-08-01"));
    assert_eq!(seen.line, "POST / HTTP/1.1");
    assert_eq!(header("content-type"), "application/json; charset=utf-8");

    let names = value("SignedHeaders");
    let lines: String = names
        .split(';')
        .map(|name| format!("{name}:{}\n", header(name).trim().to_lowercase()))
        .collect();
    let hash = |bytes: &[u8]| hex(digest::digest(&digest::SHA256, bytes).as_ref());
    let request = format!("POST\n/\n\n{lines}\n{names}\n{}", hash(&seen.body));
    let text = format!(
        "TC3-HMAC-SHA256\n{time}\n{date}/{service}/tc3_request\n{}",
        hash(request.as_bytes())
    );
    let mac = |key: &[u8], text: &str| {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
    };
    let of_date = mac(format!("TC3{SECRET}").as_bytes(), date);
    let signing = mac(&mac(&of_date, service), "tc3_request");
    let is_genuine = hex(&mac(&signing, &text)) == value("Signature");
    if is_genuine { Ok(()) } else { Err("AuthFailure.SignatureFailure") }
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

/// Carries out an action with the limits of the platform.
fn act(account: &mut Account, seen: &Seen) -> Result<Json, &'static str> {
    let action = seen.header("x-tc-action").unwrap().to_owned();
    if let Some(at) = account.errors.iter().position(|(failing, _)| *failing == action) {
        return Err(account.errors.remove(at).1);
    }
    let parameters = seen.json();
    let is_rule = |rule: &Json| {
        rule["DomainName"] == parameters["DomainName"] && rule["AppName"] == parameters["AppName"]
    };
    let response = match &*action {
        "DescribeLiveCallbackTemplates" => {
            let mut shown = account.templates.clone();
            for template in &mut shown {
                // The API does not return this address.
                template.as_object_mut().unwrap().remove("RecordStatusNotifyUrl");
            }
            return Ok(json!({ "Templates": shown }));
        }
        "DescribeLiveCallbackRules" => return Ok(json!({ "Rules": account.rules })),
        "CreateLiveCallbackTemplate" => create(account, &parameters)?,
        "ModifyLiveCallbackTemplate" => {
            check_parameters(account, &parameters)?;
            let id = &parameters["TemplateId"];
            let own = account.templates.iter_mut().find(|own| own["TemplateId"] == *id);
            let own = own.ok_or("InternalError.NotFound")?.as_object_mut().unwrap();
            let mut changed = own.clone();
            changed.extend(parameters.as_object().unwrap().clone());
            has_url(&changed)?;
            *own = changed;
            json!({})
        }
        "DeleteLiveCallbackTemplate" => {
            let id = &parameters["TemplateId"];
            if account.rules.iter().any(|rule| rule["TemplateId"] == *id) {
                return Err("FailedOperation.ConfInUsed");
            }
            account.templates.retain(|own| own["TemplateId"] != *id);
            json!({})
        }
        "CreateLiveCallbackRule" => {
            if account.rules.iter().any(is_rule) {
                return Err("InternalError.RuleAlreadyExist");
            }
            let id = &parameters["TemplateId"];
            if !account.templates.iter().any(|own| own["TemplateId"] == *id) {
                return Err("InvalidParameter.ConfNotFound");
            }
            account.rules.push(parameters.clone());
            json!({})
        }
        "DeleteLiveCallbackRule" => {
            let before = account.rules.len();
            account.rules.retain(|rule| !is_rule(rule));
            if account.rules.len() == before {
                return Err("FailedOperation.NotFound");
            }
            json!({})
        }
        _ => return Err("InvalidAction"),
    };
    account.done.push(action);
    Ok(response)
}

fn create(account: &mut Account, parameters: &Json) -> Result<Json, &'static str> {
    if account.templates.len() >= 50 {
        return Err("InternalError.ConfOutLimit");
    }
    check_parameters(account, parameters)?;
    has_url(parameters.as_object().unwrap())?;
    account.next_id += 1;
    let mut template = parameters.clone();
    template["TemplateId"] = json!(account.next_id);
    account.templates.push(template);
    Ok(json!({ "TemplateId": account.next_id }))
}

/// Checks that a callback template of the platform has at least one address.
fn has_url(template: &Map<String, Json>) -> Result<(), &'static str> {
    let mut urls = INTERNATIONAL.iter().chain(&CHINA).filter_map(|name| template.get(*name));
    let has_url = urls.any(|url| url.as_str().is_some_and(|url| !url.is_empty()));
    has_url.then_some(()).ok_or("MissingParameter")
}

fn check_parameters(account: &Account, parameters: &Json) -> Result<(), &'static str> {
    let is_word = |text: &str, most: usize| {
        let is_accepted = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        text.len() <= most && text.chars().all(is_accepted)
    };
    let text = |name: &str| parameters[name].as_str().unwrap_or_default();
    if !is_word(text("TemplateName"), 255) || text("TemplateName").is_empty() {
        return Err("InvalidParameter.ArgsNotMatch");
    }
    if !is_word(text("Description"), 1024) {
        return Err("InvalidParameterValue");
    }
    let key = text("CallbackKey");
    if key.len() > 32 || !key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err("InvalidParameterValue");
    }
    for (name, value) in parameters.as_object().unwrap() {
        let is_url =
            INTERNATIONAL.contains(&&**name) || account.is_chinese && CHINA.contains(&&**name);
        let is_other =
            ["TemplateName", "Description", "CallbackKey", "TemplateId"].contains(&&**name);
        if !is_url && !is_other {
            return Err("UnknownParameter");
        }
        if is_url && value.as_str().unwrap().contains("unknown-host") {
            return Err("InvalidParameter.UrlNotSafe");
        }
    }
    Ok(())
}
