//! Codes of faults and warnings, each with its meaning and its remedy.

use std::fmt;

/// Severity of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Severity {
    /// gatepost does not accept the file.
    Error,
    /// gatepost accepts the file, but advises against the setting.
    Warning,
}

/// Defines the enum, and a table with a row for each variant.
macro_rules! fault_kinds {
    ($($variant:ident $severity:ident $code:literal $meaning:literal $remedy:literal)*) => {
        /// Type of a fault or of a warning in a file.
        ///
        /// `gatepost help CODE` prints the meaning and the remedy of each code.
        ///
        /// # Examples
        ///
        /// ```
        /// use gatepost::{Config, FaultKind};
        ///
        /// let text = "[[route]]\npaht = '/callbacks'\nprovider = 'mux'\n";
        /// let error = Config::from_text(text, "gatepost.toml").unwrap_err();
        /// let [fault] = error.faults() else { panic!("expected one fault, found {error}") };
        /// assert_eq!(fault.kind(), FaultKind::KeyUnknown);
        /// assert_eq!(fault.kind().as_str(), "key_unknown");
        /// assert_eq!(fault.suggestion(), Some("path"));
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum FaultKind {
            $(#[doc = concat!("`", $code, "`: ", $meaning, ".")] $variant,)*
        }

        impl FaultKind {
            /// Every `FaultKind`, sorted by code.
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),*];

            const fn row(self) -> (&'static str, Severity, &'static str, &'static str) {
                match self {
                    $(Self::$variant => ($code, Severity::$severity, $meaning, $remedy),)*
                }
            }
        }
    };
}

