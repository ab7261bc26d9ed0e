//! kube-apiserver's audit log: who called what, and what became of it.

use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::StartError;

/// The policy: every call, without bodies, when it is answered.
pub(crate) fn policy() -> String {
    json!({
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived", "ResponseStarted"],
        "rules": [{ "level": "Metadata" }],
    })
    .to_string()
}

/// Where a cluster with its files in `directory` has its audit log.
pub(crate) fn log(directory: &Path) -> PathBuf {
    directory.join("audit.log")
}

/// A call as the server answered it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Who called, as RBAC names it; who it was done as, if the caller impersonated
    /// somebody.
    pub user: String,
    /// The role by which RBAC allowed it, as `ClusterRole flex2csi-plan`; empty for the
    /// administrator, for whom the rights do not matter.
    pub role: String,
    /// The node of the pod to whose token the caller's is bound; empty for others.
    pub node: String,
    /// With which program, as it says itself.
    pub user_agent: String,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, …
    pub verb: String,
    /// The resource, with its subresource: `persistentvolumes/status`. Empty for
    /// what is none, as `/readyz`.
    pub resource: String,
    /// The resource's API group; empty for the core.
    pub group: String,
    /// The namespace, empty for what has none.
    pub namespace: String,
    /// The object; empty for lists.
    pub name: String,
    /// Who the write says it is for.
    pub field_manager: Option<String>,
    /// Whether it was a server-side dry run.
    pub dry_run: bool,
    /// The status of the answer.
    pub code: u16,
    /// Whether the caller lacked the right.
    pub denied: bool,
}

impl Call {
    /// Whether it changes something.
    #[must_use]
    pub fn is_write(&self) -> bool {
        !self.dry_run && !matches!(self.verb.as_str(), "get" | "list" | "watch" | "head")
    }

    fn of(event: &Value) -> Self {
        let text = |pointer: &str| {
            let value = event.pointer(pointer).and_then(Value::as_str);
            value.unwrap_or_default().to_owned()
        };
        let mut resource = text("/objectRef/resource");
        let subresource = text("/objectRef/subresource");
        if !subresource.is_empty() {
            resource = format!("{resource}/{subresource}");
        }
        let uri = text("/requestURI");
        let query = uri.split_once('?').map_or("", |(_, query)| query);
        let parameter = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let found = pairs.find(|(key, _)| *key == name);
            found.map(|(_, value)| value.to_owned())
        };
        let code = event
            .pointer("/responseStatus/code")
            .and_then(Value::as_u64);
        let mut user = text("/impersonatedUser/username");
        if user.is_empty() {
            user = text("/user/username");
        }
        Self {
            user,
            role: role_of(&text("/annotations/authorization.k8s.io~1reason")),
            group: text("/objectRef/apiGroup"),
            node: text("/user/extra/authentication.kubernetes.io~1node-name/0"),
            user_agent: text("/userAgent"),
            verb: text("/verb"),
            resource,
            namespace: text("/objectRef/namespace"),
            name: text("/objectRef/name"),
            field_manager: parameter("fieldManager"),
            dry_run: parameter("dryRun").is_some(),
            code: code.and_then(|code| u16::try_from(code).ok()).unwrap_or(0),
            denied: text("/annotations/authorization.k8s.io~1decision") == "forbid",
        }
    }
}

/// The role in RBAC's reason: `RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r"
/// to ServiceAccount "a/n"`, as kubernetes v1.36 has it (plugin/pkg/auth/authorizer/rbac).
fn role_of(reason: &str) -> String {
    let named = reason.split_once(" of ").map(|(_, rest)| rest);
    let mut parts = named.unwrap_or_default().splitn(3, '"');
    let (kind, name) = (parts.next(), parts.next());
    match (kind, name) {
        (Some(kind), Some(name)) => format!("{kind}{name}"),
        _ => String::new(),
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            user,
            verb,
            resource,
            namespace,
            name,
            code,
            ..
        } = self;
        write!(f, "{user}: {verb} {resource} {namespace}/{name}: {code}")
    }
}

