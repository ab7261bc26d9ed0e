//! What becomes of a configuration that changes. The clock stands still but for
//! those who wait, so a second is no time.

use std::fs;
use std::os::unix::fs::symlink;

use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;

use super::*;
use crate::metrics::Metrics;
use crate::operations::Conditions;

const BACKEND: &str = "backends: [{driver: a.b}]\n";

/// So many looks at the files are enough for any change: on a clock that waits
/// for the work, as here.
const LOOKS: u32 = 10;

/// A configuration that is kept up to date.
struct Running {
    directory: TempDir,
    configs: watch::Receiver<Arc<Loaded>>,
    hangup: mpsc::UnboundedSender<()>,
    metrics: Metrics,
    conditions: Conditions,
    _end: tokio_util::sync::DropGuard,
}

impl Running {
    /// Starts in a directory that this fills, `in.yaml` among it.
    fn start(fill: impl FnOnce(&Path)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fill(directory.path());
        let reloader = Reloader::start(&directory.path().join("in.yaml")).unwrap();
        let (metrics, conditions) = (Metrics::new(), Conditions::default());
        let (hangup, hangups) = mpsc::unbounded_channel();
        let shutdown = CancellationToken::new();
        let configs = reloader.subscribe();
        tokio::spawn(reloader.run(
            UnboundedReceiverStream::new(hangups),
            metrics.reloads().clone(),
            conditions.add("config"),
            shutdown.clone(),
        ));
        Self {
            directory,
            configs,
            hangup,
            metrics,
            conditions,
            _end: shutdown.drop_guard(),
        }
    }

    fn with(text: &str) -> Self {
        Self::start(|directory| fs::write(directory.join("in.yaml"), text).unwrap())
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.directory.path().join(file), text).unwrap();
    }

    /// The next configuration that is taken over.
    async fn next(&mut self) -> Arc<Loaded> {
        let changed = tokio::time::timeout(LOOKS * EVERY, self.configs.changed());
        changed.await.expect("nothing was noticed").unwrap();
        self.configs.borrow_and_update().clone()
    }

    /// Waits until so many new configurations were refused.
    async fn refused(&self, count: u32) {
        let line = format!("flex2csi_config_reloads_total{{result=\"failure\"}} {count}\n");
        for _ in 0..LOOKS {
            if self.metrics.text().unwrap().contains(&line) {
                return;
            }
            tokio::time::sleep(EVERY).await;
        }
        panic!("{count} were not refused");
    }

    fn counts(&self, sample: &str) -> bool {
        let text = self.metrics.text().unwrap();
        text.lines().any(|line| line == sample)
    }
}

fn level(loaded: &Loaded) -> &str {
    loaded.config.log.level.as_str()
}

#[tokio::test(start_paused = true)]
async fn a_changed_file_is_taken_over() {
    let mut running = Running::with(BACKEND);
    running.write("in.yaml", &format!("{BACKEND}log: {{level: debug}}\n"));
    assert_eq!(level(&*running.next().await), "debug");
    assert!(running.counts("flex2csi_config_reloads_total{result=\"success\"} 1"));
    assert!(running.conditions.report().0);
}

#[tokio::test(start_paused = true)]
async fn a_broken_file_is_said_and_the_running_one_kept() {
    let mut running = Running::with(&format!("{BACKEND}log: {{level: warn}}\n"));
    running.write("in.yaml", "backends: [\n");
    running.refused(1).await;
    assert_eq!(level(&running.configs.borrow()), "warn");
    assert!(!running.configs.has_changed().unwrap());
    let (ready, report) = running.conditions.report();
    let place = format!("{}/in.yaml:1:11: ", running.directory.path().display());
    assert!(!ready && report.contains(&place), "{report}");
    assert!(running.counts("flex2csi_config_last_reload_successful 0"));

    running.write("in.yaml", &format!("{BACKEND}log: {{level: error}}\n"));
    assert_eq!(level(&*running.next().await), "error");
    assert!(running.conditions.report().0);
    assert!(running.counts("flex2csi_config_last_reload_successful 1"));
}

