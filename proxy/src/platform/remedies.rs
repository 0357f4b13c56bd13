//! Remedies for the error codes of the platform's API.

/// Remedy for a code that has no other remedy.
const RETRY: &str = "run the command again to see the remaining changes";

/// Remedy for a callback template or a rule that is no longer as the plan shows it.
const CHANGED: &str = "run `gatepost platform plan`, because the account has changed";

const DISABLED: &str =
    "enable the live service of the account; if Tencent has frozen it, ask Tencent's support";

const IN_USE: &str = "unbind the domains of the callback template first";

/// Remedy for a name that the platform does not accept.
const NAME: &str =
    "rename the template in the config; international accounts accept letters, digits, _ and -";

const RIGHTS: &str = "allow the key's user to manage live callbacks";

/// The codes or prefixes of codes, each with a remedy. A prefix follows each longer prefix that
/// starts with it, so the first prefix that fits is the most specific.
const REMEDIES: [(&str, &str); 33] = [
    ("AuthFailure.SignatureExpire", "set the clock of this machine"),
    ("AuthFailure.SecretIdNotFound", "check the SecretId, and that the key is enabled"),
    ("AuthFailure.SignatureFailure", "check the SecretKey"),
    ("AuthFailure.UnauthorizedOperation", RIGHTS),
    ("AuthFailure", "check the SecretId and the SecretKey"),
    ("FailedOperation.ConfInUsed", IN_USE),
    ("FailedOperation.NotFound", CHANGED),
    ("FailedOperation.RuleAlreadyExist", CHANGED),
    ("InternalError.ArgsNotMatch", NAME),
    ("InternalError.ConfInUsed", IN_USE),
    ("InternalError.ConfNotFound", CHANGED),
    (
        "InternalError.ConfOutLimit",
        "delete a callback template, because the account has the maximum",
    ),
    ("InternalError.InvalidInput", "check --url and --app, and the domains of the template"),
    ("InternalError.NotFound", CHANGED),
    ("InternalError.RuleAlreadyExist", CHANGED),
    ("InternalError.RuleInUsing", "unbind the domain in the platform's console first"),
    ("InternalError.RuleNotFound", CHANGED),
    ("InternalError.RuleOutLimit", "unbind a domain, because the account has the maximum of rules"),
    ("InternalError", RETRY),
    ("InvalidParameter.ArgsNotMatch", NAME),
    (
        "InvalidParameter.COSCustomFileNameError",
        "correct the file names of the recordings in the platform's console",
    ),
    ("InvalidParameter.ConfNotFound", CHANGED),
    ("InvalidParameter.DomainFormatError", "bind push domains that the account has"),
    ("InvalidParameter.InvalidCallbackUrl", "check --url"),
    (
        "InvalidParameter.InvalidVodFileName",
        "correct the file names of the recordings in the platform's console",
    ),
    ("InvalidParameter.UrlNotSafe", "check that the host of --url has a public address"),
    ("InvalidParameter", "check --url and --app, and the name and domains of the template"),
    ("MissingParameter", "update gatepost, because the API needs another parameter"),
    ("RequestLimitExceeded", "wait, then run the command again"),
    ("ResourceNotFound", DISABLED),
    ("UnauthorizedOperation", RIGHTS),
    ("UnknownParameter", "check --site"),
    (
        "UnsupportedOperation.NotLVBCodeMode",
        "change the account to the live service with domains of its own",
    ),
];

/// Returns the remedy for a code of the platform.
pub(super) fn remedy(code: &str) -> &'static str {
    let found = REMEDIES.iter().find(|(prefix, _)| code.starts_with(prefix));
    found.map_or(RETRY, |(_, remedy)| remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_prefix_that_fits_is_the_longest() {
        for (index, (code, _)) in REMEDIES.iter().enumerate() {
            let first = REMEDIES.iter().position(|(prefix, _)| code.starts_with(prefix));
            assert_eq!(first, Some(index), "{code}");
        }
        assert_eq!(remedy("InvalidParameterValue"), remedy("InvalidParameter"));
        assert_eq!(remedy("Other"), RETRY);
    }
}
