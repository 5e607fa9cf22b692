use serde::Deserialize;

/// Where messages go, and in which words.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebhookSettings {
    /// The address; left out, nothing is told.
    pub url: Option<String>,
    /// The words; left out, those of the address's host.
    pub format: Option<WebhookFormat>,
    /// Hosts that may be told beside Slack's and Discord's own.
    pub hosts: Vec<String>,
    /// Whether a run's start is told too.
    pub on_start: bool,
    /// Whether a backfill is told, in one message.
    pub on_backfill: bool,
    /// The headline in words of one's own, a template.
    pub text: Option<String>,
    /// Where the pages are, for links.
    pub site: Option<String>,
}

/// In which words a chat is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookFormat {
    /// Blocks of an incoming webhook.
    Slack,
    /// An embed, with the picture attached.
    Discord,
    /// For programs.
    Json,
}

impl WebhookFormat {
    /// As the configuration writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            WebhookFormat::Slack => "slack",
            WebhookFormat::Discord => "discord",
            WebhookFormat::Json => "json",
        }
    }
}
