//! The query of `/forecast/{ticker}`.

use forecasting::Level;

use crate::Problem;

/// `horizon=5&level=80&level=95`
#[derive(Debug, Default, PartialEq)]
pub(crate) struct ForecastQuery {
    pub(crate) horizon: Option<usize>,
    pub(crate) levels: Vec<Level>,
}

impl ForecastQuery {
    pub(crate) fn parse(query: &str) -> Result<ForecastQuery, Problem> {
        let mut parsed = ForecastQuery::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "horizon" if parsed.horizon.is_some() => return Err(Problem::field("horizon", "it is given twice")),
                "horizon" => {
                    let sessions = value.parse().map_err(|_| {
                        Problem::field("horizon", format_args!("'{value}' is not a number of sessions"))
                    })?;
                    parsed.horizon = Some(sessions);
                }
                "level" => {
                    let percent: f64 = value
                        .parse()
                        .map_err(|_| Problem::field("level", format_args!("'{value}' is not a percentage")))?;
                    parsed.levels.push(Level::try_from(percent).map_err(|error| Problem::field("level", error))?);
                }
                other => return Err(Problem::field(other, "there is no such parameter; horizon and level are")),
            }
        }
        Ok(parsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_refusals() {
        let query = ForecastQuery::parse("horizon=3&level=80&level=97.5").expect("parses");
        assert_eq!((query.horizon, query.levels.len()), (Some(3), 2));
        assert_eq!(ForecastQuery::parse("").expect("parses"), ForecastQuery::default());
        let check = |query: &str, field: &str| {
            let problem = ForecastQuery::parse(query).expect_err("refused");
            assert_eq!((problem.status, problem.field.as_deref()), (400, Some(field)), "{query}: {problem:?}");
        };
        check("horizon=soon", "horizon");
        check("horizon=-1", "horizon");
        check("horizon=1&horizon=2", "horizon");
        check("level=120", "level");
        check("level=NaN", "level");
        check("level=", "level");
        check("horizn=3", "horizn");
    }
}
