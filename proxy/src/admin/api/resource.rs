//! Paths of the API, and the methods for each path.

use http::Method;
use percent_encoding::percent_decode_str;

use super::error::ApiError;

/// Resource that a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Resource {
    /// `/api/templates/{name}/accepts`
    AcceptedKey(String),
    /// `/api/templates/{name}/tenants/{tenant}`
    Binding(String, String),
    /// `/api/capture` and the paths below
    Capture(CaptureResource),
    /// `/api/openapi.json`
    OpenApi,
    /// `/api/queue` and the paths below
    Queue(QueueResource),
    /// `/api/templates/{name}`
    Template(String),
    /// `/api/templates`
    Templates,
}

/// Resource at or below `/api/capture` that a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CaptureResource {
    /// `/api/capture`
    List,
    /// `/api/capture/{id}`
    Show(u64),
    /// `/api/capture/{id}/request`
    Save(u64),
    /// `/api/capture/{id}/replay`
    Replay(u64),
}

/// Resource at or below `/api/queue` that a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QueueResource {
    /// `/api/queue`
    List,
    /// `/api/queue/{number}`
    Show(u64),
    /// `/api/queue/replay`
    Replay,
    /// `/api/queue/drop`
    Drop,
}

impl Resource {
    /// Returns the resource that `path` names.
    pub(super) fn find(path: &str) -> Result<Self, ApiError> {
        let segments: Vec<_> = path.split('/').skip(2).map(decode).collect::<Result<_, _>>()?;
        let segments: Vec<_> = segments.iter().map(String::as_str).collect();
        match *segments {
            ["capture"] => Ok(Self::Capture(CaptureResource::List)),
            ["capture", id, ref rest @ ..] => Self::of_capture(id, rest),
            ["openapi.json"] => Ok(Self::OpenApi),
            ["queue"] => Ok(Self::Queue(QueueResource::List)),
            ["queue", "replay"] => Ok(Self::Queue(QueueResource::Replay)),
            ["queue", "drop"] => Ok(Self::Queue(QueueResource::Drop)),
            ["queue", number] => {
                let number = number.parse().map_err(|_| ApiError::NotFound)?;
                Ok(Self::Queue(QueueResource::Show(number)))
            }
            ["templates"] => Ok(Self::Templates),
            ["templates", name] if !name.is_empty() => Ok(Self::Template(name.to_owned())),
            ["templates", name, "accepts"] if !name.is_empty() => {
                Ok(Self::AcceptedKey(name.to_owned()))
            }
            ["templates", name, "tenants", tenant] if !name.is_empty() && !tenant.is_empty() => {
                Ok(Self::Binding(name.to_owned(), tenant.to_owned()))
            }
            _ => Err(ApiError::NotFound),
        }
    }

    fn of_capture(id: &str, rest: &[&str]) -> Result<Self, ApiError> {
        let id = id.parse().map_err(|_| ApiError::NotFound)?;
        Ok(Self::Capture(match rest {
            [] => CaptureResource::Show(id),
            ["request"] => CaptureResource::Save(id),
            ["replay"] => CaptureResource::Replay(id),
            _ => return Err(ApiError::NotFound),
        }))
    }

    /// Returns the methods that the resource supports.
    pub(super) const fn methods(&self) -> &'static [Method] {
        match self {
            Self::Binding(..) => &[Method::PUT, Method::DELETE],
            Self::Capture(CaptureResource::Replay(_))
            | Self::Queue(QueueResource::Replay | QueueResource::Drop) => &[Method::POST],
            Self::AcceptedKey(_) | Self::Capture(_) | Self::OpenApi | Self::Queue(_) => {
                &[Method::GET]
            }
            Self::Template(_) => &[Method::GET, Method::PATCH, Method::DELETE],
            Self::Templates => &[Method::GET, Method::POST],
        }
    }

    /// Returns the value of the `allow` header.
    pub(super) fn allow(&self) -> String {
        let words: Vec<_> = self.methods().iter().map(Method::as_str).collect();
        words.join(", ")
    }
}

fn decode(segment: &str) -> Result<String, ApiError> {
    let digits =
        |rest: &str| rest.len() >= 2 && rest.as_bytes()[..2].iter().all(u8::is_ascii_hexdigit);
    let is_whole = segment.split('%').skip(1).all(digits);
    let decoded = percent_decode_str(segment).decode_utf8();
    match decoded {
        Ok(text) if is_whole => Ok(text.into_owned()),
        Ok(_) | Err(_) => Err(ApiError::PathEncoding),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_path_before_decoding_names() {
        let found = Resource::find("/api/templates/%E7%9B%B4%E6%92%AD/tenants/a%2Fb").unwrap();
        assert_eq!(found, Resource::Binding("直播".into(), "a/b".into()));
        for path in ["/api/templates/%ff", "/api/templates/%4", "/api/templates/%zz"] {
            let found = Resource::find(path);
            assert!(
                matches!(found, Err(ApiError::PathEncoding)),
                "expected `PathEncoding` for {path}, found {found:?}"
            );
        }
        for path in
            ["/api", "/api/", "/api/templates/", "/api/templates/a/b", "/api/templates/a/tenants/"]
        {
            let found = Resource::find(path);
            assert!(
                matches!(found, Err(ApiError::NotFound)),
                "expected `NotFound` for {path}, found {found:?}"
            );
        }
    }
}
