//! Every picture, drawn of prices and forecasts that are told here.

use forecasting::{Interval, Level, Period, PriceSeries, RandomWalk, Residuals, Row, Specification, Step, Window};
use pictures::{Fan, Theme, fan, night, png, residuals};

fn prices() -> Vec<f64> {
    (0..90).map(|i| 50.0 + f64::from(i) * 0.1 + 4.0 * (f64::from(i) / 7.0).sin()).collect()
}

fn steps() -> Vec<Step> {
    let mut date: Period = "2020-12-11".parse().expect("a session");
    let level = |percent: f64| Level::try_from(percent).expect("a level");
    let step = |horizon: usize| {
        date = date.next();
        let (mean, spread) = (59.0, (horizon as f64).sqrt());
        let interval = |percent, width: f64| Interval {
            level: level(percent),
            lower: mean - width * spread,
            upper: mean + width * spread,
        };
        Step { horizon, date, mean, intervals: vec![interval(80.0, 1.3), interval(95.0, 2.0)] }
    };
    (1..=5).map(step).collect()
}

fn drawn<'a>(past: &'a [f64], steps: &'a [Step]) -> Fan<'a> {
    Fan {
        title: "NLS · random walk <&>".to_owned(),
        subtitle: "80 % and 95 % intervals".to_owned(),
        days: ("2020-08-05".to_owned(), "2020-12-11".to_owned()),
        past,
        steps,
    }
}

fn keep(name: &str, bytes: &[u8]) {
    if let Some(folder) = std::env::var_os("KEEP_PICTURES") {
        std::fs::write(std::path::Path::new(&folder).join(name), bytes).expect("written");
    }
}

#[test]
fn each_is_drawn_in_both_themes_and_the_same_every_time() {
    let (past, steps) = (prices(), steps());
    let mut day: Period = "2019-01-02".parse().expect("a session");
    let rows = (1..=400).map(|i| {
        let price = Some(50.0 + 10.0 * (f64::from(i as u32) / 3.0).sin());
        let row = Row { close: price, adjusted_close: price, ..Row::new(i, day.date()) };
        day = day.next();
        row
    });
    let series = PriceSeries::new("NLS".parse().expect("a ticker"), rows).expect("a series");
    let walk = Specification::RandomWalk(RandomWalk { drift: false });
    let errors = Residuals::of(&series, &walk, Window::All, 150).expect("residuals");
    for theme in [Theme::Light, Theme::Dark] {
        let draw = || {
            let fans: Vec<Fan<'_>> = (0..5).map(|_| drawn(&past, &steps)).collect();
            [
                ("fan", fan(&drawn(&past, &steps), (900, 420), theme).expect("drawn")),
                ("night", night("Night of 2020-12-11", "5 of 5 tickers done", &fans, theme).expect("drawn")),
                ("residuals", residuals("NLS · random walk", &errors, (900, 560), theme).expect("drawn")),
            ]
        };
        for ((name, svg), (_, again)) in draw().into_iter().zip(draw()) {
            assert_eq!(svg, again, "{name}");
            let name = format!("{name}-{theme:?}").to_lowercase();
            keep(&format!("{name}.svg"), svg.as_bytes());
            let pixels = png(&svg, 2.0).expect("pixels");
            keep(&format!("{name}.png"), &pixels);
            assert_eq!(&pixels[1..4], b"PNG", "{name}");
            assert_eq!(pixels, png(&svg, 2.0).expect("pixels"), "{name}");
            // Without the fonts there would be no text, and no error.
            let blank = png(&without_text(&svg), 2.0).expect("pixels");
            assert_ne!(pixels, blank, "{name}: its text is not drawn");
        }
    }
}

/// An SVG whose texts are empty.
fn without_text(svg: &str) -> String {
    let mut parts = svg.split("<text");
    let head = parts.next().unwrap_or_default().to_owned();
    parts.fold(head, |all, part| all + part.split_once("</text>").map_or("", |(_, rest)| rest))
}

#[test]
fn what_is_in_a_picture() {
    let (past, steps) = (prices(), steps());
    let svg = fan(&drawn(&past, &steps), (900, 420), Theme::Light).expect("drawn");
    assert_eq!(svg.matches("<polygon").count(), 2, "one band a level");
    assert!(svg.contains("NLS · random walk &lt;&amp;&gt;"), "text is escaped");
    for day in ["2020-08-05", "2020-12-11", "12-18"] {
        assert!(svg.contains(day), "{day}");
    }
    assert!(fan(&drawn(&[], &steps), (900, 420), Theme::Light).is_err());
    assert!(night("", "", &[], Theme::Light).is_err());
    // One price that never moves, and no forecast: nothing to scale by, and still a picture.
    assert!(fan(&drawn(&[5.0], &[]), (900, 420), Theme::Light).is_ok());
    assert!(png("no picture", 1.0).is_err());
}
