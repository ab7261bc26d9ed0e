//! The objects that are looked up, by their names.

use std::fmt;
use std::future::Future;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{ClusterError, PodName, SecretName};

/// The kinds that are looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Kind {
    Pod,
    PersistentVolumeClaim,
    PersistentVolume,
    StorageClass,
    Secret,
    CsiDriver,
    Node,
}

impl Kind {
    const ALL: [Self; 7] = [
        Self::Pod,
        Self::PersistentVolumeClaim,
        Self::PersistentVolume,
        Self::StorageClass,
        Self::Secret,
        Self::CsiDriver,
        Self::Node,
    ];

    /// The kind of an object as it says itself; any version counts.
    pub(super) fn of(api_version: &str, kind: &str) -> Option<Self> {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        Self::ALL
            .into_iter()
            .find(|known| known.name() == kind && known.group() == group)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pod => "Pod",
            Self::PersistentVolumeClaim => "PersistentVolumeClaim",
            Self::PersistentVolume => "PersistentVolume",
            Self::StorageClass => "StorageClass",
            Self::Secret => "Secret",
            Self::CsiDriver => "CSIDriver",
            Self::Node => "Node",
        }
    }

    fn group(self) -> &'static str {
        match self {
            Self::StorageClass | Self::CsiDriver => "storage.k8s.io",
            _ => "",
        }
    }

    /// As the API server's paths have it.
    fn plural(self) -> &'static str {
        match self {
            Self::Pod => "pods",
            Self::PersistentVolumeClaim => "persistentvolumeclaims",
            Self::PersistentVolume => "persistentvolumes",
            Self::StorageClass => "storageclasses",
            Self::Secret => "secrets",
            Self::CsiDriver => "csidrivers",
            Self::Node => "nodes",
        }
    }

    pub(super) fn is_namespaced(self) -> bool {
        matches!(self, Self::Pod | Self::PersistentVolumeClaim | Self::Secret)
    }
}

/// An object by its name. Its text form is how messages name it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Object {
    kind: Kind,
    /// Empty where the kind has none.
    namespace: String,
    name: String,
}

impl Object {
    /// An object of a kind that has no namespaces.
    pub(super) fn of_cluster(kind: Kind, name: &str) -> Self {
        Self::named(kind, "", name)
    }

