use forecasting::{Arima, Contender, Family};
use serde::{Deserialize, Deserializer, de::Error as _};

/// `{ family = "arima", order = [1, 1, 0], seasonal = [0, 1, 1, 5], constant = true }`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pinned {
    family: Family,
    order: Vec<usize>,
    seasonal: Option<Vec<usize>>,
    #[serde(default)]
    constant: bool,
}

/// Reads the families of a configuration.
pub(super) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Contender>>, D::Error> {
    let entries = Vec::<toml::Value>::deserialize(deserializer)?;
    let mut contenders = Vec::new();
    for entry in entries {
        if entry.as_str() == Some("all") {
            contenders.extend(all());
        } else {
            contenders.push(contender(entry).map_err(D::Error::custom)?);
        }
    }
    Ok(Some(contenders))
}

/// Every family but the random walk, which is there anyway, and the regression, which is there where there is something to regress on.
pub(super) fn all() -> Vec<Contender> {
    Family::ALL
        .iter()
        .filter(|family| ![Family::RandomWalk, Family::Regression].contains(family))
        .map(|family| Contender::Family(*family))
        .collect()
}

fn contender(entry: toml::Value) -> Result<Contender, String> {
    match entry {
        toml::Value::Table(table) => {
            pinned(table.try_into().map_err(|error: toml::de::Error| error.message().to_owned())?)
        }
        other => other.try_into().map(Contender::Family).map_err(|error: toml::de::Error| error.message().to_owned()),
    }
}

fn pinned(Pinned { family, order, seasonal, constant }: Pinned) -> Result<Contender, String> {
    if family != Family::Arima {
        return Err(format!("only arima takes an order, {family} does not"));
    }
    let [p, d, q] = order[..] else { return Err(format!("an order is [p, d, q], not {order:?}")) };
    let seasonal = match seasonal.as_deref() {
        None => None,
        Some(&[p, d, q, period]) => Some([p, d, q, period]),
        Some(other) => return Err(format!("a seasonal order is [P, D, Q, sessions], not {other:?}")),
    };
    Arima::pinned([p, d, q], seasonal, constant).map(Contender::Pinned).map_err(|error| error.to_string())
}
