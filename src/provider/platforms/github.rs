// @generated from github.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of GitHub.
//!
//! [`GithubCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://docs.github.com/en/webhooks/webhook-events-and-payloads>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of `ping` callbacks.
    ///
    /// The first callback of a new webhook.
    pub struct GithubPing prints(hook_id) {
        /// The change that the callback reports, such as `opened`. Absent from some kinds, such as
        /// `push`.
        action: Option<String> = "action",
        /// The repository that the callback is about.
        repository: Option<Map<String, Value>> = "repository",
        /// The organization. Present if the webhook or the repository belongs to an organization.
        organization: Option<Map<String, Value>> = "organization",
        /// The account that caused the callback.
        sender: Option<Map<String, Value>> = "sender",
        /// A sentence from GitHub's design philosophy.
        zen: Option<String> = "zen",
        /// The identifier of the webhook.
        hook_id: Option<i64> = "hook_id",
        /// The configuration of the webhook.
        hook: Option<Map<String, Value>> = "hook",
    }

    /// Data of `push` callbacks.
    ///
    /// A push to a branch or tag.
    pub struct GithubPush prints(git_ref) {
        /// The change that the callback reports, such as `opened`. Absent from some kinds, such as
        /// `push`.
        action: Option<String> = "action",
        /// The repository that the callback is about.
        repository: Option<Map<String, Value>> = "repository",
        /// The organization. Present if the webhook or the repository belongs to an organization.
        organization: Option<Map<String, Value>> = "organization",
        /// The account that caused the callback.
        sender: Option<Map<String, Value>> = "sender",
        /// The full name of the branch or tag, such as `refs/heads/main`.
        git_ref: Option<String> = "ref",
        /// The SHA of the commit that the ref pointed to before the push.
        before: Option<String> = "before",
        /// The SHA of the commit that the ref points to after the push.
        after: Option<String> = "after",
        /// The pushed commits, at most 2048.
        commits: Option<Vec<Value>> = "commits",
        /// The newest commit. `null` if the push deletes the ref.
        head_commit: Option<Map<String, Value>> = "head_commit",
        /// The name and the email address of the account that pushed.
        pusher: Option<Map<String, Value>> = "pusher",
    }

    /// Data of the GitHub callbacks that have only the fields common to all kinds.
    pub struct GithubEvent prints() {
        /// The change that the callback reports, such as `opened`. Absent from some kinds, such as
        /// `push`.
        action: Option<String> = "action",
        /// The repository that the callback is about.
        repository: Option<Map<String, Value>> = "repository",
        /// The organization. Present if the webhook or the repository belongs to an organization.
        organization: Option<Map<String, Value>> = "organization",
        /// The account that caused the callback.
        sender: Option<Map<String, Value>> = "sender",
    }
}

describe! { "github":
    GithubPing = "ping",
    GithubPush = "push",
    GithubEvent = "check_run"
        | "check_suite"
        | "create"
        | "delete"
        | "deployment"
        | "deployment_status"
        | "fork"
        | "issue_comment"
        | "issues"
        | "member"
        | "pull_request"
        | "pull_request_review"
        | "release"
        | "repository"
        | "star"
        | "status"
        | "workflow_job"
        | "workflow_run"
        | "event",
}

callback! { "github":
    /// A callback of GitHub, with a variant for each kind.
    pub enum GithubCallback {
        /// The first callback of a new webhook.
        Ping(GithubPing) = "ping",
        /// A push to a branch or tag.
        Push(GithubPush) = "push",
        /// A check run has been created, requested or completed.
        CheckRun(GithubEvent) = "check_run",
        /// A check suite has been requested or completed.
        CheckSuite(GithubEvent) = "check_suite",
        /// A branch or tag has been created.
        Create(GithubEvent) = "create",
        /// A branch or tag has been deleted.
        Delete(GithubEvent) = "delete",
        /// A deployment has been created.
        Deployment(GithubEvent) = "deployment",
        /// The status of a deployment has changed.
        DeploymentStatus(GithubEvent) = "deployment_status",
        /// A user has forked the repository.
        Fork(GithubEvent) = "fork",
        /// A comment on an issue or pull request has been created, edited or deleted.
        IssueComment(GithubEvent) = "issue_comment",
        /// An issue has been opened, edited, closed or otherwise changed.
        Issues(GithubEvent) = "issues",
        /// A collaborator has been added to or removed from the repository, or their permissions
        /// have changed.
        Member(GithubEvent) = "member",
        /// A pull request has been opened, edited, closed or otherwise changed.
        PullRequest(GithubEvent) = "pull_request",
        /// A review of a pull request has been submitted, edited or dismissed.
        PullRequestReview(GithubEvent) = "pull_request_review",
        /// A release has been created, published, edited or deleted.
        Release(GithubEvent) = "release",
        /// A repository has been created, renamed, archived, deleted or otherwise changed.
        Repository(GithubEvent) = "repository",
        /// A user has added or removed a star.
        Star(GithubEvent) = "star",
        /// The status of a commit has changed.
        Status(GithubEvent) = "status",
        /// A job of GitHub Actions has been queued, started or completed.
        WorkflowJob(GithubEvent) = "workflow_job",
        /// A run of a workflow has been requested, started or completed.
        WorkflowRun(GithubEvent) = "workflow_run",
        /// A callback for which the definition has no other kind. The event's subject is the value
        /// of `X-GitHub-Event`.
        Event(GithubEvent) = "event",
    }
}
