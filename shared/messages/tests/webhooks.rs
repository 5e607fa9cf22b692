//! Messages to a server on this machine that takes them, fails, hangs and redirects; and their words beside what other clients
//! send.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    extract::{Multipart, Path, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use embedded::{DirectoryArchive, Night, RecordedMarket, SqliteLedger};
use messages::{Changed, Event, Failed, Message, Messenger, Webhook};
use pipeline::{RunStatus, Settings, Trigger};
use serde_json::Value;

type Parts = Vec<(String, Vec<u8>)>;

#[derive(Default)]
struct Chat {
    asked: AtomicUsize,
    elsewhere: AtomicUsize,
    /// Bodies of JSON, and the parts of forms by name.
    heard: Mutex<Vec<Parts>>,
}

async fn hear(State(chat): State<Arc<Chat>>, Path(mood): Path<String>, request: Request) -> Response {
    let nth = chat.asked.fetch_add(1, Ordering::SeqCst);
    match mood.as_str() {
        "fails" => return (StatusCode::INTERNAL_SERVER_ERROR, "out of order").into_response(),
        "recovers" if nth == 0 => return StatusCode::BAD_GATEWAY.into_response(),
        "busy" if nth == 0 => return (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "0.05")]).into_response(),
        "refuses" => return (StatusCode::NOT_FOUND, "no_service").into_response(),
        "redirects" => return (StatusCode::FOUND, [(header::LOCATION, "/elsewhere")]).into_response(),
        "hangs" => tokio::time::sleep(std::time::Duration::from_mins(1)).await,
        "floods" => return (StatusCode::BAD_REQUEST, "x".repeat(50 << 20)).into_response(),
        _ => {}
    }
    let form =
        request.headers()[header::CONTENT_TYPE].to_str().is_ok_and(|kind| kind.starts_with("multipart/form-data"));
    let mut parts = Vec::new();
    if form {
        let mut form = <Multipart as axum::extract::FromRequest<()>>::from_request(request, &()).await.expect("a form");
        while let Some(part) = form.next_field().await.expect("a part") {
            parts.push((part.name().unwrap_or_default().to_owned(), part.bytes().await.expect("bytes").to_vec()));
        }
    } else {
        let body = axum::body::to_bytes(request.into_body(), 32 << 20).await.expect("a body");
        parts.push(("body".to_owned(), body.to_vec()));
    }
    if mood == "shows nothing" && String::from_utf8_lossy(&parts[0].1).contains("image_url") {
        return (StatusCode::BAD_REQUEST, "invalid_blocks").into_response();
    }
    chat.heard.lock().expect("no panic").push(parts);
    "ok".into_response()
}

async fn elsewhere(State(chat): State<Arc<Chat>>) {
    chat.elsewhere.fetch_add(1, Ordering::SeqCst);
}

/// A chat, and its address.
async fn chat() -> (Arc<Chat>, String) {
    let chat = Arc::new(Chat::default());
    let router = Router::new()
        .route("/chat/{mood}", post(hear))
        .route("/elsewhere", post(elsewhere).get(elsewhere))
        .with_state(chat.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}/chat", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (chat, address)
}

fn messenger(url: &str, format: &str) -> Messenger {
    let text = format!(
        "[webhook]\nurl = \"{url}\"\nhosts = [\"127.0.0.1\"]\nformat = \"{format}\"\nsite = \"https://bell.example.com/\""
    );
    let settings = Settings::parse(&text).expect("a configuration").webhook;
    Messenger::impatient(Webhook::new(&settings, None).expect("allowed").expect("there")).expect("a client")
}

