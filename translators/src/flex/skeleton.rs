//! A mapping file to start from, for a driver that none knows. It holds the
//! names of options, never their values.

use std::fmt::Write;

use crate::json::{Object, Value};

/// Most options that are listed.
const OPTIONS: usize = 64;

/// What a key's name has in it that may hold the volume's id, best first.
const IDS: [&str; 6] = [
    "volumeid",
    "volume_id",
    "diskid",
    "volumename",
    "volume",
    "id",
];
/// What a key's name has in it that holds a credential.
const CREDENTIALS: [&str; 8] = [
    "secret",
    "password",
    "passwd",
    "token",
    "credential",
    "accesskey",
    "apikey",
    "akid",
];

/// The file, filled in from a volume's FlexVolume source.
pub(super) fn skeleton(driver: &str, source: &Object<'_>) -> String {
    let opened = match source.get("options") {
        Some(Value::Object(options)) => Some(options),
        _ => None,
    };
    let keys: Vec<&str> = opened
        .into_iter()
        .flat_map(Object::members)
        .map(|member| member.key())
        .filter(|key| !key.starts_with("kubernetes.io/"))
        .take(OPTIONS)
        .collect();
    let (credentials, reads): (Vec<&str>, Vec<&str>) = keys
        .into_iter()
        .partition(|key| contains_any(key, &CREDENTIALS));
    let handle = match id(&reads) {
        Some(key) => format!("'options[{}]'", quoted(key).replace('\'', "''")),
        None => "pv.metadata.name".to_owned(),
    };
    let fs_type = match source.contains("fsType") {
        true => "  fsType: pv.spec.flexVolume.fsType\n",
        false => "",
    };
    let secret = match source.contains("secretRef") {
        true => {
            "  secretRefs:\n    nodeStageSecretRef: {name: secretName, namespace: secretNamespace}\n"
        }
        false => "",
    };
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = write!(
        text,
        "# A start, made of one volume: fill in what is marked TODO, and see docs/mappings.md.
mapping: {name}
summary: \"TODO: what the driver stores\"
drivers: [{driver}]
csiDriver: '\"TODO.csi.example.com\"'
confidence: low
credentials: {credentials}
reads: {reads}
volume:
  # TODO: compare with the handles of volumes that the CSI driver made itself.
  volumeHandle: {handle}
{fs_type}{secret}  volumeAttributes: {{}} # TODO: what the CSI driver reads
examples: [] # TODO: at least two volumes, before and after
",
        name = name(driver),
        driver = quoted(driver),
        credentials = list(&credentials),
        reads = list(&reads),
    );
    text
}

fn contains_any(key: &str, words: &[&str]) -> bool {
    let key = key.to_ascii_lowercase();
    let plain: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
    words.iter().any(|word| plain.contains(word))
}

fn id<'k>(keys: &[&'k str]) -> Option<&'k str> {
    let same = |word: &str| keys.iter().find(|key| key.eq_ignore_ascii_case(word));
    let ends = |key: &&&str| key.to_ascii_lowercase().ends_with("id");
    IDS.iter()
        .find_map(|word| same(word))
        .or_else(|| keys.iter().find(ends))
        .copied()
}

/// A mapping's name made of a driver's.
fn name(driver: &str) -> String {
    let mut name = String::new();
    for character in driver.chars().take(63) {
        match character.to_ascii_lowercase() {
            plain if plain.is_ascii_lowercase() || plain.is_ascii_digit() => name.push(plain),
            _ if !name.ends_with('-') => name.push('-'),
            _ => {}
        }
    }
    match name.trim_matches('-') {
        "" => "unknown".to_owned(),
        name => name.to_owned(),
    }
}

/// A text that YAML and CEL read alike: in double quotes, as JSON has it.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

fn list(keys: &[&str]) -> String {
    let keys: Vec<String> = keys.iter().map(|key| quoted(key)).collect();
    format!("[{}]", keys.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flex::mapping::Mapping;

    fn skeleton_of(json: &str) -> String {
        let mut source = Object::parse(json).unwrap();
        source.object("options").unwrap();
        skeleton("acme.com/disk", &source)
    }

    #[test]
    fn it_is_a_mapping_file_without_values() {
        let text = skeleton_of(
            r#"{"driver":"acme.com/disk","fsType":"ext4","secretRef":{"name":"s3cr3t"},"options":
                {"pool":"p00l","diskID":"d-1234","accessKeyId":"AKIA","it's \"odd\"":"x"}}"#,
        );
        let mapping = Mapping::read(&text).unwrap();
        assert_eq!(mapping.name(), "acme-com-disk");
        assert_eq!(
            mapping.file.volume.as_ref().unwrap().volume_handle.value,
            "options[\"diskID\"]"
        );
        assert_eq!(mapping.file.credentials, ["accessKeyId"]);
        assert_eq!(mapping.file.reads, ["pool", "diskID", "it's \"odd\""]);
        mapping.plan().unwrap();
        for value in ["p00l", "d-1234", "AKIA", "s3cr3t"] {
            assert!(!text.contains(value), "{value}");
        }
    }

    #[test]
    fn it_is_one_whatever_the_driver_is_called() {
        for driver in ["a/b", "", "{x}", "\"'\n: #", "Ünï/cødé", "-/-"] {
            let mut source = Object::new();
            source.set("driver", driver);
            let text = skeleton(driver, &source);
            // A name with braces is a pattern, and some are wrong ones.
            if !driver.is_empty() {
                Mapping::read(&text).unwrap();
            }
        }
    }
}
