//! `status` names what the first page names.

mod support;

use std::fmt::Write as _;

use support::Bench;

/// A hundred calm values, and then as many as are compared with them.
fn values(lately: f64) -> String {
    (0..130).fold("date,value\n".to_owned(), |mut text, t| {
        let step = if t < 109 { 0.5 } else { lately };
        let value = 100.0 + if t % 2 == 0 { step } else { -step } + f64::from(t % 7) / 50.0;
        writeln!(text, "{t},{value:.3}").expect("a string takes every write");
        text
    })
}

#[test]
fn what_needs_attention() {
    let bench = Bench::new();
    bench.write("closing-bell.toml", "kind = \"value\"\ncadence = \"index\"\nfamilies = [\"theta\"]\n");
    bench.write("prices/CALM.csv", &values(0.5));
    let steady = "Nothing failed, and nothing needs attention";
    bench.run("run --market csv:prices").expect(0);
    assert!(bench.run("status").expect(0).out.contains(steady));

    bench.write("prices/WILD.csv", &values(3.0));
    bench.run("run --market csv:prices").expect(0);
    let status = bench.run("status").expect(0);
    assert!(
        status.out.contains("Needs attention: WILD: its values move") && !status.out.contains(steady),
        "{status:?}"
    );
    let json = bench.run("status --json").expect(0).json();
    assert_eq!(
        (json["attention"].as_array().map(Vec::len), &json["attention"][0]["ticker"]),
        (Some(1), &"WILD".into())
    );

    // A failure comes first, and its exit status says so.
    bench.write("prices/WILD.csv", "date,value\n1,much\n");
    bench.write("prices/CALM.csv", &(values(0.5) + "130,100.5\n"));
    bench.run("run --market csv:prices").expect(1);
    let status = bench.run("status").expect(1);
    assert!(status.out.contains("Failed: WILD") && !status.out.contains("Needs attention"), "{status:?}");
}
