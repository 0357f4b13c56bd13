// @generated from github.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of GitHub.
//!
//! [`GithubCallback`] has a variant for each kind.
//! Fields have the platform's names and units.
//!
//! Source: <https://docs.github.com/en/webhooks/webhook-events-and-payloads>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of `ping` callbacks.
    ///
    /// The first callback of a new webhook.
    pub struct GithubPing prints(hook_id) {
        /// The change that the callback reports, such as `opened`. Absent from kinds without
        /// actions.
        action: Option<String> = "action",
        /// The repository in which the event occurred.
        repository: Option<Map<String, Value>> = "repository",
        /// The organization. Present if the webhook or the repository belongs to one.
        organization: Option<Map<String, Value>> = "organization",
        /// The account that triggered the event.
        sender: Option<Map<String, Value>> = "sender",
        /// A sentence of GitHub's design philosophy.
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
        /// The change that the callback reports, such as `opened`. Absent from kinds without
        /// actions.
        action: Option<String> = "action",
        /// The repository in which the event occurred.
        repository: Option<Map<String, Value>> = "repository",
        /// The organization. Present if the webhook or the repository belongs to one.
        organization: Option<Map<String, Value>> = "organization",
        /// The account that triggered the event.
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

    /// Data of GitHub callbacks whose kind has no fields of its own.
    pub struct GithubEvent prints() {
        /// The change that the callback reports, such as `opened`. Absent from kinds without
        /// actions.
        action: Option<String> = "action",
        /// The repository in which the event occurred.
        repository: Option<Map<String, Value>> = "repository",
        /// The organization. Present if the webhook or the repository belongs to one.
        organization: Option<Map<String, Value>> = "organization",
        /// The account that triggered the event.
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
    /// A callback of GitHub; each kind has a variant.
    pub enum GithubCallback {
        /// The first callback of a new webhook.
        Ping(GithubPing) = "ping",
        /// A push to a branch or tag.
        Push(GithubPush) = "push",
        /// The kind `check_run`.
        CheckRun(GithubEvent) = "check_run",
        /// The kind `check_suite`.
        CheckSuite(GithubEvent) = "check_suite",
        /// The kind `create`.
        Create(GithubEvent) = "create",
        /// The kind `delete`.
        Delete(GithubEvent) = "delete",
        /// The kind `deployment`.
        Deployment(GithubEvent) = "deployment",
        /// The kind `deployment_status`.
        DeploymentStatus(GithubEvent) = "deployment_status",
        /// The kind `fork`.
        Fork(GithubEvent) = "fork",
        /// The kind `issue_comment`.
        IssueComment(GithubEvent) = "issue_comment",
        /// The kind `issues`.
        Issues(GithubEvent) = "issues",
        /// The kind `member`.
        Member(GithubEvent) = "member",
        /// The kind `pull_request`.
        PullRequest(GithubEvent) = "pull_request",
        /// The kind `pull_request_review`.
        PullRequestReview(GithubEvent) = "pull_request_review",
        /// The kind `release`.
        Release(GithubEvent) = "release",
        /// The kind `repository`.
        Repository(GithubEvent) = "repository",
        /// The kind `star`.
        Star(GithubEvent) = "star",
        /// The kind `status`.
        Status(GithubEvent) = "status",
        /// The kind `workflow_job`.
        WorkflowJob(GithubEvent) = "workflow_job",
        /// The kind `workflow_run`.
        WorkflowRun(GithubEvent) = "workflow_run",
        /// The kind `event`.
        Event(GithubEvent) = "event",
    }
}
