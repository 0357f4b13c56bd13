//! Tests of logins at NATS servers.

use data_encoding::BASE64URL_NOPAD;
use gatepost_store::{NatsLogin, NatsOptions};
use nkeys::KeyPair;

use crate::nats::{fault, open};
use crate::nats_server::{NatsServer, SYNCED};

#[test]
#[ignore = "needs tests/peers/install"]
fn refuses_a_wrong_password_without_showing_it() {
    let login = "authorization { user: gatepost, password: right }";
    let server = NatsServer::with(&format!("{SYNCED}\n{login}"));
    let with = |password: &str| NatsOptions {
        login: NatsLogin::Password { user: "gatepost".into(), password: password.into() },
        ..server.options()
    };
    let fault = fault(with("wr0ng"));
    assert!(fault.contains("authorization violation"), "{fault}");
    assert!(!fault.contains("wr0ng") && !format!("{:?}", with("wr0ng")).contains("wr0ng"));
    assert!(open(with("right")).is_ok());
}

/// Signs a JWT about `subject` with the key of `issuer`. `nats` is the value of the claim `nats`.
fn jwt(issuer: &KeyPair, subject: &KeyPair, nats: &str) -> String {
    let encode = |text: &[u8]| BASE64URL_NOPAD.encode(text);
    let (iss, sub) = (issuer.public_key(), subject.public_key());
    let claims = format!(
        "{{\"jti\":\"1\",\"iat\":1700000000,\"iss\":\"{iss}\",\"sub\":\"{sub}\",\"name\":\"n\",\"nats\":{nats}}}"
    );
    let head = encode(b"{\"typ\":\"JWT\",\"alg\":\"ed25519-nkey\"}");
    let signed = format!("{head}.{}", encode(claims.as_bytes()));
    let signature = encode(&issuer.sign(signed.as_bytes()).unwrap());
    format!("{signed}.{signature}")
}

#[test]
#[ignore = "needs tests/peers/install"]
fn logs_in_with_the_text_of_a_credentials_file() {
    let operator = KeyPair::new_operator();
    let (account, system, user) =
        (KeyPair::new_account(), KeyPair::new_account(), KeyPair::new_user());
    let limits = "{\"limits\":{\"subs\":-1,\"data\":-1,\"payload\":-1,\"imports\":-1,\"exports\":-1,\
                  \"wildcards\":true,\"conn\":-1,\"leaf\":-1,\"mem_storage\":-1,\"disk_storage\":-1,\
                  \"streams\":-1,\"consumer\":-1},\"type\":\"account\",\"version\":2}";
    let no_storage = limits.replace("storage\":-1", "storage\":0");
    let server = NatsServer::with(&format!(
        "{SYNCED}\noperator: {}\nsystem_account: {}\nresolver: MEMORY\nresolver_preload {{ {}: {}, {}: {} }}",
        jwt(&operator, &operator, "{\"type\":\"operator\",\"version\":2}"),
        system.public_key(),
        system.public_key(),
        jwt(&operator, &system, &no_storage),
        account.public_key(),
        jwt(&operator, &account, limits),
    ));
    let rights = "{\"pub\":{},\"sub\":{},\"subs\":-1,\"data\":-1,\"payload\":-1,\"type\":\"user\",\"version\":2}";
    let credentials = |seed: &str| {
        let token = jwt(&account, &user, rights);
        format!(
            "-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n\
             -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
        )
    };
    let with =
        |text: String| NatsOptions { login: NatsLogin::Credentials(text), ..server.options() };
    assert!(open(with(credentials(&user.seed().unwrap()))).is_ok());
    let other = KeyPair::new_user().seed().unwrap();
    let refused = fault(with(credentials(&other)));
    assert!(refused.contains("authorization violation") && !refused.contains(&other), "{refused}");
    let malformed = fault(with("no credentials".into()));
    assert_eq!(
        malformed,
        "expected NATS credentials with a JWT and a seed, found other text; replace the file"
    );
}

#[test]
#[ignore = "needs tests/peers/install"]
fn logs_in_with_the_seed_of_an_nkey() {
    let user = KeyPair::new_user();
    let login = format!("authorization {{ users: [ {{ nkey: {} }} ] }}", user.public_key());
    let server = NatsServer::with(&format!("{SYNCED}\n{login}"));
    let with = |seed: &str| NatsOptions { login: NatsLogin::NKey(seed.into()), ..server.options() };
    let seed = user.seed().unwrap();
    assert!(open(with(&seed)).is_ok());
    let other = KeyPair::new_user().seed().unwrap();
    let refused = fault(with(&other));
    assert!(refused.contains("authorization violation") && !refused.contains(&other), "{refused}");
    let (first, last) = seed.split_at(seed.len() - 1);
    let mistyped = format!("{first}{}", if last == "A" { 'B' } else { 'A' });
    assert!(!format!("{:?}", with(&seed)).contains(&seed));
    assert_eq!(
        fault(with(&mistyped)),
        "expected the seed of an NKey user, found other text; replace nkey in [store]"
    );
}
