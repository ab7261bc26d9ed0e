//! The daemons of the documentation start as they are written there.

use std::fs;
use std::path::PathBuf;

use crate::daemon::Daemon;
use crate::scripted::Scripted;
use crate::site::{EBS, EBS_ENDPOINT, Site, echo, name_at};

/// The directories that the documentation has daemons in, and ours for them.
const DIRECTORIES: [(&str, &str); 4] = [
    (" /csi/", " /SITE/csi/"),
    (" /tmp/", " /SITE/csi/"),
    ("/var/lib/kubelet", "/SITE/kubelet"),
    ("/etc/flex2csi", "/SITE/etc"),
];

#[tokio::test]
async fn of_the_readme_and_the_pages() {
    let mut pages = vec![PathBuf::from("README.md")];
    for directory in ["docs", "docs/guides"] {
        let entries = fs::read_dir(directory).unwrap();
        pages.extend(entries.map(|entry| entry.unwrap().path()));
    }
    pages.retain(|page| page.is_file());
    let mut count = 0;
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        let blocks = text.split("```").skip(1).step_by(2);
        for command in blocks.flat_map(str::lines).filter(|line| is_daemon(line)) {
            runs(command).await;
            count += 1;
        }
    }
    assert!(count >= 4, "only {count} daemons found");
}

#[tokio::test]
async fn of_the_help() {
    for verb in ["node", "controller"] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_flex2csi"))
            .args([verb, "--help"])
            .output()
            .unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        let (_, examples) = help.split_once("Examples:").unwrap();
        let lines = examples.lines().map(str::trim);
        let commands: Vec<&str> = lines.filter(|line| is_daemon(line)).collect();
        assert_eq!(commands.len(), 2, "{help}");
        for command in commands {
            runs(command).await;
        }
    }
}

fn is_daemon(line: &str) -> bool {
    // With a verb of its own, as `status`, it is no daemon.
    line.starts_with("flex2csi node --") || line.starts_with("flex2csi controller --")
}

/// Runs a daemon on a machine on which all is where the command has it, until it
/// serves its endpoint.
async fn runs(command: &str) {
    let site = Site::new();
    let there = |text: &str| {
        let moved = |text: String, (from, to): &(&str, &str)| text.replace(from, to);
        DIRECTORIES.iter().fold(text.to_owned(), moved)
    };
    for directory in ["csi", "etc", "kubelet/plugins", "kubelet/plugins_registry"] {
        fs::create_dir_all(site.path(directory)).unwrap();
    }
    let config = fs::read_to_string("deploy/config.yaml").unwrap();
    let config = config
        .replace("#kubelet:", "kubelet:")
        .replace("  #root: ", "  root: ")
        .replace("127.0.0.1:9809", "127.0.0.1:0");
    site.write("etc/config.yaml", &there(&config));

    let command = site.here(&there(
        command.split("  #").next().unwrap().trim_end_matches(" &"),
    ));
    let args: Vec<&str> = command.split_whitespace().skip(1).collect();
    // Those of the configuration are where kubelet has its plugins.
    let socket = |flag: &str, driver: &str| match args.iter().position(|arg| *arg == flag) {
        Some(flag) => PathBuf::from(args[flag + 1]),
        None => site.path(&format!("kubelet/plugins/{driver}/csi.sock")),
    };
    let backend = socket("--backend", EBS);
    fs::create_dir_all(backend.parent().unwrap()).unwrap();
    let _backend = Scripted::serve(&backend, EBS, echo);
    let mut daemon = Daemon::start(&args);
    let name = name_at(&socket("--endpoint", EBS_ENDPOINT)).await;
    assert_eq!(name, EBS_ENDPOINT, "{command}");
    daemon.terminated().await;
}