fault_kinds! {
    AddressExposed Warning "address_exposed"
        "clients can reach the app's address through the upstream, without a signature"
        "give events a path of their own that is not / and has no query, or make the app require the header ce-type"
    AddressInvalid Error "address_invalid"
        "the string is not an address on which gatepost can listen"
        "write an IP address and a port, such as \"127.0.0.1:8080\", or \":8080\" for every address"
    AddressIsProxy Error "address_is_proxy"
        "the address of an app or upstream is an address on which gatepost itself listens, so gatepost sends each request to itself"
        "write the address of the app"
    AddressRepeated Error "address_repeated"
        "a list of servers contains the same address twice"
        "write each address once"
    AddressTaken Error "address_taken"
        "two listeners have the same address"
        "write a different address for each entry of listen and listen_tls, and for admin"
    AddressUnreserved Warning "address_unreserved"
        "the host of an app's address may be another name of the upstream; gatepost does not resolve names to compare them, so it does not reserve the path of this address"
        "if both names belong to one machine, write the host of upstream in the app's address"
    AdminExposed Warning "admin_exposed"
        "the admin listener has an address on the network, and no TLS, so clients send the token in clear text"
        "write \"tls:\" before the address, or listen on 127.0.0.1 or on a Unix socket"
    AppMissing Error "app_missing"
        "a kind has neither an address nor a fixed answer, and there is no upstream for its events"
        "set a url or an answer for the kind under [template.on], or set upstream"
    BudgetSmall Warning "budget_small"
        "the largest body that a route permits can fill more than half of max_unjudged_bytes"
        "raise max_unjudged_bytes to at least twice the largest max_body_bytes"
    CallbacksUnsigned Warning "callbacks_unsigned"
        "any client can forge callbacks, because the template accepts them without a signature"
        "set the same key in the platform's console and in keys, and remove insecure_unsigned"
    CertificateOutOfDate Warning "certificate_out_of_date"
        "the certificate has expired, expires soon, or is not valid yet"
        "renew the certificate, or check the clock"
    DefinitionInvalid Error "definition_invalid"
        "a provider definition contradicts itself or uses a form that the definition language does not have"
        "read about the definition language on the page `language` of the manual"
    FileUnreadable Error "file_unreadable"
        "gatepost cannot read a file that the config names"
        "correct the path or the permissions; a path is relative to the file that names it"
    KeyDuplicate Error "key_duplicate"
        "the same key or table occurs twice"
        "remove one of the two keys; to write several routes or templates, begin each with [[route]] or [[template]]"
    KeyMissing Error "key_missing"
        "a required key is missing"
        "add the key"
    KeyUnknown Error "key_unknown"
        "the key does not exist, or belongs to another table"
        "correct the spelling, or move the key to its table: write keys of a whole config into the config file, above the first [[route]], and keys of a whole definition above the first table"
    KeyUnused Error "key_unused"
        "the key has no effect at this place, or contradicts another key"
        "remove one of the keys that the message names"
    KindNotQuoted Error "kind_not_quoted"
        "TOML reads a dot in a key as a table inside a table"
        "write the name of the kind in quotes"
    KindUnknown Error "kind_unknown"
        "the provider has no kind of this name"
        "run `gatepost providers NAME` for the kinds of the provider"
    ListenMissing Warning "listen_missing"
        "the config has no address to listen on, so only a layer can use it"
        "add listen = [\"127.0.0.1:8080\"] for `gatepost run`; check the config of a layer with `gatepost check --door layer`"
    NetworkInvalid Error "network_invalid"
        "the string is neither an IP address nor a network"
        "write an address or a network, such as \"192.0.2.0/24\""
    NetworkTooLarge Warning "network_too_large"
        "the config trusts or permits more addresses than the operator may expect"
        "write the smallest network that contains the clients, with its prefix length, such as \"192.0.2.0/24\""
    NumberOutOfRange Error "number_out_of_range"
        "the number or duration is too small or too large"
        "write a value in the range that the message names"
    PathInvalid Error "path_invalid"
        "servers can read the path in more than one way, so gatepost cannot keep other spellings away from the app"
        "write the path as the platform calls it, without percent-encoding; write {token} only as a whole segment"
    PathTaken Error "path_taken"
        "two routes have the same path, and no parameter in `query` distinguishes them"
        "choose another path for one of the routes, or give each a `query` with a different value of the same parameter"
    ProviderUnconfirmed Warning "provider_unconfirmed"
        "no primary source confirms the provider's definition: its facts come from secondary sources or from inference"
        "compare a real callback with `gatepost explain` before you rely on the provider"
    ProviderUnknown Error "provider_unknown"
        "there is no provider of this name"
        "run `gatepost providers` for a list, or list the file of your own definition in provider_files"
    ReplyInvalid Error "reply_invalid"
        "a fixed answer, on_failure or reply does not fit the reply that the platform expects"
        "run `gatepost providers PROVIDER.KIND` for the fields of the reply"
    ReplyUnsigned Warning "reply_unsigned"
        "gatepost cannot sign the replies to some kinds, and replies 503 to callbacks of these kinds"
        "set the platform's keys under [template.settings], or list under [template.on] the kinds that the platform sends"
    RouteUnprotected Warning "route_unprotected"
        "the platform does not sign, so any client that knows the path can send callbacks"
        "end the path with /{token} and set token, or permit only the platform to reach the path"
    SecretInvalid Error "secret_invalid"
        "the secret does not have the form that its use requires"
        "copy the complete secret again, or create a new one"
    SecretLiteral Warning "secret_literal"
        "the config file contains a secret"
        "write { env = \"NAME\" } or { file = \"name\" }"
    SecretMissing Error "secret_missing"
        "gatepost needs a key to verify or to sign, but found none"
        "set the key that the message names"
    SecretUnprefixed Warning "secret_unprefixed"
        "the keys of the platform start with a prefix that this key lacks, so the key may be incomplete or a different secret"
        "copy the complete key from the platform's console"
    SecretUnreadable Error "secret_unreadable"
        "the environment variable or the file of a secret is missing, empty or unreadable"
        "set the variable, or correct the file or its path, before gatepost starts"
    SecretWeak Warning "secret_weak"
        "attackers can guess the key, or the token in the path"
        "create a key or a token of at least 16 characters with a random generator, and set it in the platform's console and in the config"
    SettingRisky Warning "setting_risky"
        "gatepost accepts the setting, but advises against it"
        "follow the remedy of the message"
    SettingUnknown Error "setting_unknown"
        "the provider has no setting of this name"
        "run `gatepost providers NAME` for the settings of the provider"
    ShadowMode Warning "shadow_mode"
        "gatepost only logs and counts its verdicts: all callbacks reach the app unverified"
        "once the log shows no refusal of a genuine callback, write mode = \"enforce\""
    SignatureWeak Warning "signature_weak"
        "the provider's signature covers no part of the request"
        "if the platform can sign the body, describe this signature in the definition; otherwise, serve the route over TLS, because a client that has seen one callback can forge any other callback"
    TemplateIdle Warning "template_idle"
        "no callback can reach the template"
        "add a route of its provider, and bind a tenant or \"*\""
    TemplateMissing Warning "template_missing"
        "gatepost refuses every callback of the route, because its provider has no template"
        "add a [[template]] with the provider of the route"
    TemplateNameInvalid Error "template_name_invalid"
        "the name or description of a template has a wrong length or character, or another template has the same name"
        "use 1 to 30 Chinese characters, letters, digits, _ and - for the name, and at most 100 characters for the description; use each name once"
    TemplateUnknown Error "template_unknown"
        "the provider of the route has no template of this name"
        "name a template whose provider is the provider of the route"
    TenantInvalid Error "tenant_invalid"
        "the string does not have the form of a tenant; a tenant is, for example, a domain or a channel key"
        "write the tenant without a scheme, port or path, or \"*\" for all other tenants"
    TenantTaken Error "tenant_taken"
        "two templates of one provider bind the same tenant"
        "remove the tenant from one of the two templates"
    TenantUnnamed Warning "tenant_unnamed"
        "callbacks of some kinds name no tenant, and no template binds \"*\", so gatepost refuses them (tenant_missing)"
        "bind \"*\" in a template, or set `template` on a route for these kinds; if the callback does not name the kind, also add a route with `kind`, as the platform's page in the gatepost manual shows"
    TimeoutTooLong Warning "timeout_too_long"
        "the platform stops waiting for the reply before timeout_ms has passed"
        "if the platform waits longer than budget_ms, raise budget_ms; otherwise, write the timeout that the message names"
    TokenNotPaired Error "token_not_paired"
        "token and {token} in the path require each other"
        "end the path with /{token} and set token, or remove both"
    TokenUseless Warning "token_useless"
        "the admin token has no effect without an admin listener"
        "add admin = \"127.0.0.1:9900\", or remove the token"
    TomlInvalid Error "toml_invalid"
        "the file is not TOML"
        "correct the syntax at the marked place; strings need quotes"
    TypeMismatch Error "type_mismatch"
        "the value does not have the TOML type that the key expects"
        "write a value of the type that the message names"
    UpstreamMissing Error "upstream_missing"
        "the setting passes requests to the upstream, but the config has no upstream"
        "set upstream to the address of the app"
    UrlInvalid Error "url_invalid"
        "the string is neither an http or https address nor a Unix socket, or has a part that the key does not allow"
        "write http:// or https://, a host and a port, or unix: and the path of a socket; write no user name; if the message forbids a path, write none"
    ValueInvalid Error "value_invalid"
        "the value does not have the form that the key expects"
        "write a value in the form that the message names"
    VariableUnreadable Error "variable_unreadable"
        "an environment variable that replaces a value is missing or not UTF-8"
        "set the variable before gatepost starts"
    WordUnknown Error "word_unknown"
        "the key accepts only certain words"
        "write one of the words in the message"
}

