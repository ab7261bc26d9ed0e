//! Who may call a test cluster: bearer tokens, and a kubeconfig for each.

use std::path::{Path, PathBuf};

use crate::StartError;

/// Somebody whom kube-apiserver knows by a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The name, as RBAC and the audit log have it.
    pub name: String,
    /// The groups, as RBAC has them.
    pub groups: Vec<String>,
}

impl User {
    /// The administrator of every test cluster.
    #[must_use]
    pub fn admin() -> Self {
        Self::master("admin")
    }

    /// kube-controller-manager, for whom the rights do not matter here.
    #[must_use]
    pub fn controllers() -> Self {
        Self::master("system:kube-controller-manager")
    }

    /// A service account, without the rights that nobody granted it.
    #[must_use]
    pub fn service_account(namespace: &str, name: &str) -> Self {
        Self {
            name: format!("system:serviceaccount:{namespace}:{name}"),
            groups: vec![
                "system:serviceaccounts".to_owned(),
                format!("system:serviceaccounts:{namespace}"),
            ],
        }
    }

    /// A kubelet, with the rights of its node.
    #[must_use]
    pub fn kubelet(node: &str) -> Self {
        Self {
            name: format!("system:node:{node}"),
            groups: vec!["system:nodes".to_owned()],
        }
    }

    /// kube-scheduler, with the rights that every cluster gives it.
    #[must_use]
    pub fn scheduler() -> Self {
        Self {
            name: "system:kube-scheduler".to_owned(),
            groups: Vec::new(),
        }
    }

    fn master(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            groups: vec!["system:masters".to_owned()],
        }
    }

    /// The bearer token.
    #[must_use]
    pub fn token(&self) -> String {
        format!("flex2csi-test-{}", self.file_name())
    }

    /// The user's kubeconfig in the cluster's directory.
    #[must_use]
    pub fn kubeconfig(&self, directory: &Path) -> PathBuf {
        if *self == Self::admin() {
            return directory.join("kubeconfig");
        }
        directory.join(format!("kubeconfig-{}", self.file_name()))
    }

    fn file_name(&self) -> String {
        self.name.replace(':', "-")
    }

    fn line(&self) -> String {
        let groups = self.groups.join(",");
        format!(
            "{},{name},{name},\"{groups}\"\n",
            self.token(),
            name = self.name
        )
    }
}

/// Writes the file for `--token-auth-file`.
///
/// # Errors
/// The file cannot be written.
pub fn write_tokens(path: &Path, users: &[User]) -> Result<(), StartError> {
    let lines: String = users.iter().map(User::line).collect();
    std::fs::write(path, lines).map_err(|source| StartError::File {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::User;

    #[test]
    fn a_service_account_is_in_its_groups() {
        let line = User::service_account("flex2csi", "rewrite").line();
        assert_eq!(
            line,
            "flex2csi-test-system-serviceaccount-flex2csi-rewrite,\
             system:serviceaccount:flex2csi:rewrite,system:serviceaccount:flex2csi:rewrite,\
             \"system:serviceaccounts,system:serviceaccounts:flex2csi\"\n"
        );
    }
}
