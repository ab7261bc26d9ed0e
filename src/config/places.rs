//! Where keys stand in a YAML mapping, whatever stands behind them.

use std::fmt;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_saphyr::{Location, Spanned};

/// The places of a mapping's keys; empty for everything that is no mapping.
#[derive(Debug, Default)]
pub(super) struct Places(Vec<(Spanned<String>, Places)>);

impl Places {
    /// The place of a key, by the keys on the way to it; where it is not, that
    /// of the last key that is there.
    pub fn find(&self, path: &[&str]) -> Option<Location> {
        let (first, rest) = path.split_first()?;
        let (key, below) = self.0.iter().find(|(key, _)| key.value == *first)?;
        Some(below.find(rest).unwrap_or(key.referenced))
    }
}

impl<'de> Deserialize<'de> for Places {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyNode)
    }
}

struct AnyNode;

impl<'de> Visitor<'de> for AnyNode {
    type Value = Places;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Places, A::Error> {
        let mut places = Vec::new();
        while let Some(entry) = map.next_entry()? {
            places.push(entry);
        }
        Ok(Places(places))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Places, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Places::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Places, E> {
        Ok(Places::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Places, E> {
        Ok(Places::default())
    }

    fn visit_i128<E>(self, _: i128) -> Result<Places, E> {
        Ok(Places::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Places, E> {
        Ok(Places::default())
    }

    fn visit_u128<E>(self, _: u128) -> Result<Places, E> {
        Ok(Places::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Places, E> {
        Ok(Places::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<Places, E> {
        Ok(Places::default())
    }

    fn visit_unit<E>(self) -> Result<Places, E> {
        Ok(Places::default())
    }

    fn visit_none<E>(self) -> Result<Places, E> {
        Ok(Places::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Places, D::Error> {
        deserializer.deserialize_any(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, path: &[&str]) -> Option<(u64, u64)> {
        let places: Places = serde_saphyr::from_str(text).unwrap();
        let place = places.find(path)?;
        Some((place.line(), place.column()))
    }

    #[test]
    fn a_key_is_found_whatever_else_there_is() {
        let text = "a: [1, {b: 2}]\nrbd:\n  form: static\n  'clusterID': ~\n  t: {\"k\": 1.5}\n";
        assert_eq!(place(text, &["rbd"]), Some((2, 1)));
        assert_eq!(place(text, &["rbd", "form"]), Some((3, 3)));
        assert_eq!(place(text, &["rbd", "clusterID"]), Some((4, 3)));
        assert_eq!(place(text, &["rbd", "t", "k"]), Some((5, 7)));
        assert_eq!(
            place(text, &["a", "b"]),
            Some((1, 1)),
            "the last on the way"
        );
        assert_eq!(place(text, &["b"]), None);
        for text in [
            "",
            "~",
            "- 1",
            "word",
            "-5",
            "true",
            "18446744073709551615",
            "0.5",
        ] {
            assert_eq!(place(text, &["a"]), None, "{text}");
        }
    }
}
