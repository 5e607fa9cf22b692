use jiff::civil::date;

use super::*;

#[test]
fn everything_may_be_left_out() {
    let configuration = Settings::parse("").expect("defaults").configuration(Market::Recorded);
    assert_eq!((configuration.horizon, configuration.window), (5, Window::All));
    assert_eq!(configuration.start, Some(date(2015, 1, 1)));
}

#[test]
fn all_of_it() {
    let text = r#"
        watchlist = ["NLS", "brk-a"]
        start = 2016-01-01
        horizon = 10
        levels = [50, 80, 97.5]
        holdout = 120
        window = 750
        families = ["arima", "ets", "theta", "seasonal_random_walk", { family = "arima", order = [1, 1, 0] }]
        promotion = "always"
        season = 5
        intervals = "model"
        policy = { max_age = 30 }
        error_bound = 1.2
        retention = 250
        significance = 0.1
        [fetch]
        ask_again_minutes = 10
        ask_limit = 6
        [tiingo]
        requests_per_hour = 10000
        [schedule]
        at = "17:30"
        time_zone = "Europe/Berlin"
        [webhook]
        url = "https://example.com"
        format = "json"
        hosts = ["example.com"]
        on_start = true
    "#;
    let settings = Settings::parse(text).expect("reads");
    assert_eq!(settings.watchlist.tickers()[1].as_str(), "BRK-A");
    let configuration = settings.configuration(Market::Tiingo);
    assert_eq!((configuration.window, configuration.policy), (Window::Sessions(750), Policy::MaxAge(30)));
    assert_eq!((configuration.families.len(), configuration.season), (5, Some(Seasons::one(5))));
    assert_eq!((configuration.intervals, configuration.error_bound), (IntervalKind::Model, Some(1.2)));
    assert_eq!(configuration.start, Some(date(2016, 1, 1)));
    assert_eq!(settings.schedule.cron().expect("a time"), "30 17 * * MON-FRI");
    assert_eq!((settings.webhook.format, settings.webhook.on_start), (Some(WebhookFormat::Json), true));
    assert!(Settings::parse("start = \"2016-01-01\"\nwindow = \"all\"\npolicy = \"degraded\"").is_ok());
    let since = Settings::parse("window = 2018-01-01").expect("reads").configuration(Market::Tiingo);
    assert_eq!(since.window, Window::Since(date(2018, 1, 1)));
}