impl FaultKind {
    /// Returns the stable code: the same word in messages, documentation and `gatepost help`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().0
    }

    /// Returns `true` for a warning: gatepost accepts the file.
    #[must_use]
    pub const fn is_warning(self) -> bool {
        matches!(self.row().1, Severity::Warning)
    }

    pub(crate) const fn meaning(self) -> &'static str {
        self.row().2
    }

    pub(crate) const fn remedy(self) -> &'static str {
        self.row().3
    }

    /// Describes a fault of this kind.
    pub(crate) fn because(self, text: impl Into<String>) -> Problem {
        Problem { kind: Some(self), text: text.into() }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Description of a fault, with its kind.
///
/// A fault without a kind gets the default kind of the reader. A warning without a kind gets
/// [`FaultKind::SettingRisky`].
#[derive(Debug)]
pub(crate) struct Problem {
    pub(super) kind: Option<FaultKind>,
    pub(super) text: String,
}

impl From<&str> for Problem {
    fn from(text: &str) -> Self {
        Self { kind: None, text: text.to_owned() }
    }
}

impl From<&String> for Problem {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<String> for Problem {
    fn from(text: String) -> Self {
        Self { kind: None, text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_sorted() {
        let codes: Vec<_> = FaultKind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert!(codes.is_sorted_by(|a, b| a < b), "expected sorted codes, found {codes:?}");
    }
}
