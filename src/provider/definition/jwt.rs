//! Reads `[signature]` with `form = "jwt"`: the rules for a signature that is a token.

use super::DefinitionReader;
use crate::provider::digest::{Digest, Encoding};
use crate::provider::signature::{JwtBody, JwtRule, PartSource, TimeRule, algorithm};
use crate::toml_reader::Table;

/// The digests that a claim may contain.
const HASHES: [(&str, Digest); 3] =
    [("md5", Digest::Md5), ("sha1", Digest::Sha1), ("sha256", Digest::Sha256)];

impl<'f> DefinitionReader<'f> {
    pub(super) fn jwt(&self, table: &Table<'f>) -> Option<JwtRule> {
        let hash = table.table("body_hash").map(|t| self.body_hash(&t));
        let payload = table.string("payload");
        let payload = self.word(payload.as_ref(), "payload", &[("body", JwtBodyWord)]);
        self.check_has_fields(table, "payload");
        let body = match (hash, payload) {
            (Some(hash), None) => hash,
            (None, Some(JwtBodyWord)) => Some(JwtBody::Payload),
            _ => {
                let problem = "expected body_hash or payload = \"body\" beside form = \"jwt\", \
                               found neither or both";
                let remedy = "write one of them, such as body_hash = { claim = \"sha256\", \
                              digest = \"sha256\", encoding = \"base64\" }: without it, a client can \
                              swap the body";
                self.faults.add(&table.place, problem, remedy);
                None
            }
        };
        Some(JwtRule { body: body? })
    }

    fn body_hash(&self, table: &Table<'f>) -> Option<JwtBody> {
        let claim = table.require_string("claim", "name the claim with the digest of the body");
        let digest = table.require_string("digest", "set the digest of the body");
        let digest = self.word(digest.as_ref(), "digest", &HASHES);
        let encoding = table.require_string("encoding", "set the encoding of the digest");
        let encoding = self.word(encoding.as_ref(), "encoding", &Encoding::WORDS);
        table.finish();
        Some(JwtBody::Hash { claim: claim?.value.into(), digest: digest?, encoding: encoding? })
    }

    /// Checks the digest and the time of a token. Reports `parts` and `separator`, which a token
    /// does not have.
    pub(super) fn check_jwt(&self, table: &Table<'f>, digest: Digest, time: Option<&TimeRule>) {
        if algorithm(digest).is_none() {
            let problem = "expected a digest for tokens, found another digest";
            let remedy = "write hmac-sha256, hmac-sha512, rsa-sha256 or ed25519";
            self.faults.add(&table.place_of("digest"), problem, remedy);
        }
        for key in ["parts", "separator"].into_iter().filter(|key| table.has(key)) {
            let problem = format!("expected no {key} beside form = \"jwt\", found one");
            self.faults.add(&table.place_of(key), problem, format!("remove {key}"));
        }
        let is_claim = |time: &TimeRule| matches!(time.from, PartSource::Claim(_));
        let is_timed = time.map_or_else(|| table.has("payload"), is_claim);
        if !is_timed {
            let problem = "expected the time of a token in a claim, found none or another place";
            let remedy = "write time = { from = \"claim:exp\", means = \"expiry\", unit = \"s\" }";
            self.faults.add(&table.place, problem, remedy);
        }
    }
}

/// The value `body` of the key `payload`.
#[derive(Clone, Copy)]
struct JwtBodyWord;
