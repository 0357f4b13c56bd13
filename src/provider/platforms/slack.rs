// @generated from slack.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Slack.
//!
//! [`SlackCallback`] has a variant for each kind.
//! Fields have the platform's names and units.
//!
//! Source: <https://docs.slack.dev/authentication/verifying-requests-from-slack>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// An event of the Events API. Its type is the subject.
    pub struct SlackEvent prints(event_time) {
        /// The sort of the callback.
        type_: Option<String> = "type",
        /// The identifier of the workspace.
        team_id: Option<String> = "team_id",
        /// The identifier of the event, equal in resends.
        event_id: String = "event_id",
        /// The event, with its type.
        event: Option<Map<String, Value>> = "event",
        /// The time of the event, in seconds since 1970.
        event_time: Option<i64> = "event_time",
        /// A deprecated verification token. A credential: do not log it.
        token: Option<String> = "token",
    }

    /// A slash command. It is a form.
    pub struct Command prints(command) {
        /// The sort of the callback.
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

    /// A use of an interactive component. It is a form with one field.
    pub struct Interaction prints() {
        /// The sort of the callback.
        type_: Option<String> = "type",
        /// The identifier of the workspace.
        team_id: Option<String> = "team_id",
        /// The details of the interaction.
        payload: Option<Map<String, Value>> = "payload",
    }

    /// The check of the URL, which gatepost answers.
    pub struct Challenge prints() {
        /// The sort of the callback.
        type_: Option<String> = "type",
        /// The identifier of the workspace.
        team_id: Option<String> = "team_id",
        /// The text of the reply.
        challenge: Option<String> = "challenge",
    }

    /// A callback of another sort, such as a notice of a rate limit.
    pub struct Other prints() {
        /// The sort of the callback.
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
    /// A callback of Slack, by its kind.
    pub enum SlackCallback {
        /// An event of the Events API. Its type is the subject.
        Event(SlackEvent) = "event",
        /// A slash command. It is a form.
        Command(Command) = "command",
        /// A use of an interactive component. It is a form with one field.
        Interaction(Interaction) = "interaction",
        /// The check of the URL, which gatepost answers.
        Challenge(Challenge) = "challenge",
        /// A callback of another sort, such as a notice of a rate limit.
        Other(Other) = "other",
    }
}
