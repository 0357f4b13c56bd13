//! The store on NATS, with the settings of the config.

use gatepost::{ExposedNatsLogin, NatsSettings, Store};
use gatepost_store::{NatsError, NatsLogin, NatsOptions, NatsStore, OpenError, StoreRules};

use super::store::SharedStore;
use crate::app::tls::client_config;

/// Space for the headers of an event, in bytes.
const HEADERS: usize = 65_536;

/// Opens the store. `longest_body` is the largest `max_body_bytes` of all routes.
pub(super) fn open(
    settings: &NatsSettings,
    rules: StoreRules,
    longest_body: usize,
) -> Result<Box<dyn SharedStore>, OpenError> {
    let options = options(settings, longest_body + HEADERS)?;
    Ok(Box::new(NatsStore::open(options, rules)?))
}

/// Opens the store of a running gatepost.
pub(super) fn attach(
    settings: &NatsSettings,
    rules: StoreRules,
) -> Result<Box<dyn Store>, OpenError> {
    Ok(Box::new(NatsStore::attach(options(settings, 0)?, rules)?))
}

fn options(settings: &NatsSettings, largest_event: usize) -> Result<NatsOptions, NatsError> {
    let text = |secret: &[u8]| String::from_utf8_lossy(secret).into_owned();
    let login = match settings.expose_login() {
        ExposedNatsLogin::None => NatsLogin::None,
        ExposedNatsLogin::Password(user, password) => {
            NatsLogin::Password { user: user.to_owned(), password: text(password) }
        }
        ExposedNatsLogin::Token(token) => NatsLogin::Token(text(token)),
        ExposedNatsLogin::Credentials(credentials) => NatsLogin::Credentials(text(credentials)),
        ExposedNatsLogin::NKey(seed) => NatsLogin::NKey(text(seed)),
    };
    let tls = client_config(settings.tls.as_ref());
    let tls = tls.map_err(|error| NatsError::Tls(error.to_string()))?;
    Ok(NatsOptions {
        servers: settings.servers.clone(),
        login,
        tls: Some((*tls).clone()),
        prefix: settings.prefix.clone(),
        replicas: settings.replicas,
        largest_event,
        monitors: settings.monitors.clone(),
    })
}