    pub(super) fn named(kind: Kind, namespace: &str, name: &str) -> Self {
        Self {
            kind,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    pub(super) fn pod(pod: &PodName) -> Self {
        Self::named(Kind::Pod, &pod.namespace, &pod.name)
    }

    pub(super) fn secret(secret: &SecretName) -> Self {
        Self::named(Kind::Secret, &secret.namespace, &secret.name)
    }

    /// Where the API server has it.
    ///
    /// # Errors
    /// It has a name that no object has, and that would be another path.
    pub(super) fn path(&self) -> Result<String, ClusterError> {
        for part in [&self.namespace, &self.name] {
            let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.');
            if !part.bytes().all(is_plain) || part.starts_with('.') {
                return Err(self.unreadable(format!("no object is called {part:?}")));
            }
        }
        if self.name.is_empty() || self.kind.is_namespaced() && self.namespace.is_empty() {
            return Err(self.unreadable("it has no name"));
        }
        let root = match self.kind.group() {
            "" => "/api/v1".to_owned(),
            group => format!("/apis/{group}/v1"),
        };
        let namespace = match self.namespace.as_str() {
            "" => String::new(),
            namespace => format!("/namespaces/{namespace}"),
        };
        let (plural, name) = (self.kind.plural(), &self.name);
        Ok(format!("{root}{namespace}/{plural}/{name}"))
    }

    pub(super) fn not_found(&self) -> ClusterError {
        ClusterError::NotFound {
            object: self.to_string(),
        }
    }

    pub(super) fn differs(&self, reason: impl Into<String>) -> ClusterError {
        ClusterError::Differs {
            object: self.to_string(),
            reason: reason.into(),
        }
    }

    pub(super) fn unreadable(&self, reason: impl Into<String>) -> ClusterError {
        ClusterError::Unreadable {
            object: self.to_string(),
            reason: reason.into(),
        }
    }

    /// What is read of the object; errors as those of [`Self::parse`].
    pub(super) fn read<T: DeserializeOwned>(&self, json: &str) -> Result<T, ClusterError> {
        serde_json::from_str(json).map_err(|error| {
            self.unreadable(format!(
                "it is not as the API has it at line {}, column {}",
                error.line(),
                error.column()
            ))
        })
    }

    /// The object's members. A message never shows its text, which may be secret.
    pub(super) fn parse(&self, json: &str) -> Result<Value, ClusterError> {
        match serde_json::from_str(json) {
            Ok(value @ Value::Object(_)) => Ok(value),
            Ok(_) => Err(self.unreadable("it is no JSON object")),
            Err(error) => Err(self.unreadable(format!(
                "it is not JSON at line {}, column {}",
                error.line(),
                error.column()
            ))),
        }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        f.write_str(" ")?;
        if self.kind.is_namespaced() {
            write!(f, "{}/", self.namespace)?;
        }
        f.write_str(&self.name)
    }
}

/// Where objects are.
pub(super) trait Objects: Sync {
    /// Whether they are as an API server stores them. A manifest that somebody
    /// wrote has no uids, and need not say to what a claim is bound.
    const ARE_STORED: bool;

    /// An object, JSON.
    ///
    /// # Errors
    /// [`ClusterError::NotFound`] where there is none; it cannot be had.
    fn get(&self, object: &Object) -> impl Future<Output = Result<String, ClusterError>> + Send;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_known_by_name_and_group() {
        for kind in Kind::ALL {
            let version = match kind.group() {
                "" => "v1".to_owned(),
                group => format!("{group}/v1"),
            };
            assert_eq!(Kind::of(&version, kind.name()), Some(kind));
            assert_eq!(Kind::of("example.com/v1", kind.name()), None);
        }
        let old = Kind::of("storage.k8s.io/v1beta1", "CSIDriver");
        assert_eq!(old, Some(Kind::CsiDriver));
        assert_eq!(Kind::of("v1", "Service"), None);
    }

    #[test]
    fn each_object_has_its_path() {
        let path = |kind, namespace, name| Object::named(kind, namespace, name).path();
        for (kind, namespace, name, expected) in [
            (Kind::Pod, "ns", "p-0", "/api/v1/namespaces/ns/pods/p-0"),
            (
                Kind::PersistentVolume,
                "",
                "a.b",
                "/api/v1/persistentvolumes/a.b",
            ),
            (
                Kind::CsiDriver,
                "",
                "d",
                "/apis/storage.k8s.io/v1/csidrivers/d",
            ),
        ] {
            assert_eq!(path(kind, namespace, name).unwrap(), expected);
        }
        for (namespace, name) in [
            ("ns", "../../secrets/s"),
            ("ns", ".."),
            ("..", "p"),
            ("ns", "p?watch=1"),
            ("ns", "p%2f"),
            ("ns", "é"),
            ("ns", ""),
            ("", "p"),
        ] {
            let error = path(Kind::Pod, namespace, name).unwrap_err();
            assert!(matches!(error, ClusterError::Unreadable { .. }), "{error}");
        }
    }

    #[test]
    fn a_message_does_not_show_what_is_in_an_object() {
        let secret = Object::named(Kind::Secret, "ns", "s");
        let error = secret.parse(r#"{"data": "c2VjcmV0", }"#).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Secret ns/s cannot be read: it is not JSON at line 1, column 22"
        );
        let error = secret.parse("\"c2VjcmV0\"").unwrap_err().to_string();
        assert!(!error.contains("c2VjcmV0"), "{error}");
    }
}
