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
        /// A new, requested or completed check run.
        CheckRun(GithubEvent) = "check_run",
        /// A requested or completed check suite.
        CheckSuite(GithubEvent) = "check_suite",
        /// A new branch or tag.
        Create(GithubEvent) = "create",
        /// A deleted branch or tag.
        Delete(GithubEvent) = "delete",
        /// A new deployment.
        Deployment(GithubEvent) = "deployment",
        /// The status of a deployment has changed.
        DeploymentStatus(GithubEvent) = "deployment_status",
        /// A user has forked the repository.
        Fork(GithubEvent) = "fork",
        /// A new, edited or deleted comment on an issue or pull request.
        IssueComment(GithubEvent) = "issue_comment",
        /// A new, edited, closed or otherwise changed issue.
        Issues(GithubEvent) = "issues",
        /// A new or removed collaborator of the repository, or a change of a collaborator's
        /// permissions.
        Member(GithubEvent) = "member",
        /// A new, edited, closed or otherwise changed pull request.
        PullRequest(GithubEvent) = "pull_request",
        /// A new, edited or dismissed review of a pull request.
        PullRequestReview(GithubEvent) = "pull_request_review",
        /// A new, published, edited or deleted release.
        Release(GithubEvent) = "release",
        /// A new, renamed, archived, deleted or otherwise changed repository.
        Repository(GithubEvent) = "repository",
        /// A user has added or removed a star.
        Star(GithubEvent) = "star",
        /// The status of a commit has changed.
        Status(GithubEvent) = "status",
        /// A queued, started or completed job of GitHub Actions.
        WorkflowJob(GithubEvent) = "workflow_job",
        /// A requested, started or completed run of a workflow.
        WorkflowRun(GithubEvent) = "workflow_run",
        /// A callback for which the definition has no other kind. The event's subject is the value
        /// of `X-GitHub-Event`.
        Event(GithubEvent) = "event",
    }
}
