//! How a configuration writes a policy.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, MapAccess, Unexpected, Visitor},
};

use super::{Degraded, Policy};

/// `"always"`, `"degraded"`, `{ degraded = { bound = 0.15 } }` or `{ max_age = 20 }`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Plain {
    Always,
    Degraded,
    MaxAge(usize),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ruled {
    degraded: Degraded,
}

impl Serialize for Policy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Policy::Always => Plain::Always.serialize(serializer),
            Policy::MaxAge(sessions) => Plain::MaxAge(sessions).serialize(serializer),
            Policy::Degraded(rule) if rule == Degraded::default() => Plain::Degraded.serialize(serializer),
            Policy::Degraded(degraded) => Ruled { degraded }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Policy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;
        impl<'de> Visitor<'de> for Written {
            type Value = Policy;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "\"always\", \"degraded\", { degraded = { bound = 0.15, window = 20 } } or { max_age = 20 }",
                )
            }

            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Policy, E> {
                match word {
                    "always" => Ok(Policy::Always),
                    "degraded" => Ok(Policy::Degraded(Degraded::default())),
                    _ => Err(E::invalid_value(Unexpected::Str(word), &self)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Policy, A::Error> {
                let policy = match map.next_key::<String>()?.as_deref() {
                    Some("degraded") => Policy::Degraded(map.next_value()?),
                    Some("max_age") => Policy::MaxAge(map.next_value()?),
                    Some(other) => return Err(A::Error::unknown_field(other, &["degraded", "max_age"])),
                    None => return Err(A::Error::custom("a policy is empty")),
                };
                match map.next_key::<String>()? {
                    None => Ok(policy),
                    Some(_) => Err(A::Error::custom("a policy is one of degraded and max_age")),
                }
            }
        }
        deserializer.deserialize_any(Written)
    }
}
