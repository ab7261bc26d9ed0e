use std::collections::HashMap;

use crate::plan::digest::Key;

/// Which volume has which handle: all volumes of the cluster, the legacy ones by
/// the handle that they would get.
#[derive(Debug, Default)]
pub struct Handles(HashMap<Key, (u32, Box<str>)>);

impl Handles {
    /// Takes note of one more volume.
    pub fn add(&mut self, driver: &str, handle: &str, volume: &str) {
        let key = Key::of(&[driver, handle]);
        match self.0.get_mut(&key) {
            Some((count, _)) => *count += 1,
            None => {
                self.0.insert(key, (1, volume.into()));
            }
        }
    }

    /// Another volume than `volume` that has the handle.
    pub fn twin(&self, driver: &str, handle: &str, volume: &str) -> Option<String> {
        let (count, first) = self.0.get(&Key::of(&[driver, handle]))?;
        match &**first {
            first if first != volume => Some(format!("PersistentVolume {first}")),
            _ if *count > 1 => Some("another PersistentVolume".to_owned()),
            _ => None,
        }
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
        assert!(handles.twin("d", "h", "a").is_some());
        assert_eq!(
            handles.twin("d", "h", "b").as_deref(),
            Some("PersistentVolume a")
        );
        handles.add("e", "h", "c");
        assert_eq!(handles.twin("e", "h", "c"), None);
    }
}
