//! The kubeconfig of a test cluster.

use std::path::Path;

use serde_json::json;

/// A kubeconfig that every Kubernetes client reads: JSON is YAML.
///
/// `certificate` is the server's own, which it signs itself; it is read when
/// the kubeconfig is used. A server without TLS has none.
#[must_use]
pub fn text(url: &str, certificate: Option<&Path>, token: &str) -> String {
    let mut cluster = json!({ "server": url });
    if let Some(certificate) = certificate {
        cluster["certificate-authority"] = json!(certificate);
    }
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "test", "cluster": cluster }],
        "users": [{ "name": "admin", "user": { "token": token } }],
        "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "admin" } }],
        "current-context": "test",
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use kube::config::Kubeconfig;

    #[test]
    fn it_is_read_as_written() {
        let text = super::text("https://127.0.0.1:1", Some(Path::new("/crt")), "secret");
        let read = Kubeconfig::from_yaml(&text).unwrap();
        assert_eq!(read.current_context.as_deref(), Some("test"));
        let cluster = read.clusters[0].cluster.as_ref().unwrap();
        assert_eq!(cluster.server.as_deref(), Some("https://127.0.0.1:1"));
        assert_eq!(cluster.certificate_authority.as_deref(), Some("/crt"));
    }
}
