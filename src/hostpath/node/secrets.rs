//! Secrets that a driver logs in with: here it is enough that they are there.

use std::collections::BTreeMap;

use crate::hostpath::driver::Driver;
use crate::hostpath::error::Error;
use crate::hostpath::id::Id;

impl Driver {
    /// Whether the secrets of a call have all keys that are needed. Their values are
    /// neither kept nor said.
    pub(super) fn check_secrets(
        &self,
        volume: &Id,
        secrets: &BTreeMap<String, String>,
    ) -> Result<(), Error> {
        let is_missing = |key: &&String| secrets.get(*key).is_none_or(String::is_empty);
        match self.needed_secrets.iter().find(is_missing) {
            Some(key) => Err(Error::NoSecret {
                volume: volume.clone(),
                key: key.clone(),
            }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hostpath::HostpathArgs;

    #[test]
    fn a_call_needs_all_keys() {
        let state = tempfile::tempdir().unwrap();
        let needed = ["--need-secret=user", "--need-secret=password"];
        let args = HostpathArgs::of_flags(state.path(), needed);
        let driver = Driver::open(&args, false).unwrap();
        let id = Id::required("volume_id", "v").unwrap();
        let check = |secrets: &[(&str, &str)]| {
            let all = secrets
                .iter()
                .map(|(key, value)| (key.to_string(), value.to_string()));
            driver
                .check_secrets(&id, &all.collect())
                .map_err(|error| error.to_string())
        };
        assert!(check(&[("user", "u"), ("password", "hidden"), ("more", "")]).is_ok());
        let error = check(&[("user", "u"), ("password", "")]).unwrap_err();
        assert!(error.contains("\"password\" is missing"), "{error}");
        let error = check(&[("password", "hidden")]).unwrap_err();
        assert!(
            error.contains("\"user\"") && !error.contains("hidden"),
            "{error}"
        );
    }
}
