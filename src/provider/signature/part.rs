//! The parts of a signed message: their sources, forms and order.

use std::borrow::Cow;

use crate::provider::digest::{Digest, Encoding, hex_of};
use crate::provider::locator::Locator;

/// One part of the signed message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) from: PartSource,
    pub(crate) form: PartForm,
    /// Fixed text before the value. If an optional value is absent, the text is absent too.
    pub(crate) before: Box<str>,
    /// True if a callback may lack the value. If the value is absent, the part adds nothing to the
    /// message.
    pub(crate) is_optional: bool,
}

impl Part {
    /// Returns the bytes that the part adds to the message.
    pub(super) fn encode<'t>(&self, text: Cow<'t, [u8]>) -> Cow<'t, [u8]> {
        let encoded = self.form.encode(text);
        if self.before.is_empty() {
            return encoded;
        }
        Cow::Owned([self.before.as_bytes(), &encoded].concat())
    }

    /// Returns `true` if the part protects the body against changes. A CRC-32 does not, because a
    /// client can find another body with the same CRC-32.
    pub(crate) fn protects_body(&self) -> bool {
        self.from.is_whole_body() && self.form != PartForm::Crc32
    }
}

/// The order of the parts in the message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum PartOrder {
    /// The order of the definition, without separators.
    #[default]
    AsListed,
    /// Sorted by their bytes, with this text between the parts.
    Sorted { separator: Box<str> },
}

/// The source of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PartSource {
    /// The body as received.
    Body,
    /// The names and values of a form without the signature field, sorted by name.
    FormPairs,
    /// The percent-decoded form body, without the signature field.
    FormText,
    /// A claim of the token.
    Claim(Box<str>),
    /// The key, for a plain hash such as MD5.
    Key,
    /// Fixed text, such as a separator.
    Literal(Box<str>),
    /// The rest of the entry that starts with this text, such as `t=`, in the list of signatures.
    Listed(Box<str>),
    /// The text of the value at this location.
    Value(Locator),
}

impl PartSource {
    /// Returns `true` if the part contains every member of the body other than the signature.
    pub(crate) const fn is_whole_body(&self) -> bool {
        matches!(self, Self::Body | Self::FormPairs | Self::FormText)
    }

    /// Returns the location of a `Value`, or `None` for any other source.
    pub(crate) const fn place(&self) -> Option<&Locator> {
        match self {
            Self::Value(place) => Some(place),
            Self::Body
            | Self::Claim(_)
            | Self::FormPairs
            | Self::FormText
            | Self::Key
            | Self::Literal(_)
            | Self::Listed(_) => None,
        }
    }
}

/// The form in which gatepost hashes a part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum PartForm {
    #[default]
    AsIs,
    Base64,
    /// The CRC-32 of IEEE 802.3 as a decimal number.
    Crc32,
    Md5Hex,
    Sha256Hex,
}

impl PartForm {
    /// The names of the forms in a definition. `AsIs` is the default and has no name.
    pub(crate) const WORDS: [(&'static str, Self); 4] = [
        ("base64", Self::Base64),
        ("crc32", Self::Crc32),
        ("md5-hex", Self::Md5Hex),
        ("sha256-hex", Self::Sha256Hex),
    ];

    fn encode<'t>(self, text: Cow<'t, [u8]>) -> Cow<'t, [u8]> {
        match self {
            Self::AsIs => text,
            Self::Crc32 => Cow::Owned(crc32fast::hash(&text).to_string().into_bytes()),
            Self::Base64 => Cow::Owned(Encoding::Base64.encode(&text).into_bytes()),
            Self::Md5Hex => Cow::Owned(hex_of(Digest::Md5, &text).into_bytes()),
            Self::Sha256Hex => Cow::Owned(hex_of(Digest::Sha256, &text).into_bytes()),
        }
    }
}
