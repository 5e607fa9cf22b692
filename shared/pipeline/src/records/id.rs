//! Ids of runs and of model versions: a stamp, and the beginning of a digest.

use std::fmt;

use forecasting::Stamp;
use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::Digest;

/// What is no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id is a date, a time or an index, a hyphen and eight hexadecimal digits, as in 2020-12-11-0123abcd")]
pub struct NotAnId;

/// An id is part of keys: of another shape it might lead out of its place.
fn checked(text: &str) -> Result<String, NotAnId> {
    let (stamp, digest) = text.rsplit_once('-').ok_or(NotAnId)?;
    let hexadecimal = digest.len() == 8 && digest.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    // Its shape, as the interface's schema says it.
    let shape = |text: &str| text.bytes().map(|b| if b.is_ascii_digit() { b'0' } else { b }).collect::<Vec<u8>>();
    let shapes: [&[u8]; 3] = [b"0000-00-00", b"0000-00-00T0000Z", b"0000000000"];
    if hexadecimal && shapes.contains(&shape(stamp).as_slice()) { Ok(text.to_owned()) } else { Err(NotAnId) }
}

macro_rules! id {
    ($Id:ident, $what:literal, $example:literal) => {
        #[doc = $what]
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[cfg_attr(feature = "openapi", schema(example = $example))]
        #[cfg_attr(
            feature = "openapi",
            schema(pattern = "^([0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{4}Z)?|[0-9]{10})-[0-9a-f]{8}$")
        )]
        pub struct $Id(String);

        impl $Id {
            /// Of this stamp, by the beginning of this digest.
            pub fn new(stamp: impl Into<Stamp>, digest: &Digest) -> $Id {
                $Id(format!("{}-{}", stamp.into().in_keys(), digest.short()))
            }

            /// As text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The stamp that it begins with. A day that no calendar has names nothing that exists, and is the first of all stamps.
            pub fn as_of(&self) -> Stamp {
                self.0[..self.0.len() - 9].parse().unwrap_or(Stamp::Date(Date::MIN))
            }
        }

        /// As someone typed it; it need not exist.
        impl std::str::FromStr for $Id {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<$Id, NotAnId> {
                checked(text).map($Id)
            }
        }

        impl fmt::Display for $Id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $Id {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$Id, D::Error> {
                let text = String::deserialize(deserializer)?;
                checked(&text).map($Id).map_err(|error| D::Error::custom(format_args!("'{text}': {error}")))
            }
        }
    };
}

id!(
    RunId,
    "`{as_of}-{digest8 of the configuration}`: starting the same run again finds the same id.",
    "2020-12-11-e9ce562a"
);
id!(
    VersionId,
    "`{last session}-{digest8 of the inputs}`: it derives from what goes in, so training twice finds the same id.",
    "2020-12-11-158583d2"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        assert_eq!(
            "2020-12-11-0123abcd".parse::<RunId>().map(|id| id.to_string()),
            Ok("2020-12-11-0123abcd".to_owned())
        );
        for (text, stamp) in [
            ("2020-12-11-0123abcd", "2020-12-11"),
            ("2020-12-11T1300Z-0123abcd", "2020-12-11T13:00Z"),
            ("0000000417-0123abcd", "417"),
        ] {
            let id: VersionId = text.parse().expect("an id");
            assert_eq!(id.as_of(), stamp.parse().expect("a stamp"), "{text}");
        }
        for text in [
            "",
            "2020-12-11",
            "2020-12-11-0123ABCD",
            "2020-12-11-0123abc",
            "2020-x3-11-0123abcd",
            "../../etc/passwd",
            "2020-12-11-0123abcde",
            "20201211-0123abcd",
            "2020-12-1\u{e9}-123abcd",
        ] {
            assert_eq!(text.parse::<VersionId>(), Err(NotAnId), "{text}");
            assert!(serde_json::from_value::<RunId>(text.into()).is_err(), "{text}");
        }
    }
}
