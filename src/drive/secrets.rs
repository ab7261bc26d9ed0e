//! `--create-secrets`: the Secrets that CSI drivers read, where the legacy ones have
//! other keys, or the keys stand in the volume's options.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use flex2csi_translators::context::Secrets;
use flex2csi_translators::plan::FindingCode;
use flex2csi_translators::rewrite::ObjectKind;
use kube::Client;
use serde::Deserialize;
use serde_json::Value;

use super::live;
use super::work::line;
use crate::api_request::ask::{Ask, AskError, METADATA_ONLY};
use crate::objects::metadata::Named;
use crate::objects::translator::Translator;
use crate::plan::row::Row;
use crate::rights::{self, Need};

/// Whether a volume waits for a Secret that can be made for it.
pub fn is_lacking(row: &Row) -> bool {
    has(row, FindingCode::SecretToCreate)
}

/// Whether it may be so: who may not look for Secrets cannot tell.
pub fn may_be_lacking(row: &Row) -> bool {
    is_lacking(row) || has(row, FindingCode::SecretUnchecked)
}

fn has(row: &Row, code: FindingCode) -> bool {
    row.findings.iter().any(|found| found.code == code.as_str())
}

/// What it takes to make the Secrets that volumes wait for, or may wait for. One that
/// cannot be looked at is told of when its Secret is made.
pub async fn needs(client: &Client, translator: &Translator, rows: &[Row]) -> Vec<Need> {
    let (mut read, mut made) = (BTreeSet::new(), BTreeSet::new());
    for row in rows.iter().filter(|row| may_be_lacking(row)) {
        let Ok(volume) = volume(client, &row.object.name).await else {
            continue;
        };
        let new = translator.new_secrets(&volume, &Secrets::new());
        let new = new.unwrap_or_default();
        if new.is_empty() {
            continue;
        }
        let legacy = serde_json::from_str(&volume).map(|volume| named_in(&volume));
        read.extend(legacy.into_iter().flatten());
        for secret in new {
            if let Ok(Named { metadata }) = serde_json::from_str(&secret) {
                made.insert(metadata.namespace.clone());
                // Whether it is there is looked at first.
                read.insert((metadata.namespace, metadata.name));
            }
        }
    }
    rights::of_secrets(&read, &made)
}

/// Makes the Secrets that these volumes wait for, with what the legacy ones and the
/// options hold. One that is there is left as it is. How many could not be made.
pub async fn create(client: &Client, translator: &Translator, rows: &[Row]) -> usize {
    let mut failed = 0;
    let mut seen = BTreeSet::new();
    for row in rows.iter().filter(|row| is_lacking(row)) {
        if let Err(error) = of_volume(client, translator, &row.object.name, &mut seen).await {
            failed += 1;
            line(&format!(
                "failed: the Secret of {}: {error:#}",
                row.object.full_name()
            ));
        }
    }
    failed
}

async fn of_volume(
    client: &Client,
    translator: &Translator,
    name: &str,
    seen: &mut BTreeSet<String>,
) -> anyhow::Result<()> {
    let volume = volume(client, name).await?;
    let mut legacy = Secrets::new();
    for (namespace, name) in named_in(&serde_json::from_str(&volume)?) {
        let data = data(client, &namespace, &name).await?;
        legacy.insert((namespace, name), data);
    }
    for secret in translator.new_secrets(&volume, &legacy)? {
        let Named { metadata } = serde_json::from_str(&secret)?;
        let (namespace, name) = (metadata.namespace, metadata.name);
        if !seen.insert(format!("{namespace}/{name}"))
            || is_there(client, &namespace, &name).await?
        {
            continue;
        }
        if let Some(key) = empty_key(&serde_json::from_str(&secret)?) {
            anyhow::bail!(
                "the legacy Secret has nothing for the key {key} of {namespace}/{name}; create that \
                 one yourself"
            );
        }
        let path = format!(
            "/api/v1/namespaces/{namespace}/secrets?fieldManager=flex2csi&fieldValidation=Strict"
        );
        match Ask::post(path, &secret).send(client).await {
            Ok(_) => line(&format!("Secret {namespace}/{name}: created")),
            // Another was faster.
            Err(AskError::Refused { .. }) if is_there(client, &namespace, &name).await? => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

async fn volume(client: &Client, name: &str) -> anyhow::Result<String> {
    let place = live::place(ObjectKind::PersistentVolume, name);
    let volume = live::get(client, &place).await?;
    volume.with_context(|| {
        format!("PersistentVolume {name} was deleted since it was planned; plan again")
    })
}

fn path(namespace: &str, name: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/secrets/{name}")
}

async fn is_there(client: &Client, namespace: &str, name: &str) -> Result<bool, AskError> {
    let ask = Ask {
        accept: METADATA_ONLY,
        ..Ask::get(path(namespace, name))
    };
    match ask.send(client).await {
        Ok(_) => Ok(true),
        Err(AskError::NotFound { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// A Secret's `data`, in base64 as it stands.
async fn data(
    client: &Client,
    namespace: &str,
    name: &str,
) -> anyhow::Result<BTreeMap<String, String>> {
    #[derive(Deserialize)]
    struct Secret {
        #[serde(default)]
        data: BTreeMap<String, String>,
    }
    let json = Ask::get(path(namespace, name)).send(client).await?;
    let Ok(secret) = serde_json::from_str::<Secret>(&json) else {
        // serde's text may show values.
        anyhow::bail!(
            "what the API server has as the Secret {namespace}/{name} is none: its data has to be texts \
             by key; look at it with `kubectl get secret -n {namespace} {name}`"
        );
    };
    Ok(secret.data)
}

/// The Secrets that a volume names: FlexVolume and the in-tree sources look for one
/// without a namespace in the claim's.
fn named_in(volume: &Value) -> Vec<(String, String)> {
    let of_claim = volume["spec"]["claimRef"]["namespace"].as_str();
    let sources = volume["spec"].as_object().into_iter().flatten();
    let references = sources.map(|(_, source)| &source["secretRef"]);
    let named = references.filter_map(|reference| {
        let name = reference["name"].as_str().filter(|name| !name.is_empty())?;
        let namespace = reference["namespace"].as_str();
        let namespace = namespace
            .filter(|namespace| !namespace.is_empty())
            .or(of_claim)?;
        Some((namespace.to_owned(), name.to_owned()))
    });
    named.collect()
}

/// A key that is to be filled in by somebody.
fn empty_key(secret: &Value) -> Option<&str> {
    let texts = secret["stringData"].as_object()?;
    let mut empty = texts.iter().filter(|(_, value)| *value == "");
    empty.next().map(|(key, _)| key.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_secrets_of_a_volume_are_looked_for_where_kubelet_does() {
        let volume = |reference: Value| {
            json!({"spec": {
                "claimRef": {"namespace": "shop"},
                "flexVolume": {"driver": "a/b", "secretRef": reference},
            }})
        };
        let named = |reference| named_in(&volume(reference));
        let pair = |namespace: &str| vec![(namespace.to_owned(), "s".to_owned())];
        assert_eq!(named(json!({"name": "s"})), pair("shop"));
        assert_eq!(named(json!({"name": "s", "namespace": "n"})), pair("n"));
        assert!(named(json!({"name": ""})).is_empty());
        assert!(named(Value::Null).is_empty());
    }

    #[test]
    fn what_nobody_has_is_not_made() {
        let secret = json!({"data": {"a": "eA=="}, "stringData": {"b": "", "c": "x"}});
        assert_eq!(empty_key(&secret), Some("b"));
        assert_eq!(empty_key(&json!({"stringData": {"c": "x"}})), None);
    }
}
