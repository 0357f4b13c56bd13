// @generated from slack.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Slack.
//!
//! [`SlackCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://docs.slack.dev/authentication/verifying-requests-from-slack>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of `event` callbacks.
    ///
    /// A callback of the Events API. The `type` in `event` becomes the subject of gatepost's event.
    pub struct SlackEvent prints(event_time) {
        /// The type of the callback.
        type_: Option<String> = "type",
        /// The identifier of the workspace.
        team_id: Option<String> = "team_id",
        /// The identifier of the callback, the same in each resend.
        event_id: String = "event_id",
        /// The details that the platform reports, with a `type`.
        event: Option<Map<String, Value>> = "event",
        /// The platform's time of the callback, in Unix seconds.
        event_time: Option<i64> = "event_time",
        /// A deprecated verification token. A credential: do not log it.
        token: Option<String> = "token",
    }

    /// Data of `command` callbacks.
    ///
    /// A slash command, which Slack sends as a form.
    pub struct Command prints(command) {
        /// The type of the callback.
        type_: Option<String> = "type",
        /// The identifier of the workspace.
        team_id: Option<String> = "team_id",
        /// The command, with its slash.
        command: Option<String> = "command",
        /// The text after the command.
        text: Option<String> = "text",
        /// The identifier of the channel.
        channel_id: Option<String> = "channel_id",
        /// The identifier of the user.
        user_id: Option<String> = "user_id",
        /// A deprecated verification token. A credential: do not log it.
        token: Option<String> = "token",
    }

    /// Data of `interaction` callbacks.
    ///
    /// A user has used an interactive component. Slack sends a form with one field.
    pub struct Interaction prints() {
        /// The type of the callback.
        type_: Option<String> = "type",
        /// The identifier of the workspace.
        team_id: Option<String> = "team_id",
        /// The details of the interaction.
        payload: Option<Map<String, Value>> = "payload",
    }

    /// Data of `challenge` callbacks.
    ///
    /// The check of the URL. gatepost sends the reply.
    pub struct Challenge prints() {
        /// The type of the callback.
        type_: Option<String> = "type",
        /// The identifier of the workspace.
        team_id: Option<String> = "team_id",
        /// The text that gatepost sends in the reply.
        challenge: Option<String> = "challenge",
    }

    /// Data of `other` callbacks.
    ///
    /// A callback for which the definition has no other kind, such as a notice about a rate limit.
    pub struct Other prints() {
        /// The type of the callback.
        type_: Option<String> = "type",
        /// The identifier of the workspace.
        team_id: Option<String> = "team_id",
    }
}

describe! { "slack":
    SlackEvent = "event",
    Command = "command",
    Interaction = "interaction",
    Challenge = "challenge",
    Other = "other",
}

callback! { "slack":
    /// A callback of Slack, with a variant for each kind.
    pub enum SlackCallback {
        /// A callback of the Events API. The `type` in `event` becomes the subject of gatepost's
        /// event.
        Event(SlackEvent) = "event",
        /// A slash command, which Slack sends as a form.
        Command(Command) = "command",
        /// A user has used an interactive component. Slack sends a form with one field.
        Interaction(Interaction) = "interaction",
        /// The check of the URL. gatepost sends the reply.
        Challenge(Challenge) = "challenge",
        /// A callback for which the definition has no other kind, such as a notice about a rate
        /// limit.
        Other(Other) = "other",
    }
}
