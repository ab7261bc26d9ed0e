//! Overlays as a site writes them, over those of `deploy/`.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::StartError;

/// What a site makes of an overlay of ours: an overlay of its own, with these components.
///
/// # Errors
/// It cannot be written.
pub fn overlaid(overlay: &str, components: &[&str]) -> Result<TempDir, StartError> {
    overlaid_with(overlay, components, json!({}))
}

/// The same, with further members of a kustomization, as `images` and `patches`.
///
/// # Errors
/// It cannot be written.
pub fn overlaid_with(
    overlay: &str,
    components: &[&str],
    more: Value,
) -> Result<TempDir, StartError> {
    let unwritten = |source| StartError::System {
        what: "no temporary directory",
        source,
    };
    let directory = tempfile::tempdir().map_err(unwritten)?;
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy");
    let deploy = relative(directory.path(), &deploy).map_err(unwritten)?;
    let components: Vec<PathBuf> = components
        .iter()
        .map(|component| deploy.join("components").join(component))
        .collect();
    let mut kustomization = json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [deploy.join("overlays").join(overlay)],
        "components": components,
    });
    for (member, value) in more.as_object().into_iter().flatten() {
        kustomization[member] = value.clone();
    }
    let file = directory.path().join("kustomization.yaml");
    std::fs::write(file, kustomization.to_string()).map_err(unwritten)?;
    Ok(directory)
}

/// kubectl takes no absolute paths.
fn relative(from: &Path, to: &Path) -> std::io::Result<PathBuf> {
    let (from, to) = (from.canonicalize()?, to.canonicalize()?);
    let up: PathBuf = from.components().skip(1).map(|_| "..").collect();
    Ok(up.join(to.strip_prefix("/").unwrap_or(&to)))
}
