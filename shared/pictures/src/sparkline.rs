/// The points of a line through these values, in a box of `width` by `height`, for the `points` of an SVG polyline. Empty of
/// fewer than two values.
pub fn sparkline(values: &[f64], width: f64, height: f64) -> String {
    let (low, high) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
    if values.len() < 2 || !low.is_finite() || !high.is_finite() {
        return String::new();
    }
    let step = width / (values.len() - 1) as f64;
    // Half a line's width stays free above and below.
    let y = |v: f64| if high > low { 1.0 + (high - v) / (high - low) * (height - 2.0) } else { height / 2.0 };
    let points = values.iter().enumerate().map(|(i, v)| format!("{:.1},{:.1}", i as f64 * step, y(*v)));
    points.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::sparkline;

    #[test]
    fn within_its_box() {
        assert_eq!(sparkline(&[1.0, 3.0, 2.0], 100.0, 22.0), "0.0,21.0 50.0,1.0 100.0,11.0");
        assert_eq!(sparkline(&[5.0, 5.0], 10.0, 20.0), "0.0,10.0 10.0,10.0");
        assert_eq!(sparkline(&[5.0], 10.0, 20.0), "");
        assert_eq!(sparkline(&[5.0, f64::NAN.max(f64::INFINITY)], 10.0, 20.0), "");
    }
}
