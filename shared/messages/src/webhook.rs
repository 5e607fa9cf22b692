/// How messages are formatted.
pub use pipeline::settings::WebhookFormat as Format;
use pipeline::settings::WebhookSettings;
use reqwest::Url;

use crate::headline::Headline;

/// Where messages go.
#[derive(Clone)]
pub struct Webhook {
    pub(crate) url: Url,
    pub(crate) format: Format,
    /// Where the pages are, for links; no `/` at its end.
    pub(crate) site: Option<String>,
    /// Whether a message is sent at a run's start, too.
    pub on_start: bool,
    /// Whether one is sent of a backfill.
    pub on_backfill: bool,
    /// The headline in words of one's own.
    pub(crate) headline: Option<Headline>,
}

/// The address is a secret: whoever knows it can write to the chat.
impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Webhook({} at {})", self.format.as_str(), self.host())
    }
}

/// Hosts that need not be named in `hosts`.
const KNOWN: [(&str, Format); 3] =
    [("hooks.slack.com", Format::Slack), ("discord.com", Format::Discord), ("discordapp.com", Format::Discord)];

impl Webhook {
    /// The webhook of a configuration, or of an address that takes its place; `None` where there is neither.
    ///
    /// # Errors
    /// A message where the address is none that a message may be sent to. It does not repeat the address.
    pub fn new(settings: &WebhookSettings, address: Option<&str>) -> Result<Option<Webhook>, String> {
        let Some(address) = address.or(settings.url.as_deref()).filter(|address| !address.is_empty()) else {
            return Ok(None);
        };
        let url = Url::parse(address).map_err(|error| format!("webhook.url is no address: {error}"))?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let known = KNOWN.iter().find(|(name, _)| *name == host).map(|(_, format)| *format);
        if known.is_none() && !settings.hosts.contains(&host) {
            return Err(format!("webhook.url is on {host}, which webhook.hosts does not name"));
        }
        let here = matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]");
        if url.scheme() != "https" && !(url.scheme() == "http" && here) {
            return Err("webhook.url is not https".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("webhook.url holds a user's name or password".to_owned());
        }
        let site = settings.site.as_deref().map(|site| match Url::parse(site) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(site.trim_end_matches('/').to_owned()),
            _ => Err(format!("webhook.site is '{site}', but an address begins with https://")),
        });
        let site = site.transpose()?;
        Ok(Some(Webhook {
            url,
            format: settings.format.or(known).unwrap_or(Format::Json),
            site,
            on_start: settings.on_start,
            on_backfill: settings.on_backfill,
            headline: settings.text.as_deref().map(Headline::new).transpose()?,
        }))
    }

    /// What of its address tells where to write: the whole path, its longer parts, and what is asked.
    pub(crate) fn secrets(&self) -> Vec<&str> {
        let parts = self.url.path().split('/').filter(|part| part.len() >= 8);
        [self.url.path()].into_iter().filter(|path| path.len() > 1).chain(parts).chain(self.url.query()).collect()
    }

    pub(crate) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(settings: &str) -> Result<Option<Webhook>, String> {
        let settings = pipeline::Settings::parse(&format!("[webhook]\n{settings}")).expect("a configuration");
        Webhook::new(&settings.webhook, None)
    }

    #[test]
    fn where_messages_may_go() {
        let format = |settings: &str| read(settings).expect("allowed").expect("there").format;
        assert_eq!(format("url = \"https://hooks.slack.com/services/T0/B0/x\""), Format::Slack);
        assert_eq!(format("url = \"https://discord.com/api/webhooks/1/x\""), Format::Discord);
        assert_eq!(format("url = \"https://chat.example.com/x\"\nhosts = [\"chat.example.com\"]"), Format::Json);
        let slack = "url = \"https://chat.example.com/x\"\nhosts = [\"chat.example.com\"]\nformat = \"slack\"";
        assert_eq!(format(slack), Format::Slack);
        assert_eq!(format("url = \"http://127.0.0.1:1/x\"\nhosts = [\"127.0.0.1\"]"), Format::Json);
        assert!(read("").expect("nothing to send to").is_none());

        let check = |settings: &str, expected: &str| {
            let error = read(settings).expect_err("refused");
            assert!(error.contains(expected), "{settings}: {error}");
            assert!(!error.contains("secret"), "{settings}: {error}");
        };
        check("url = \"https://chat.example.com/secret\"", "which webhook.hosts does not name");
        check("url = \"https://hooks.slack.com.example.com/secret\"", "hooks.slack.com.example.com, which");
        check("url = \"http://hooks.slack.com/secret\"", "not https");
        check("url = \"http://10.0.0.1/secret\"\nhosts = [\"10.0.0.1\"]", "not https");
        check("url = \"https://u:secret@discord.com/x\"", "a user's name or password");
        check("url = \"file:///secret\"\nhosts = [\"\"]", "not https");
        check("url = \"secret\"", "no address");
        check("url = \"https://discord.com/x\"\ntext = \"{{ as_of\"", "webhook.text: ");
        check("url = \"https://discord.com/x\"\ntext = \"{{ nothing }}\"", "webhook.text: undefined value");
        check("url = \"https://discord.com/x\"\nsite = \"bell.example.com\"", "webhook.site is 'bell.example.com'");
    }

    #[test]
    fn the_address_is_not_shown() {
        let webhook = read("url = \"https://discord.com/api/webhooks/1/secret\"").expect("allowed").expect("there");
        assert_eq!(format!("{webhook:?}"), "Webhook(discord at discord.com)");
    }
}
