//! A message in the words of each chat, within its limits.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{Changed, Event, Failed, Message};

/// Lines of each list; what is left out is counted.
const LINES: usize = 15;
/// A line's reason.
const REASON: usize = 160;

/// Slack: a section's text has at most 3,000 characters, a header 150
/// (<https://docs.slack.dev/reference/block-kit/blocks>). An incoming webhook takes no files, so the picture is shown from
/// where the pages are, if Slack can reach them.
pub(crate) fn slack(message: &Message, site: Option<&str>) -> Value {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let section = |text: String| json!({ "type": "section", "text": { "type": "mrkdwn", "text": cut(&text, 3_000) } });
    let header = json!({ "type": "plain_text", "text": cut(&message.headline, 150) });
    let mut blocks = vec![json!({ "type": "header", "text": header })];
    for (title, lines) in lists(message, "*") {
        blocks.push(section(format!("*{title}*\n{}", escaped(&lines))));
    }
    if let (Some(site), Some(run)) = (site, &message.run) {
        if message.picture.is_some() {
            let picture = format!("{site}/runs/{run}/night.png");
            blocks.push(json!({ "type": "image", "image_url": picture, "alt_text": alt(message) }));
        }
        blocks.push(section(format!("<{site}/runs/{run}|The night in full>")));
    }
    json!({ "text": message.headline, "blocks": blocks })
}

/// Discord: an embed's title has at most 256 characters, its description 4,096; nobody is mentioned
/// (<https://docs.discord.com/developers/resources/webhook#execute-webhook>). The picture travels beside it.
pub(crate) fn discord(message: &Message, site: Option<&str>) -> Value {
    const GREEN: u32 = 0x001A_7F37;
    const RED: u32 = 0x00B4_2318;
    let lists: Vec<String> =
        lists(message, "**").into_iter().map(|(title, lines)| format!("**{title}**\n{lines}")).collect();
    let bad = !message.troubles.is_empty() || message.event == Event::NoRun;
    let mut embed = json!({
        "title": cut(&message.headline, 256),
        "description": cut(&lists.join("\n\n"), 4_096),
        "color": if bad { RED } else { GREEN },
    });
    if let (Some(site), Some(run)) = (site, &message.run) {
        embed["url"] = format!("{site}/runs/{run}").into();
    }
    let mut payload = json!({ "allowed_mentions": { "parse": [] } });
    if message.picture.is_some() {
        embed["image"] = json!({ "url": format!("attachment://{PICTURE}") });
        payload["attachments"] = json!([{ "id": 0, "filename": PICTURE, "description": alt(message) }]);
    }
    payload["embeds"] = json!([embed]);
    payload
}

/// The file's name of a picture that travels.
pub(crate) const PICTURE: &str = "night.png";

/// For programs: all of it, the picture as base64.
pub(crate) fn plain(message: &Message, site: Option<&str>, picture: Option<&[u8]>) -> Value {
    let mut payload = serde_json::to_value(message).expect("a message is plain data");
    if let (Some(site), Some(run)) = (site, &message.run) {
        payload["link"] = format!("{site}/runs/{run}").into();
    }
    if let Some(picture) = picture {
        payload["picture"] = json!({ "type": "image/png", "base64": STANDARD.encode(picture) });
    }
    payload
}

fn alt(message: &Message) -> String {
    format!("Prices and forecasts of the night of {}, one small chart a ticker", message.as_of)
}

/// Who changed and who failed, as text, with `bold` around tickers.
fn lists(message: &Message, bold: &str) -> Vec<(String, String)> {
    let changed = message.changed.iter().map(|Changed { ticker, verdict, model, reason }| {
        format!("{bold}{ticker}{bold} {}: {model}. {}", verdict.as_str(), cut(reason, REASON))
    });
    let failed = message
        .troubles
        .iter()
        .map(|Failed { ticker, reason }| format!("{bold}{ticker}{bold} {}", cut(reason, REASON)));
    let mut lists = Vec::new();
    let mut add = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            let title = format!("{title}: {}", lines.len());
            let more = lines.len().saturating_sub(LINES);
            let mut text = lines[..lines.len() - more].join("\n");
            if more > 0 {
                text = format!("{text}\n... and {more} more");
            }
            lists.push((title, text));
        }
    };
    add("Not done", failed.collect());
    add("Changed champion", changed.collect());
    lists
}

/// At most so many characters.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(3)).chain("...".chars()).collect()
}
