//! The likelihood's kernels, whole fits and selections; `cargo bench -p closing-bell-arima`.

#![allow(missing_docs, reason = "criterion's macros make undocumented functions")]

use std::hint::black_box;

use arima::{Arima, AutoArima, Likelihood, Order, Seasonal};
use augurs::Fit;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// A random walk whose steps follow an ARMA(2,2), from a linear congruential generator.
fn series(n: usize) -> Vec<f64> {
    let mut seed = 1_u64;
    let mut uniform = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 11) as f64 / (1_u64 << 53) as f64
    };
    let (mut x, mut e, mut level) = ([0.0; 2], [0.0; 2], 0.0);
    (0..n)
        .map(|_| {
            let shock = (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
            let next = 0.5 * x[0] - 0.3 * x[1] + shock + 0.4 * e[0] + 0.2 * e[1];
            (x, e) = ([next, x[0]], [shock, e[0]]);
            level += next;
            level
        })
        .collect()
}

fn likelihood(c: &mut Criterion) {
    let y = series(1_251);
    let u = [0.4, -0.3, -0.35, -0.2];
    let mut group = c.benchmark_group("exact likelihood of ARMA(2,2)");
    group.throughput(Throughput::Elements(1_250));
    let mut plain = Likelihood::new(Arima::new(Order { p: 2, d: 1, q: 2 }), &y).expect("a series");
    group.bench_function("value", |b| b.iter(|| plain.value(black_box(&u))));
    let mut gradient = [0.0; 4];
    group.bench_function("value and gradient", |b| b.iter(|| plain.with_gradient(black_box(&u), &mut gradient)));
    let mut drift = Likelihood::new(Arima::new(Order { p: 2, d: 1, q: 2 }).with_drift(), &y).expect("a series");
    group.bench_function("value and gradient, with drift", |b| {
        b.iter(|| drift.with_gradient(black_box(&u), &mut gradient));
    });
    group.finish();

    let mut group = c.benchmark_group("exact likelihood of (0,1,1)(0,1,1)[12]");
    let y = series(144);
    group.throughput(Throughput::Elements(131));
    let seasonal = Seasonal { p: 0, d: 1, q: 1, period: 12 };
    let airline = Arima::new(Order { p: 0, d: 1, q: 1 }).with_seasonal(seasonal);
    let mut airline = Likelihood::new(airline, &y).expect("a series");
    let mut gradient = [0.0; 2];
    group.bench_function("value and gradient", |b| {
        b.iter(|| airline.with_gradient(black_box(&[0.4, 0.6]), &mut gradient));
    });
    group.finish();
}

fn fits(c: &mut Criterion) {
    let mut group = c.benchmark_group("n = 1,250");
    let y = series(1_250);
    group.sample_size(20);
    group.bench_function("fit ARIMA(2,1,2)", |b| b.iter(|| Arima::new(Order { p: 2, d: 1, q: 2 }).fit(black_box(&y))));
    group.bench_function("select, p and q up to 5", |b| b.iter(|| AutoArima::default().fit(black_box(&y))));
    group.finish();
}

criterion_group!(benches, likelihood, fits);
criterion_main!(benches);
