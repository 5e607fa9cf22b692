/// A price as people are shown it: four significant digits at least and two decimals at least, in scientific notation where it is
/// beyond reading.
///
/// ```
/// use forecasting::price;
/// assert_eq!([1234.5, 42.0, 0.0123, 1e-9].map(price), ["1234.50", "42.00", "0.01230", "1.0000e-9"]);
/// ```
pub fn price(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e12).contains(&size) {
        return format!("{value:.4e}");
    }
    let decimals = if size >= 100.0 { 2 } else { (3.0 - size.max(1e-9).log10().floor()).clamp(2.0, 10.0) as usize };
    let decimals = if size == 0.0 { 2 } else { decimals };
    format!("{value:.decimals$}")
}
