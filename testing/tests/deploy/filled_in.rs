//! What an operator fills in: the values, and the image.

use std::path::PathBuf;

use flex2csi::site;
use flex2csi_translators::Values;
use serde_json::json;

use crate::configured;
use crate::rendered::{deploy, overlays};

fn file(overlay: &str, name: &str) -> PathBuf {
    deploy().join("overlays").join(overlay).join(name)
}

/// A text in which all values that are offered are filled in: `#key: …`, where a
/// comment is `# words`.
fn uncommented(text: &str) -> String {
    let lines = text.lines().map(|line| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with("  ") || !rest.starts_with(' ') => rest,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

/// Reads values as the Job and the plan do, and as the daemons do with the overlay's
/// configuration, if it has one.
fn values(overlay: &str, text: &str) -> Values {
    let directory = tempfile::tempdir().unwrap();
    let file_of_values = directory.path().join("values.yaml");
    std::fs::write(&file_of_values, text).unwrap();
    let mappings = site::mappings(&[]).unwrap();
    let values = site::values(Some(&file_of_values), &mappings)
        .unwrap_or_else(|error| panic!("{overlay}: {error:#}\n{text}"));
    if let Ok(config) = std::fs::read_to_string(file(overlay, "config.yaml")) {
        let map = json!({ "data": { "config.yaml": config, "values.yaml": text } });
        assert_eq!(*configured::read(&map).values, values, "{overlay}");
    }
    values
}

#[test]
fn values_are_read_as_they_are_and_with_all_that_is_offered_filled_in() {
    let mut offered = 0;
    for overlay in overlays() {
        let text = std::fs::read_to_string(file(&overlay, "values.yaml")).unwrap();
        assert_eq!(values(&overlay, &text), Values::default(), "{overlay}");
        if !text.contains("FILL IN") {
            assert_eq!(uncommented(&text), text, "{overlay}");
            continue;
        }
        let filled = values(&overlay, &uncommented(&text));
        assert_ne!(filled, Values::default(), "{overlay}");
        offered += 1;
    }
    assert!(offered > 5);
}

#[test]
fn the_image_is_tagged_as_the_program_is_versioned() {
    let version = env!("CARGO_PKG_VERSION");
    let mut named = vec![
        deploy().join("base/kustomization.yaml"),
        deploy().join("rewrite/kustomization.yaml"),
    ];
    named.extend(overlays().iter().filter_map(|overlay| {
        let is_for_tests = overlay == "test-hostpath";
        (!is_for_tests).then(|| file(overlay, "kustomization.yaml"))
    }));
    for path in named {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = text.split_once("\n- name: flex2csi\n").unwrap().1;
        let tag = name
            .lines()
            .find_map(|line| line.strip_prefix("  newTag: "));
        assert_eq!(tag, Some(version), "{}", path.display());
    }
    let page = deploy().join("../docs/install.md");
    let page = std::fs::read_to_string(page).unwrap();
    let image = format!("registry.example.com/flex2csi:{version}");
    for command in ["podman build --platform linux/amd64 ", "podman push "] {
        let mut lines = page.lines().filter(|line| line.starts_with(command));
        assert!(lines.any(|line| line.contains(&image)), "{command}");
    }
}

/// What is in an image is of the processor that it is built for.
#[test]
fn images_are_for_any_processor() {
    for name in ["Containerfile", "Containerfile.hostpath"] {
        let text = std::fs::read_to_string(deploy().join(name)).unwrap();
        let (_, stage) = text.rsplit_once("\nARG TARGETARCH\n").unwrap();
        let mut copied = 0;
        for line in text.lines().filter(|line| line.starts_with("COPY ")) {
            assert!(stage.contains(line), "{name}: {line}");
            assert!(
                line.starts_with("COPY target/image/${TARGETARCH}/"),
                "{name}: {line}"
            );
            copied += 1;
        }
        assert!(copied > 0, "{name}");
    }
}
