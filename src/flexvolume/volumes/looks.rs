//! Looking for what is mounted, once for all who ask at the same time: the table of a
//! node with many volumes is long, and when a node starts or is drained, many ask.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::MountPoints;

/// Looks at mount points.
pub(super) struct Looks {
    mount_points: Arc<dyn MountPoints>,
    waiting: Arc<Mutex<Waiting>>,
}

type Answer = oneshot::Sender<io::Result<bool>>;

#[derive(Default)]
struct Waiting {
    /// Those for whom no look has begun yet.
    asked: Vec<(Arc<Path>, Answer)>,
    is_looking: bool,
}

impl Looks {
    /// At these.
    pub fn new(mount_points: Arc<dyn MountPoints>) -> Self {
        Self {
            mount_points,
            waiting: Arc::default(),
        }
    }

    /// Whether something is mounted on a path, by a look that begins after this call.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn is_mounted(&self, path: &Arc<Path>) -> io::Result<bool> {
        let (answer, answered) = oneshot::channel();
        let is_looking = {
            let mut waiting = locked(&self.waiting);
            waiting.asked.push((path.clone(), answer));
            std::mem::replace(&mut waiting.is_looking, true)
        };
        if !is_looking {
            let look = Look {
                waiting: self.waiting.clone(),
                answers: Vec::new(),
            };
            let mount_points = self.mount_points.clone();
            tokio::task::spawn_blocking(move || look.for_all(&*mount_points));
        }
        answered
            .await
            .unwrap_or_else(|_| Err(io::Error::other("looking for mounts broke off")))
    }
}

/// The one who looks. However it ends, nobody is left waiting for it.
struct Look {
    waiting: Arc<Mutex<Waiting>>,
    /// Of those for whom it looks now. Here, so that they hear of a panic only after
    /// `drop` has made place for the next look: they may ask again at once.
    answers: Vec<Answer>,
}

impl Look {
    /// Looks until nobody waits any more.
    fn for_all(mut self, mount_points: &dyn MountPoints) {
        loop {
            let asked = {
                let mut waiting = locked(&self.waiting);
                if waiting.asked.is_empty() {
                    waiting.is_looking = false;
                    return;
                }
                std::mem::take(&mut waiting.asked)
            };
            let (paths, answers): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
            self.answers = answers;
            match mount_points.are_mounted(&paths) {
                Ok(mounted) => {
                    for (answer, is_mounted) in self.answers.drain(..).zip(mounted) {
                        // Who asked may be gone.
                        let _ = answer.send(Ok(is_mounted));
                    }
                }
                Err(error) => {
                    for answer in self.answers.drain(..) {
                        let error = io::Error::new(error.kind(), error.to_string());
                        let _ = answer.send(Err(error));
                    }
                }
            }
        }
    }
}

impl Drop for Look {
    fn drop(&mut self) {
        if std::thread::panicking() {
            *locked(&self.waiting) = Waiting::default();
        }
    }
}

fn locked(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    // Each change is whole.
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    /// Waits at each look until it is let go, and notes what was looked for.
    #[derive(Default)]
    struct Slow {
        looks: Mutex<Vec<Vec<String>>>,
        gate: Option<Barrier>,
    }

    impl MountPoints for Slow {
        fn are_mounted(&self, paths: &[Arc<Path>]) -> io::Result<Vec<bool>> {
            let names = paths.iter().map(|path| path.display().to_string());
            let mut names: Vec<_> = names.collect();
            names.sort();
            let panics = names.iter().any(|name| name == "/panic");
            let is_first = {
                let mut looks = self.looks.lock().unwrap();
                looks.push(names);
                looks.len() == 1
            };
            if let (Some(gate), true) = (&self.gate, is_first) {
                gate.wait();
            }
            assert!(!panics, "as it was asked to");
            match paths.iter().any(|path| path.ends_with("error")) {
                true => Err(io::ErrorKind::PermissionDenied.into()),
                false => Ok(paths.iter().map(|path| path.ends_with("yes")).collect()),
            }
        }

        fn remove(&self, directory: &Path) -> io::Result<()> {
            std::fs::remove_dir(directory)
        }
    }

    fn looks(gate: Option<Barrier>) -> (Arc<Slow>, Arc<Looks>) {
        let slow = Arc::new(Slow {
            gate,
            ..Slow::default()
        });
        (slow.clone(), Arc::new(Looks::new(slow)))
    }

    fn ask(looks: &Arc<Looks>, path: &str) -> tokio::task::JoinHandle<io::Result<bool>> {
        let (looks, path) = (looks.clone(), Arc::from(Path::new(path)));
        tokio::spawn(async move { looks.is_mounted(&path).await })
    }

    #[tokio::test]
    async fn those_who_ask_during_a_look_share_the_next_one() {
        let (slow, looks) = looks(Some(Barrier::new(2)));
        let first = ask(&looks, "/a/yes");
        while slow.looks.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        let others: Vec<_> = ["/b/no", "/c/yes", "/b/no"]
            .map(|path| ask(&looks, path))
            .into();
        while locked(&looks.waiting).asked.len() < 3 {
            tokio::task::yield_now().await;
        }
        let gate = slow.clone();
        tokio::task::spawn_blocking(move || gate.gate.as_ref().unwrap().wait());
        assert!(first.await.unwrap().unwrap());
        for (other, expected) in others.into_iter().zip([false, true, false]) {
            assert_eq!(other.await.unwrap().unwrap(), expected);
        }
        let looked = slow.looks.lock().unwrap().clone();
        assert_eq!(looked, [vec!["/a/yes"], vec!["/b/no", "/b/no", "/c/yes"]]);
    }

    #[tokio::test]
    async fn an_error_is_everybodys_and_the_next_look_is_a_new_one() {
        let (_, looks) = looks(None);
        let error = ask(&looks, "/error").await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        assert!(ask(&looks, "/panic").await.unwrap().is_err());
        assert!(ask(&looks, "/yes").await.unwrap().unwrap());
    }
}
