use serde::Deserialize;

/// Where messages go, and in which words.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebhookSettings {
    /// The address; left out, nothing is sent.
    pub url: Option<String>,
    /// The words; left out, those of the address's host.
    pub format: Option<WebhookFormat>,
    /// Hosts that may be sent to beside Slack's and Discord's own.
    pub hosts: Vec<String>,
    /// Whether a message is sent at a run's start, too.
    pub on_start: bool,
    /// Whether one message is sent of a backfill.
    pub on_backfill: bool,
    /// The headline in words of one's own, a template.
    pub text: Option<String>,
    /// Where the pages are, for links.
    pub site: Option<String>,
}

/// How messages are formatted.
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
