//! Service accounts, whose rights are tried.

use kube::Client;

use crate::{Cluster, StartError};

/// A new client with the rights of a service account. The account itself does
/// not have to be there: rights are bound to its name.
///
/// # Errors
/// The cluster's certificate is not usable.
pub fn client_of(cluster: &Cluster, namespace: &str, account: &str) -> Result<Client, StartError> {
    let mut config = cluster.apiserver.admin.clone();
    let user = format!("system:serviceaccount:{namespace}:{account}");
    config.auth_info.impersonate = Some(user);
    Ok(Client::try_from(config)?)
}