/// A night of two tickers, one of which does not exist.
async fn a_night(folder: &std::path::Path) -> (Arc<DirectoryArchive>, Message) {
    let archive = Arc::new(DirectoryArchive::open(folder).expect("opens"));
    let ledger = Arc::new(SqliteLedger::open(&folder.join("ledger.sqlite")).expect("opens"));
    let tickers = ["KO", "NOBODY"].map(|ticker| ticker.parse().expect("a ticker"));
    let assignment =
        Settings::parse("start = 2019-01-01").expect("reads").assignment(pipeline::Market::Recorded, tickers.to_vec());
    let night = Night {
        market: Arc::new(RecordedMarket),
        archive: archive.clone(),
        ledger,
        programs: Arc::new(pipeline::NoPrograms),
        patience: pipeline::Patience::NONE,
    };
    let entry = night.run(&assignment, RecordedMarket::LAST_SESSION, Trigger::Manual, |_| {}).await.expect("closes");
    let closure = entry.closure.expect("closed");
    let message = Message::closed(&*archive, &entry.run, &closure).await.expect("a message");
    (archive, message)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_chat_is_told_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let (archive, message) = a_night(folder.path()).await;
    assert_eq!(message.headline, "Night of 2020-12-11: PARTIAL, 1 of 2 tickers done");
    assert_eq!((message.changed.len(), message.troubles.len()), (1, 1));
    for format in ["slack", "discord", "json"] {
        let (chat, address) = chat().await;
        let empty = tempfile::tempdir().expect("a folder");
        let archive_of_its_own = DirectoryArchive::open(empty.path()).expect("opens");
        let messenger = messenger(&format!("{address}/takes"), format);
        for _ in 0..3 {
            messenger.tell(&archive_of_its_own, &message).await;
        }
        let heard = chat.heard.lock().expect("no panic").clone();
        assert_eq!(heard.len(), 1, "{format}: one message an incident");
        let parts = &heard[0];
        let body: Value = serde_json::from_slice(&parts[0].1).expect("JSON");
        let text = body.to_string();
        assert!(text.contains("PARTIAL") && text.contains("NOBODY") && text.contains("KO"), "{format}: {text}");
        match format {
            "slack" => assert!(text.contains("night.png"), "{text}"),
            "discord" => {
                let names: Vec<&str> = parts.iter().map(|(name, _)| name.as_str()).collect();
                assert_eq!(names, ["payload_json", "files[0]"]);
                assert_eq!(&parts[1].1[1..4], b"PNG");
            }
            _ => assert!(body["picture"]["base64"].as_str().is_some_and(|b| b.starts_with("iVBORw0KGgo")), "a PNG"),
        }
    }
    // What differs is another incident.
    let other = Message { troubles: Vec::new(), ..message.clone() };
    assert_ne!(message.incident(), other.incident());
    drop(archive);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_in_every_mood() {
    let message = Message::no_run("2020-12-14".parse().expect("a date"), None);
    let tell = async |mood: &str| {
        let (chat, address) = chat().await;
        let folder = tempfile::tempdir().expect("a folder");
        let archive = DirectoryArchive::open(folder.path()).expect("opens");
        messenger(&format!("{address}/{mood}"), "json").tell(&archive, &message).await;
        let told = folder.path().join("messages/2020-12-14-no-run.json").exists();
        (chat.asked.load(Ordering::SeqCst), chat.elsewhere.load(Ordering::SeqCst), told)
    };
    assert_eq!(tell("takes").await, (1, 0, true));
    assert_eq!(tell("recovers").await, (2, 0, true), "a passing failure is tried again");
    assert_eq!(tell("busy").await, (2, 0, true));
    assert_eq!(tell("fails").await, (3, 0, false), "retries end, and what was not told may be told later");
    assert_eq!(tell("hangs").await, (3, 0, false));
    assert_eq!(tell("refuses").await, (1, 0, false), "an address that is gone is not asked again");
    assert_eq!(tell("redirects").await, (1, 0, false), "nobody is told elsewhere");
    assert_eq!(tell("floods").await, (1, 0, false));
}

fn sample() -> Message {
    Message {
        event: Event::Closed,
        as_of: "2020-12-11".parse().expect("a date"),
        run: Some("2020-12-11-aaaaaaaa".parse().expect("an id")),
        status: Some(RunStatus::Partial),
        headline: "Night of 2020-12-11: PARTIAL, 2 of 3 tickers done".to_owned(),
        done: 2,
        failed: 1,
        skipped: 0,
        changed: Vec::new(),
        troubles: vec![Failed { ticker: "FB".to_owned(), reason: "no bar since 2020-11-30 & so on".to_owned() }],
        picture: Some("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"2\" height=\"2\"/>".to_owned()),
    }
}

async fn sent(format: &str, message: &Message) -> Value {
    let (chat, address) = chat().await;
    let folder = tempfile::tempdir().expect("a folder");
    let archive = DirectoryArchive::open(folder.path()).expect("opens");
    messenger(&format!("{address}/takes"), format).tell(&archive, message).await;
    let heard = chat.heard.lock().expect("no panic").clone();
    serde_json::from_slice(&heard[0][0].1).expect("JSON")
}

/// Every field of ours is one that the recorded message has too, and of the same type.
fn known(ours: &Value, recorded: &Value, place: &str) {
    match (ours, recorded) {
        (Value::Object(ours), Value::Object(recorded)) => {
            for (name, value) in ours {
                let theirs = recorded.get(name).unwrap_or_else(|| panic!("{place}.{name} is unknown"));
                known(value, theirs, &format!("{place}.{name}"));
            }
        }
        (Value::Array(ours), Value::Array(recorded)) if !recorded.is_empty() => {
            for (i, value) in ours.iter().enumerate() {
                known(value, &recorded[i.min(recorded.len() - 1)], &format!("{place}[{i}]"));
            }
        }
        (ours, recorded) => {
            assert_eq!(std::mem::discriminant(ours), std::mem::discriminant(recorded), "{place}: {ours}, {recorded}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn as_other_clients_write_it() {
    let recorded: Value = serde_json::from_str(include_str!("recorded/slack.json")).expect("JSON");
    let mut ours = sent("slack", &sample()).await;
    assert_eq!(ours["text"], recorded["text"]);
    assert_eq!(ours["blocks"][0]["text"]["text"], recorded["blocks"][0]["text"]["text"]);
    assert_eq!(ours["blocks"][1], recorded["blocks"][1], "escaped and in bold as Slack has it");
    assert_eq!(ours["blocks"][2]["image_url"], recorded["blocks"][2]["image_url"]);
    // The link at the end is another section.
    let link = ours["blocks"].as_array_mut().and_then(Vec::pop).expect("a link");
    known(&link, &recorded["blocks"][1], "link");
    known(&ours, &recorded, "slack");

    let recorded: Value = serde_json::from_str(include_str!("recorded/discord.json")).expect("JSON");
    let ours = sent("discord", &sample()).await;
    known(&ours, &recorded, "discord");
    assert_eq!(ours["allowed_mentions"], recorded["allowed_mentions"], "a ticker mentions nobody");
    assert_eq!(ours["embeds"][0]["image"]["url"], recorded["embeds"][0]["image"]["url"]);
    assert_eq!(
        (&ours["embeds"][0]["color"], &ours["embeds"][0]["url"]),
        (&recorded["embeds"][0]["color"], &recorded["embeds"][0]["url"])
    );
}

/// A picture that Slack cannot load costs the picture, and not the message.
#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_cannot_be_loaded() {
    let (chat, address) = chat().await;
    let folder = tempfile::tempdir().expect("a folder");
    let archive = DirectoryArchive::open(folder.path()).expect("opens");
    messenger(&format!("{address}/shows%20nothing"), "slack").tell(&archive, &sample()).await;
    let heard = chat.heard.lock().expect("no panic").clone();
    assert_eq!((chat.asked.load(Ordering::SeqCst), heard.len()), (2, 1));
    let text = String::from_utf8_lossy(&heard[0][0].1).into_owned();
    assert!(text.contains("Not done: 1") && !text.contains("image_url"), "{text}");
}

/// Five hundred failures stay within every limit, and say how many there are.
#[tokio::test(flavor = "multi_thread")]
async fn limits() {
    let failed = |i: usize| Failed { ticker: format!("T{i}"), reason: "<!channel> & ".repeat(200) };
    let changed = |i: usize| Changed {
        ticker: format!("C{i}"),
        verdict: forecasting::Decision::Promote,
        model: "ARIMA(1,1,1)".to_owned(),
        reason: "x".repeat(5_000),
    };
    let message = Message {
        troubles: (0..500).map(failed).collect(),
        changed: (0..500).map(changed).collect(),
        headline: "h".repeat(400),
        ..sample()
    };
    let slack = sent("slack", &message).await;
    let blocks = slack["blocks"].as_array().expect("blocks");
    assert!(blocks.len() <= 50);
    let texts: Vec<&str> = blocks.iter().filter_map(|block| block["text"]["text"].as_str()).collect();
    assert!(texts.iter().all(|text| text.chars().count() <= 3_000));
    assert!(texts[0].chars().count() <= 150);
    assert!(!slack.to_string().contains("<!channel>"), "nobody is called by a reason's text");
    assert!(texts[1].contains("Not done: 500"));
    let embed = &sent("discord", &message).await["embeds"][0];
    let length = |name: &str| embed[name].as_str().map_or(0, |text| text.chars().count());
    assert!(
        length("title") <= 256 && length("description") <= 4_096 && length("title") + length("description") <= 6_000
    );
}

/// A backfill is one message, and the headline may be in words of one's own.
#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_in_words_of_ones_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let archive = Arc::new(DirectoryArchive::open(folder.path()).expect("opens"));
    let ledger = Arc::new(SqliteLedger::open(&folder.path().join("ledger.sqlite")).expect("opens"));
    let tickers = ["KO", "NOBODY"].map(|ticker| ticker.parse().expect("a ticker"));
    let settings = Settings::parse("start = 2019-01-01").expect("reads");
    let assignment = settings.assignment(pipeline::Market::Recorded, tickers.to_vec());
    let (market, programs) = (Arc::new(RecordedMarket), Arc::new(pipeline::NoPrograms));
    let night = Night { market, archive: archive.clone(), ledger, programs, patience: pipeline::Patience::NONE };
    let mut entries = Vec::new();
    for day in ["2020-12-10", "2020-12-11"] {
        let day: forecasting::Stamp = day.parse().expect("a day");
        entries.push(night.run(&assignment, day, Trigger::Backfill, |_| {}).await.expect("closes"));
    }
    assert_eq!(Message::backfilled(&*archive, &[]).await.expect("reads"), None);
    let message = Message::backfilled(&*archive, &entries).await.expect("reads").expect("a message");
    assert_eq!(message.headline, "Backfill of 2020-12-10 to 2020-12-11: 2 of 2 nights NOT DONE");
    let reasons: Vec<&str> = message.troubles.iter().map(|failed| &failed.reason[..11]).collect();
    assert_eq!(reasons, ["2020-12-10:", "2020-12-11:"], "each night's, with its day");

    let (chat, address) = chat().await;
    let text = format!(
        "[webhook]\nurl = \"{address}/takes\"\nhosts = [\"127.0.0.1\"]\nformat = \"json\"\ntext = \"{{{{ event }}}}: {{{{ troubles | length }}}}\""
    );
    let settings = Settings::parse(&text).expect("a configuration").webhook;
    let webhook = Webhook::new(&settings, None).expect("allowed").expect("there");
    Messenger::impatient(webhook).expect("a client").tell(&*archive, &message).await;
    let heard = chat.heard.lock().expect("no panic").clone();
    let body: Value = serde_json::from_slice(&heard[0][0].1).expect("JSON");
    assert_eq!(body["headline"], "backfilled: 2");
}
