// @generated from gitlab.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of GitLab.
//!
//! [`GitlabCallback`] has a variant for each kind.
//! Fields have the platform's names and units.
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
        /// The name of the event.
        event_name: Option<String> = "event_name",
        /// The project in which the event occurred.
        project: Option<Map<String, Value>> = "project",
        /// The full name of the branch.
        ref_: Option<String> = "ref",
        /// The SHA of the commit before the push.
        before: Option<String> = "before",
        /// The SHA of the commit after the push.
        after: Option<String> = "after",
        /// The pushed commits.
        commits: Option<Vec<Value>> = "commits",
    }

    /// Data of GitLab callbacks whose kind has no fields of its own.
    pub struct GitlabEvent prints() {
        /// The platform's name of the kind, such as `push`.
        object_kind: Option<String> = "object_kind",
        /// The name of the event.
        event_name: Option<String> = "event_name",
        /// The project in which the event occurred.
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
    /// A callback of GitLab; each kind has a variant.
    pub enum GitlabCallback {
        /// A push to a branch.
        Push(Push) = "push",
        /// A user has created or deleted a tag.
        TagPush(GitlabEvent) = "tag_push",
        /// A merge request has changed.
        MergeRequest(GitlabEvent) = "merge_request",
        /// The state of a pipeline has changed.
        Pipeline(GitlabEvent) = "pipeline",
        /// A callback of any other kind.
        Event(GitlabEvent) = "event",
    }
}
