//! A series is removed for good, and the others stay as they are.

mod support;

use std::fs;

use support::Bench;

#[test]
fn one_is_forgotten_and_the_others_stay() {
    let bench = Bench::new();
    bench.prices("prices", &["KO", "XOM"], "2020-12-11");
    fs::copy(bench.path("prices/XOM.csv"), bench.path("prices/KO-B.csv")).expect("copies");
    let nights = "--market csv:prices --from 2020-12-10 --to 2020-12-11";
    bench.run(&format!("backfill {nights}")).expect(0);
    assert!(bench.run("forget KO").expect(2).err.contains("--yes"));
    let before = bench.archive("closing-bell-data");

    let told = bench.run("forget KO --yes").expect(0);
    assert!(told.out.contains("KO was forgotten, with 12 results and verdicts"), "{told:?}");
    assert!(bench.run("verify KO").expect(0).out.contains("nothing of it is left"));
    assert!(bench.run("predict KO").expect(1).err.contains("KO"));
    assert!(bench.run("forget NOBODY --yes").expect(1).err.contains("NOBODY"));
    let after = bench.archive("closing-bell-data");
    let gone: Vec<&String> = before.keys().filter(|key| !after.contains_key(*key)).collect();
    let of_ko = |key: &str| {
        key.contains("/KO/") || (key.starts_with("forecasts/") && key.contains("/KO-") && !key.contains("KO-B"))
    };
    assert!(gone.len() >= 6 && gone.iter().all(|key| of_ko(key)), "{gone:?}");
    assert!(after.keys().filter(|key| of_ko(key)).all(|key| key.starts_with("forgotten/")), "{:?}", after.keys());
    for other in ["XOM", "KO-B"] {
        bench.run(&format!("verify {other}")).expect(0);
    }

    // While it stays on the watchlist, it begins anew.
    bench.run("run --market csv:prices --as-of 2020-12-11 --ticker KO").expect(0);
    bench.run("verify KO").expect(0);
    assert!(bench.run("receipts KO --json").expect(0).json().as_array().is_some_and(|list| list.len() == 1));
}
