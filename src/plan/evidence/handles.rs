use std::collections::HashMap;

use flex2csi_translators::endpoint::DRIVER_SUFFIX;

use crate::digest::Key;

/// Which volume has which handle: all volumes of the cluster, the legacy ones by
/// the handle that they would get.
#[derive(Debug, Default)]
pub struct Handles(HashMap<Key, (Box<str>, Option<Box<str>>)>);

impl Handles {
    /// Takes note of one more volume, or of one more handle of it.
    pub fn add(&mut self, driver: &str, handle: &str, volume: &str) {
        let key = key(driver, handle);
        match self.0.get_mut(&key) {
            Some((first, _)) if **first == *volume => {}
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
        let (first, second) = self.0.get(&key(driver, handle))?;
        let other = match &**first {
            first if first != volume => first,
            _ => second.as_deref()?,
        };
        Some(format!("PersistentVolume {other}"))
    }
}

/// What is an endpoint's is its backend's: both names are for one piece of storage.
fn key(driver: &str, handle: &str) -> Key {
    let backend = driver.strip_suffix(DRIVER_SUFFIX).unwrap_or(driver);
    Key::of(&[backend, handle])
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
        // One volume may be known in two forms.
        handles.add("e.flex2csi.io", "h", "c");
        assert_eq!(handles.twin("e", "h", "c"), None);
        handles.add("e.flex2csi.io", "h", "d");
        assert_eq!(
            handles.twin("e", "h", "c").as_deref(),
            Some("PersistentVolume d")
        );
    }
}
