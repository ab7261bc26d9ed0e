use std::collections::HashMap;

use crate::plan::digest::Key;

/// Which volume has which handle: all volumes of the cluster, the legacy ones by
/// the handle that they would get.
#[derive(Debug, Default)]
pub struct Handles(HashMap<Key, (Box<str>, Option<Box<str>>)>);

impl Handles {
    /// Takes note of one more volume.
    pub fn add(&mut self, driver: &str, handle: &str, volume: &str) {
        let key = Key::of(&[driver, handle]);
        match self.0.get_mut(&key) {
            Some((_, second)) => {
                second.get_or_insert_with(|| volume.into());
            }
            None => {
                self.0.insert(key, (volume.into(), None));
            }
        }
    }

    /// Another volume than `volume` that has the handle.
    pub fn twin(&self, driver: &str, handle: &str, volume: &str) -> Option<String> {
        let (first, second) = self.0.get(&Key::of(&[driver, handle]))?;
        let other = match &**first {
            first if first != volume => first,
            _ => second.as_deref()?,
        };
        Some(format!("PersistentVolume {other}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_volumes_on_one_handle_find_each_other() {
        let mut handles = Handles::default();
        handles.add("d", "h", "a");
        assert_eq!(handles.twin("d", "h", "a"), None);
        handles.add("d", "h", "b");
        assert_eq!(
            handles.twin("d", "h", "a").as_deref(),
            Some("PersistentVolume b")
        );
        assert_eq!(
            handles.twin("d", "h", "b").as_deref(),
            Some("PersistentVolume a")
        );
        handles.add("e", "h", "c");
        assert_eq!(handles.twin("e", "h", "c"), None);
    }
}
