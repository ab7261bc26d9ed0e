//! Volumes and claims that are to be worked on soon, as a watch told of them, so that
//! nobody has to read each by itself.

use std::collections::HashMap;

use serde_json::value::RawValue;

use crate::rewrite::{Place, Resource};

/// How much is kept, bytes of JSON. What does not fit is read when its turn comes.
const MOST: usize = 32 << 20;

/// Fewer are read sooner than all of a cluster are told of.
const FEW: usize = 64;

/// Objects of whom something may be told before their turn comes.
#[derive(Debug, Default)]
pub struct Coming {
    told: HashMap<Place, Option<Box<RawValue>>>,
    size: usize,
}

impl Coming {
    /// Those of which it is worth being told.
    pub fn new(places: Vec<Place>) -> Self {
        let told = match places.len() {
            ..FEW => HashMap::new(),
            _ => places.into_iter().map(|place| (place, None)).collect(),
        };
        Self { told, size: 0 }
    }

    /// Whether some are of this kind.
    pub fn has(&self, resource: Resource) -> bool {
        self.told.keys().any(|place| place.resource == resource)
    }

    /// Keeps what was told of an object, if its turn is to come; `None`: it is gone.
    pub fn told(&mut self, place: &Place, json: Option<&RawValue>) {
        let Some(told) = self.told.get_mut(place) else {
            return;
        };
        self.size -= told.take().map_or(0, |old| old.get().len());
        if let Some(json) = json
            && self.size + json.get().len() <= MOST
        {
            self.size += json.get().len();
            *told = Some(json.to_owned());
        }
    }

    /// What was told last of an object, whose turn has come: nothing more is kept of it.
    pub fn take(&mut self, place: &Place) -> Option<Box<RawValue>> {
        let told = self.told.remove(place)??;
        self.size -= told.get().len();
        Some(told)
    }

    /// Forgets what was told of a kind: something may have been missed.
    pub fn forget(&mut self, resource: Resource) {
        for (place, told) in &mut self.told {
            if place.resource == resource {
                self.size -= told.take().map_or(0, |old| old.get().len());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(size: usize) -> Box<RawValue> {
        RawValue::from_string(format!("\"{}\"", "x".repeat(size - 2))).unwrap()
    }

    fn places(number: usize) -> Vec<Place> {
        let place = |number| Place::of_cluster(Resource::PersistentVolume, format!("pv-{number}"));
        (0..number).map(place).collect()
    }

    #[test]
    fn what_was_told_last_is_had_once() {
        let places = places(FEW);
        let mut coming = Coming::new(places.clone());
        assert!(coming.has(Resource::PersistentVolume));
        assert!(!coming.has(Resource::Claim));
        for size in [10, 20] {
            coming.told(&places[0], Some(&json(size)));
        }
        coming.told(&places[1], Some(&json(30)));
        coming.told(&places[1], None);
        coming.told(&Place::of_cluster(Resource::Node, "n"), Some(&json(9)));
        assert_eq!(coming.take(&places[0]).unwrap().get().len(), 20);
        // Its turn has come: nobody asks for it again.
        coming.told(&places[0], Some(&json(10)));
        assert!(coming.take(&places[0]).is_none());
        assert!(coming.take(&places[1]).is_none());
        assert_eq!(coming.size, 0);
    }

    #[test]
    fn no_more_is_kept_than_is_to_be() {
        let places = places(FEW);
        let mut coming = Coming::new(places.clone());
        for place in &places {
            coming.told(place, Some(&json(MOST / 4)));
        }
        let kept = places.iter().filter(|place| coming.told[place].is_some());
        assert_eq!(kept.count(), 4);
        // One that got too large is not kept as it was before.
        coming.told(&places[0], Some(&json(MOST)));
        coming.told(&places[63], Some(&json(MOST / 4)));
        coming.forget(Resource::Claim);
        assert!(coming.told[&places[0]].is_none());
        assert!(coming.take(&places[63]).is_some());
        coming.forget(Resource::PersistentVolume);
        assert!(coming.take(&places[1]).is_none());
        assert_eq!(coming.size, 0);
    }

    #[test]
    fn of_few_nothing_is_kept() {
        let places = places(FEW - 1);
        let mut coming = Coming::new(places.clone());
        assert!(!coming.has(Resource::PersistentVolume));
        coming.told(&places[0], Some(&json(10)));
        assert!(coming.take(&places[0]).is_none());
    }
}