/// What a cluster's audit log says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit(Vec<Call>);

impl Audit {
    /// Reads the audit log of a cluster whose files are in `directory`. A line
    /// that a killed server left half written is passed over.
    ///
    /// # Errors
    /// There is no log: the cluster was set up without.
    pub fn read(directory: &Path) -> Result<Self, StartError> {
        let path = log(directory);
        let read = std::fs::read(&path);
        let text = read.map_err(|source| StartError::File { path, source })?;
        let lines = text.split(|byte| *byte == b'\n');
        let events = lines.filter_map(|line| serde_json::from_slice(line).ok());
        Ok(Self(events.map(|event: Value| Call::of(&event)).collect()))
    }

    /// All calls, oldest first.
    pub fn all(&self) -> impl Iterator<Item = &Call> {
        self.0.iter()
    }

    /// The calls of one user, oldest first.
    pub fn of<'a>(&'a self, user: &'a str) -> impl Iterator<Item = &'a Call> {
        self.0.iter().filter(move |call| call.user == user)
    }

    /// The calls that came from a node, with the token of one of its pods.
    pub fn of_node<'a>(&'a self, user: &'a str, node: &'a str) -> impl Iterator<Item = &'a Call> {
        self.of(user).filter(move |call| call.node == node)
    }

    /// The calls for which a user lacked the right.
    #[must_use]
    pub fn denied<'a>(&'a self, user: &'a str) -> Vec<&'a Call> {
        self.of(user).filter(|call| call.denied).collect()
    }

    /// The writes of a user that do not bear a field manager's name. A deletion
    /// bears none.
    #[must_use]
    pub fn writes_not_of<'a>(&'a self, user: &'a str, field_manager: &str) -> Vec<&'a Call> {
        let writes = self.of(user).filter(|call| call.is_write());
        let unmanaged = ["delete", "deletecollection"];
        writes
            .filter(|call| !unmanaged.contains(&call.verb.as_str()))
            // Reviews are created and not kept.
            .filter(|call| !call.resource.ends_with("reviews"))
            .filter(|call| call.field_manager.as_deref() != Some(field_manager))
            .collect()
    }

    /// How often a user did what to which resource: `patch persistentvolumes`.
    #[must_use]
    pub fn counts(&self, user: &str) -> std::collections::BTreeMap<String, usize> {
        let mut counts = std::collections::BTreeMap::new();
        for call in self.of(user) {
            let what = format!("{} {}", call.verb, call.resource);
            *counts.entry(what).or_default() += 1;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::Audit;

    const LINES: &str = concat!(
        r#"{"verb":"patch","userAgent":"flex2csi/0.1.0","requestURI":"/api/v1/persistentvolumes/a?fieldManager=flex2csi","user":{"username":"tool"},"objectRef":{"resource":"persistentvolumes","name":"a"},"responseStatus":{"code":200}}"#,
        "\n",
        r#"{"verb":"patch","requestURI":"/api/v1/persistentvolumes/b","user":{"username":"tool"},"objectRef":{"resource":"persistentvolumes","subresource":"status","name":"b"},"responseStatus":{"code":403},"annotations":{"authorization.k8s.io/decision":"forbid"}}"#,
        "\n",
        r#"{"verb":"delete","requestURI":"/api/v1/persistentvolumes/a","user":{"username":"tool"},"objectRef":{"resource":"persistentvolumes","name":"a"},"responseStatus":{"code":200}}"#,
        "\n",
        r#"{"verb":"delete","requestUR"#,
    );

    #[test]
    fn it_tells_who_did_what() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(super::log(directory.path()), LINES).unwrap();
        let audit = Audit::read(directory.path()).unwrap();
        let denied = audit.denied("tool");
        assert_eq!(denied.len(), 1);
        assert_eq!(denied[0].resource, "persistentvolumes/status");
        let strangers = audit.writes_not_of("tool", "flex2csi");
        assert_eq!(strangers, denied);
        assert_eq!(audit.counts("tool")["delete persistentvolumes"], 1);
        assert!(audit.denied("other").is_empty());
    }
}
