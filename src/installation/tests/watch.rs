//! The loop that looks after installations.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flex2csi_exec::installed::Attaches;
use tokio_util::sync::CancellationToken;

use super::world::{THEIRS, World};
use crate::cluster::PodName;
use crate::installation::{
    Asking, Change, Installation, NodeObjects, NodeVolumeNames, Wanted, watch,
};

/// What the API server knows, and how often it was asked.
#[derive(Default)]
struct Api {
    nodes: AtomicU32,
    pods: AtomicU32,
}

impl NodeObjects for Api {
    fn node(&self) -> Asking<'_, Option<NodeVolumeNames>> {
        self.nodes.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Some(NodeVolumeNames::default()) })
    }

    fn pods(&self) -> Asking<'_, Vec<String>> {
        self.pods.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { vec!["{".to_owned()] })
    }

    fn is_ours(&self, _: &PodName) -> bool {
        false
    }
}

/// Watches until `all` of these changes of a.io/b came, in their order; what came
/// of others, and how often the API was asked.
async fn watched(
    installations: Vec<Installation>,
    all: &[Change],
    mut next: impl FnMut(Change),
) -> (u32, Arc<Api>) {
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let errors = Arc::new(Mutex::new(0));
    let counted = errors.clone();
    let told = Box::new(
        move |driver: &crate::installation::FlexDriver, kept: &Result<_, _>| {
            let kept: &Result<crate::installation::Kept, _> = kept;
            match kept {
                Ok(kept) if driver.executable() == "b" => drop(sender.send(kept.change)),
                Ok(_) => {}
                Err(_) => *counted.lock().unwrap() += 1,
            }
        },
    );
    let (api, shutdown) = (Arc::new(Api::default()), CancellationToken::new());
    let every = Duration::from_millis(5);
    let watching = watch(installations, every, api.clone(), told, shutdown.clone());
    let following = async {
        for expected in all {
            while let Some(change) = receiver.recv().await {
                if change == *expected {
                    next(change);
                    break;
                }
                assert_eq!(change, Change::None, "{expected:?} was to come");
            }
        }
        shutdown.cancel();
    };
    tokio::join!(watching, following);
    let errors = *errors.lock().unwrap();
    (errors, api)
}

#[tokio::test]
async fn the_place_is_taken_back_and_others_do_not_hinder() {
    let mut world = World::new();
    let broken = Wanted {
        driver: "a.io/c".parse().unwrap(),
        ..world.wanted()
    };
    std::fs::write(world.plugins().join("a.io~c"), "no directory").unwrap();
    world.restart();
    let ours = Installation::new(world.wanted());
    let changes = [Change::Installed, Change::TookBack];
    let (errors, api) = watched(vec![Installation::new(broken), ours], &changes, |change| {
        if change == Change::Installed {
            world.legacy(THEIRS);
        }
    })
    .await;
    assert!(errors > 0);
    assert_eq!(world.text(".b.orig"), THEIRS);
    assert_eq!(api.pods.load(Ordering::Relaxed), 1, "who it was");
    assert_eq!(world.attaches(), Some(Attaches::No));
}

#[tokio::test]
async fn the_node_is_asked_for_an_original_that_attaches() {
    let mut world = World::new();
    world.legacy(THEIRS);
    world.keep();
    world.original_answers(true);
    let installations = vec![Installation::new(world.wanted())];
    let (_, api) = watched(installations, &[Change::Recorded, Change::Released], |_| {}).await;
    assert!(api.nodes.load(Ordering::Relaxed) > 0);
    assert_eq!(world.attaches(), Some(Attaches::No));
}