#[test]
fn a_watchlist_of_its_own() {
    let read = |text: &str| {
        let mut settings = Settings::parse("watchlist = \"watchlist.csv\"").expect("reads");
        assert_eq!((settings.watchlist.file(), settings.watchlist.tickers().len()), (Some("watchlist.csv"), 0));
        settings.watchlist.read(text)?;
        assert_eq!(settings.watchlist.file(), None);
        Ok::<_, String>(settings.watchlist.tickers().iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let tickers = Ok(vec!["KO".to_owned(), "BRK-A".to_owned()]);
    assert_eq!(read("\u{feff}ticker,name\nko,\"Coca-Cola, Inc\"\n\n\"BRK-A\",x # a comment\r\n"), tickers);
    assert_eq!(read("KO\nBRK-A"), tickers);
    assert!(read("KO\nBRK.A\n").is_err_and(|error| error.starts_with("watchlist.csv line 2: 'BRK.A'")));
    assert_eq!(read("# none\n"), Err("watchlist.csv names no ticker".to_owned()));
    let many: String = (0..=MAX_TICKERS).map(|n| format!("T{n}\n")).collect();
    assert!(read(&many).is_err_and(|error| error.contains("must be within 0 and 100000")));
}

#[test]
fn refusals_say_what_and_where() {
    let check = |text: &str, expected: &str| {
        let error = Settings::parse(text).expect_err("refused");
        assert!(error.contains(expected), "{text:?}: {error}");
        assert!(!error.contains('\n'), "{text:?}: more than one line: {error}");
    };
    check("horizon = 5\nhorizn = 3", "line 2: unknown key `horizn`");
    check("watchlist = [\"../x\"]", "'../x' is not a ticker");
    check("watchlist = \"tickers.txt\"", "whose name begins with 'watchlist', not 'tickers.txt'");
    check("watchlist = \"watchlist/../x\"", "not 'watchlist/../x'");
    check("watchlist = 7", "expected a list of tickers, or the name of a file");
    check("[aliases]\nA = \"META\"\nB = \"META\"", "aliases give META to two series");
    check("[aliases]\n\"../A\" = \"META\"", "'../A' is not a ticker");
    check("horizon = 0", "horizon is 0, but must be within 1 and 60");
    check("levels = [95, 80]", "levels must increase");
    check("levels = [120]", "120 is not a percentage");
    check("window = 5", "window is 5");
    check("window = \"some\"", "a window is \"all\", a date or a number");
    check("families = []", "the number of families is 0");
    check("families = [\"arima\", \"arima\"]", "families name arima twice");
    check("families = [\"prophet\"]", "unknown variant `prophet`, expected one of `random_walk`, `arima`");
    check("families = [\"program\"]", "a program is named by its command");
    check("families = [{ command = \"python3 a.py\" }, { command = \"python3 b/a.py\" }]", "two programs are called a");
    check("families = [{ command = \"python3 'a\" }]", "one that a shell could not part into words");
    check(
        "families = [{ command = \"x\", timeout = \"2h\" }]",
        "the timeout of x is 2h, but must be within 1s and 10m",
    );
    for function in ["forest", "forest:$LATEST", "forest:", ":3", "my forest:3", "arn:aws:lambda:r:1:function:forest"] {
        check(
            &format!("families = [{{ function = \"{function}\" }}]"),
            "is no Lambda function: give its name or ARN, with :VERSION",
        );
    }
    check("families = [{ command = \"x\", memory = 1 }]", "the memory of x is 1");
    check("families = [{ command = \"python3 MyModel\", name = \"My Model\" }]", "'My Model' is no program's name");
    check("families = [{ command = \"x\", memry = 1 }]", "unknown key `memry`");
    check("season = 5000", "season is 5000");
    check("season = [24, 100]", "of two the longer holds the shorter");
    check("cadence = \"fortnight\"", "a cadence is \"session\"");
    check("cadence = \"7min\"", "a cadence is");
    check("calendar = \"XLON\"\ncadence = \"1week\"", "only a day, or a shorter step, has a calendar");
    check("calendar = \"XXXX\"", "a calendar is \"XNYS\"");
    check("[series.KO]\ncalendar = \"XLON\"\ncadence = \"1week\"", "series.KO: calendar = \"XLON\": ");
    check("[series.KO]\ncadense = \"1week\"", "unknown key `cadense`");
    check("kind = \"number\"", "'number': a kind is \"price\" or \"value\"");
    check("kind = \"value\"\nbox_cox = -0.5", "box_cox: '-0.5': a power is between 0 and 2");
    check("box_cox = 0.5", "box_cox is of values");
    check("error_bound = 1.1\npolicy = { max_age = 20 }", "it needs policy.max_age to be 25 or more");
    check("retention = 5", "retention is 5, but must be within 60");
    check("families = [{ family = \"ets\", order = [1, 1, 0] }]", "only arima takes an order");
    check("families = [{ family = \"arima\", order = [1, 1] }]", "an order is [p, d, q]");
    check("families = [{ family = \"arima\", order = [99, 1, 0] }]", "99");
    check("policy = { degraded = { bound = -1.0 } }", "policy.degraded.bound is -1");
    check("policy = { degraded = { significance = 2.0 } }", "policy.degraded.significance is 2");
    check("policy = { degraded = { window = 0 } }", "policy.degraded.window is 0");
    check("policy = { degraded = { window = 1 } }", "needs 20 or more; significance = 1 asks for no test");
    check("policy = { degraded = { bond = 1.0 } }", "unknown key `bond`");
    check("promotion = \"sometimes\"", "unknown variant `sometimes`");
    check("error_bound = -1.0", "error_bound is -1");
    check("intervals = \"wide\"", "expected `model` or `adaptive`");
    check("start = \"soon\"", "'soon' is not a date");
    check("start = 2015-01-01T10:00:00", "is not a date");
    check("levels = [99.999]", "99.999 is not a percentage");
    check("start = 1990-01-01", "the exchange calendar begins with 2000");
    check("policy = \"sometimes\"", "sometimes");
    check("horizon = ", "line 1");
    check("policy = { max_age = 0 }", "max_age must be at least 1");
    check("[schedule]\nat = \"5 pm\"", "schedule.at is '5 pm'");
    check("[schedule]\ncron = \"5 * * *\"", "has five parts");
    check("[schedule]\ncron = \"5 * * * *\"\nat = \"17:00\"", "leave them out");
    check("[schedule]\nfirst = 2027-01-02\nlast = 2027-01-01", "before schedule.first");
    check("[webhook]\nformat = \"irc\"", "expected one of `slack`, `discord`, `json`");
    check("[fetch]\nask_again_minutes = 0", "must be above 0");
    check("[fetch]\nask_again_minutes = 60\nask_limit = 12", "must end within 10");
    check("[retries]\nattempts = 10\ndelay = \"1h\"", "retries take up to 18: together they must end within 10");
    check("[tiingo]\nrequests_per_hour = 0", "requests_per_hour must be at least 1");
}
