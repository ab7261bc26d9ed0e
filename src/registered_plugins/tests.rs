use std::os::unix::net::UnixListener as StdListener;

use tokio_util::sync::CancellationToken;

use super::*;
use crate::registration::Registration;

/// A registry with drivers in it.
struct Registry {
    dir: tempfile::TempDir,
    shutdown: CancellationToken,
}

impl Registry {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            shutdown: CancellationToken::new(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn plugins(&self) -> RegisteredPlugins {
        RegisteredPlugins::new(self.dir.path().to_owned())
    }

    /// A driver registers itself; its CSI socket is there.
    fn register(&self, directory: &str, driver: &str, endpoint: &Path) {
        let directory = self.path(directory);
        let registration =
            Registration::bind(&directory, &driver.parse().unwrap(), endpoint).unwrap();
        let shutdown = self.shutdown.clone();
        tokio::spawn(registration.serve(shutdown.cancelled_owned()));
    }

    fn socket(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        // The socket stays when nobody listens any more.
        drop(StdListener::bind(&path).unwrap());
        path
    }
}

#[tokio::test]
async fn a_driver_is_found_by_its_name() {
    let registry = Registry::new();
    let (a, b) = (registry.socket(".a.sock"), registry.socket(".b.sock"));
    registry.register("", "a.csi.io", &a);
    std::fs::create_dir(registry.path("below")).unwrap();
    registry.register("below", "b.csi.io", &b);
    let plugins = registry.plugins();
    assert_eq!(plugins.endpoint("a.csi.io").await.unwrap(), a);
    assert_eq!(plugins.endpoint("b.csi.io").await.unwrap(), b);
    let all = plugins.all().await.unwrap();
    assert_eq!(
        all.into_keys().collect::<Vec<_>>(),
        ["a.csi.io", "b.csi.io"]
    );
}

#[tokio::test]
async fn one_that_comes_later_or_moves_is_found_again() {
    let registry = Registry::new();
    let plugins = registry.plugins();
    let error = plugins.endpoint("a.csi.io").await.unwrap_err().to_string();
    assert!(error.contains("a.csi.io is not registered"), "{error}");
    let socket = registry.socket(".a.sock");
    registry.register("", "a.csi.io", &socket);
    assert_eq!(plugins.endpoint("a.csi.io").await.unwrap(), socket);
    let error = plugins.endpoint("b.csi.io").await.unwrap_err().to_string();
    assert!(error.contains("registered are a.csi.io"), "{error}");

    // It is not asked again while its socket is there ...
    registry.shutdown.cancel();
    tokio::task::yield_now().await;
    assert_eq!(plugins.endpoint("a.csi.io").await.unwrap(), socket);
    // ... and is when that is gone.
    std::fs::remove_file(&socket).unwrap();
    assert!(plugins.endpoint("a.csi.io").await.is_err());
}

#[tokio::test]
async fn sockets_that_are_left_over_hang_or_lie_are_tolerated() {
    let registry = Registry::new();
    let socket = registry.socket(".a.sock");
    registry.register("", "a.csi.io", &socket);
    registry.socket("left-over.sock");
    std::fs::write(registry.path("file.sock"), "").unwrap();
    std::os::unix::fs::symlink("/", registry.path("link")).unwrap();
    // One takes connections and says nothing, one talks nonsense, one hangs up.
    let hangs = StdListener::bind(registry.path("hangs.sock")).unwrap();
    for (name, text) in [
        ("nonsense.sock", &b"HTTP/1.1 200 OK\r\n\r\n"[..]),
        ("closes.sock", b""),
    ] {
        let listener = tokio::net::UnixListener::bind(registry.path(name)).unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, text).await;
            }
        });
    }
    let all = registry.plugins().all().await.unwrap();
    assert_eq!(all.into_keys().collect::<Vec<_>>(), ["a.csi.io"]);
    drop(hangs);
}

#[tokio::test]
async fn two_that_are_the_same_driver_are_named() {
    let registry = Registry::new();
    let (a, b) = (registry.socket(".a.sock"), registry.socket(".b.sock"));
    registry.register("", "a.csi.io", &a);
    std::fs::create_dir(registry.path("old")).unwrap();
    registry.register("old", "a.csi.io", &b);
    let error = registry.plugins().endpoint("a.csi.io").await.unwrap_err();
    assert!(
        matches!(error, RegisteredPluginError::Ambiguous { .. }),
        "{error}"
    );
    assert!(error.to_string().contains(b.to_str().unwrap()), "{error}");
}

#[tokio::test]
async fn a_registry_that_is_not_there_is_named() {
    let plugins = RegisteredPlugins::new("/nonexistent/plugins_registry".into());
    let error = plugins.endpoint("a.csi.io").await.unwrap_err().to_string();
    assert!(error.contains("/nonexistent/plugins_registry"), "{error}");
}

#[test]
fn a_full_registry_is_not_read_to_its_end() {
    let dir = tempfile::tempdir().unwrap();
    for number in 0..300 {
        drop(StdListener::bind(dir.path().join(format!("{number}.sock"))).unwrap());
    }
    assert_eq!(sockets::find(dir.path()).unwrap().len(), 256);
}
