//! Apps without gatepost that do the same work as the apps with the layer. Each app parses a
//! request once, and compares the signature or the token in constant time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use data_encoding::HEXLOWER;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use subtle::ConstantTimeEq as _;

/// Signing keys, keyed by push domain.
type Keys = Arc<HashMap<String, String>>;

/// Returns an app that reads `push` callbacks as JSON values.
pub fn pushes() -> Router {
    Router::new().route("/callbacks/tencent", post(push)).with_state(keys())
}

/// Returns an app that reads `push` callbacks as a typed struct.
pub fn typed_pushes() -> Router {
    Router::new().route("/callbacks/tencent", post(typed_push)).with_state(keys())
}

/// Returns an app that replies to play callbacks of Kollus.
pub fn plays() -> Router {
    let token: Arc<str> = "t0ken".into();
    Router::new().route("/callbacks/kollus/{token}", post(play)).with_state(token)
}

fn keys() -> Keys {
    Arc::new([("test.domain.com".to_owned(), "test".to_owned())].into())
}

/// Verifies the signature of a `push` callback, and formats the callback as JSON again. Does not
/// check the time.
pub fn verified(body: &[u8], key: &str) -> Option<Vec<u8>> {
    let push: Value = serde_json::from_slice(body).ok()?;
    let (t, sign) = (push.get("t")?.as_i64()?, push.get("sign")?.as_str()?);
    if !is_signed(key, t, sign) {
        return None;
    }
    serde_json::to_vec(&push).ok()
}

async fn push(State(keys): State<Keys>, body: Bytes) -> Result<Response, StatusCode> {
    let mut push: Value = serde_json::from_slice(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
    let fields = push.as_object_mut().ok_or(StatusCode::BAD_REQUEST)?;
    let (sign, t) = (fields.remove("sign"), fields.remove("t"));
    let app = fields.get("app").and_then(Value::as_str).ok_or(StatusCode::BAD_REQUEST)?;
    let sign = sign.as_ref().and_then(Value::as_str).ok_or(StatusCode::UNAUTHORIZED)?;
    let t = t.as_ref().and_then(Value::as_i64).ok_or(StatusCode::UNAUTHORIZED)?;
    verify(&keys, app, t, sign)?;
    pushed(&push);
    Ok(acknowledged())
}

fn pushed(push: &Value) {
    std::hint::black_box(push.get("stream_id").and_then(Value::as_str));
}

/// The documented fields of a `push` callback.
#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "an app declares all fields")]
struct Push {
    event_type: i64,
    appid: Option<i64>,
    app: String,
    appname: String,
    stream_id: String,
    channel_id: String,
    event_time: i64,
    sequence: String,
    node: String,
    user_ip: String,
    stream_param: String,
    errcode: Option<i64>,
    errmsg: Option<String>,
    set_id: Option<i64>,
    width: Option<i64>,
    height: Option<i64>,
    t: i64,
    sign: String,
}

async fn typed_push(State(keys): State<Keys>, body: Bytes) -> Result<Response, StatusCode> {
    let push: Push = serde_json::from_slice(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
    verify(&keys, &push.app, push.t, &push.sign)?;
    std::hint::black_box(&push.stream_id);
    Ok(acknowledged())
}

/// Verifies the signature `sign`, which is the MD5 of the key and `t`, in hex. Also checks the
/// expiry time `t`.
fn verify(keys: &Keys, app: &str, t: i64, sign: &str) -> Result<(), StatusCode> {
    const GRACE_SECS: i64 = 180;
    const MAX_AHEAD_SECS: i64 = 900;
    let key = keys.get(app).ok_or(StatusCode::UNAUTHORIZED)?;
    let ahead = t - unix_now();
    if is_signed(key, t, sign) && (-GRACE_SECS..=MAX_AHEAD_SECS).contains(&ahead) {
        Ok(())
    } else {
        Err(StatusCode::UNAUTHORIZED)
    }
}

fn is_signed(key: &str, t: i64, sign: &str) -> bool {
    let digest = Md5::new().chain_update(key).chain_update(t.to_string()).finalize();
    let mut given = [0; 16];
    let decodes = sign.len() == 32 && HEXLOWER.decode_mut(sign.as_bytes(), &mut given).is_ok();
    decodes && bool::from(digest.as_slice().ct_eq(&given))
}

/// Returns the current time in Unix seconds.
pub fn unix_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

fn acknowledged() -> Response {
    ([(CONTENT_TYPE, "application/json")], "{\"code\":0}").into_response()
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "an app declares all fields")]
struct LivePlay {
    kind: i64,
    client_user_id: String,
    player_id: Option<String>,
    hardware_id: Option<String>,
    device_name: Option<String>,
    media_content_key: String,
    channel_key: String,
    uservalues: Option<String>,
    localtime: Option<i64>,
}

#[derive(Serialize)]
struct Data<T> {
    data: T,
}

#[derive(Serialize)]
struct PlayReply {
    result: u8,
    vmcheck: u8,
}

async fn play(
    State(token): State<Arc<str>>,
    Path(given): Path<String>,
    Form(viewer): Form<LivePlay>,
) -> Result<Json<Data<PlayReply>>, StatusCode> {
    if !bool::from(token.as_bytes().ct_eq(given.as_bytes())) {
        return Err(StatusCode::UNAUTHORIZED);
    }
    let uservalues: Option<Map<String, Value>> = viewer
        .uservalues
        .as_deref()
        .map(serde_json::from_str)
        .transpose()
        .map_err(|_| StatusCode::BAD_REQUEST)?;
    let may_play = !viewer.client_user_id.is_empty();
    std::hint::black_box(uservalues);
    Ok(Json(Data { data: PlayReply { result: may_play.into(), vmcheck: 0 } }))
}
