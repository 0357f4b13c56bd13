// @generated from gitlab.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of GitLab.
//!
//! [`GitlabCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://docs.gitlab.com/user/project/integrations/webhooks/>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of `push` callbacks.
    ///
    /// A push to a branch.
    pub struct Push prints() {
        /// The platform's name of the kind, such as `push`.
        object_kind: Option<String> = "object_kind",
        /// The platform's name of the callback.
        event_name: Option<String> = "event_name",
        /// The project that the callback is about.
        project: Option<Map<String, Value>> = "project",
        /// The full name of the branch.
        ref_: Option<String> = "ref",
        /// The SHA of the commit that the branch pointed to before the push.
        before: Option<String> = "before",
        /// The SHA of the commit that the branch points to after the push.
        after: Option<String> = "after",
        /// The pushed commits.
        commits: Option<Vec<Value>> = "commits",
    }

    /// Data of the GitLab callbacks that have only the fields common to all kinds.
    pub struct GitlabEvent prints() {
        /// The platform's name of the kind, such as `push`.
        object_kind: Option<String> = "object_kind",
        /// The platform's name of the callback.
        event_name: Option<String> = "event_name",
        /// The project that the callback is about.
        project: Option<Map<String, Value>> = "project",
    }
}

describe! { "gitlab":
    Push = "push",
    GitlabEvent = "tag_push"
        | "merge_request"
        | "pipeline"
        | "event",
}

callback! { "gitlab":
    /// A callback of GitLab, with a variant for each kind.
    pub enum GitlabCallback {
        /// A push to a branch.
        Push(Push) = "push",
        /// A user has created or deleted a tag.
        TagPush(GitlabEvent) = "tag_push",
        /// A merge request has changed.
        MergeRequest(GitlabEvent) = "merge_request",
        /// The state of a pipeline has changed.
        Pipeline(GitlabEvent) = "pipeline",
        /// A callback for which the definition has no other kind.
        Event(GitlabEvent) = "event",
    }
}