#[tokio::test(start_paused = true)]
async fn a_config_map_that_is_swapped_is_noticed() {
    /// A ConfigMap's volume, as kubelet writes it: what is visible are links
    /// through `..data`, which is replaced as a whole.
    fn version(volume: &Path, version: &str, level: &str) {
        let text = format!("{BACKEND}log: {{level: {level}}}\n");
        fs::create_dir(volume.join(version)).unwrap();
        fs::write(volume.join(version).join("in.yaml"), text).unwrap();
        symlink(version, volume.join("..data_tmp")).unwrap();
        fs::rename(volume.join("..data_tmp"), volume.join("..data")).unwrap();
    }
    let mut running = Running::start(|volume| {
        version(volume, "..1", "info");
        symlink("..data/in.yaml", volume.join("in.yaml")).unwrap();
    });
    version(running.directory.path(), "..2", "warn");
    assert_eq!(level(&*running.next().await), "warn");
}

#[tokio::test(start_paused = true)]
async fn values_and_mappings_are_watched_too() {
    let mut running = Running::start(|directory| {
        let path = directory.display();
        let text =
            format!("{BACKEND}valuesFile: {path}/values.yaml\nmappings: [{path}/mappings]\n");
        fs::write(directory.join("in.yaml"), text).unwrap();
        fs::write(directory.join("values.yaml"), "").unwrap();
        fs::create_dir(directory.join("mappings")).unwrap();
        let own = directory.join("mappings/a.yaml");
        fs::copy("translators/mappings/digitalocean.yaml", own).unwrap();
    });
    running.write("values.yaml", "rbd: {form: static}\n");
    let loaded = running.next().await;
    assert_eq!(loaded.values.text("rbd", "form"), Some("static"));
    let another = fs::read_to_string("translators/mappings/k8s-nfs.yaml").unwrap();
    let another = another.replacen("mapping: k8s-nfs", "mapping: our-nfs", 1);
    running.write("mappings/b.yaml", &another);
    let loaded = running.next().await;
    assert!(loaded.mappings.get("our-nfs").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_file_that_a_broken_configuration_lacks_is_waited_for() {
    let mut running = Running::with(BACKEND);
    let file = running.directory.path().join("values.yaml");
    running.write(
        "in.yaml",
        &format!("{BACKEND}valuesFile: {}\n", file.display()),
    );
    running.refused(1).await;
    running.write("values.yaml", "rbd: {form: static}\n");
    let loaded = running.next().await;
    assert_eq!(loaded.values.text("rbd", "form"), Some("static"));
}

#[tokio::test(start_paused = true)]
async fn what_is_half_written_is_not_read() {
    let mut running = Running::with(BACKEND);
    // Between two looks.
    tokio::time::sleep(EVERY / 2).await;
    running.write("in.yaml", "backends: [{driver: a.b}, {dri");
    tokio::time::sleep(EVERY).await;
    running.write("in.yaml", &format!("{BACKEND}log: {{level: error}}\n"));
    assert_eq!(level(&*running.next().await), "error");
    assert!(running.counts("flex2csi_config_reloads_total{result=\"failure\"} 0"));
}

#[tokio::test(start_paused = true)]
async fn a_hangup_reads_again_what_has_not_changed() {
    let running = Running::with(BACKEND);
    running.write("in.yaml", "backends: [\n");
    running.refused(1).await;
    running.hangup.send(()).unwrap();
    running.refused(2).await;
}

#[tokio::test(start_paused = true)]
async fn what_takes_a_restart_stays_as_it_is() {
    let mut running = Running::with(BACKEND);
    running.write(
        "in.yaml",
        "backends:\n- {driver: a.b, socket: /new.sock}\n- {driver: c.d}\nlog: {format: json, level: warn}\n",
    );
    let loaded = running.next().await;
    let before = Loaded::read(&{
        running.write("before.yaml", &format!("{BACKEND}log: {{level: warn}}\n"));
        running.directory.path().join("before.yaml")
    });
    assert_eq!(loaded.config, before.unwrap().config);
}

#[tokio::test(start_paused = true)]
async fn a_new_level_is_set_and_one_that_was_asked_for_lasts_until_then() {
    let mut running = Running::with(BACKEND);
    let (_subscriber, log) = log::subscriber(
        log::Format::Text,
        &log::Level::default(),
        false,
        std::io::sink,
    );
    let following = running.configs.clone();
    tokio::spawn(follow_log_level(following, log.clone()));
    tokio::task::yield_now().await;

    log.set_level(&"debug".parse().unwrap());
    running.write("in.yaml", &format!("{BACKEND}persistentVolumes: [/pvs]\n"));
    running.next().await;
    tokio::time::sleep(EVERY).await;
    assert_eq!(log.level().as_str(), "debug");

    running.write("in.yaml", &format!("{BACKEND}log: {{level: warn}}\n"));
    running.next().await;
    tokio::time::sleep(EVERY).await;
    assert_eq!(log.level().as_str(), "warn");
}
