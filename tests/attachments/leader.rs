//! One controller leads at a time.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use flex2csi::release::leader::{Election, LEASE};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::api_server::{ApiServer, Fate};
use crate::rig::{LEASES, NAMESPACE};

/// Who leads, by what each of them believes.
#[derive(Default, Clone)]
struct Leaders {
    now: Rc<Cell<usize>>,
    at_most: Rc<Cell<usize>>,
    terms: Rc<Cell<usize>>,
}

/// Counts down when its leading is dropped.
struct Term(Leaders);

impl Drop for Term {
    fn drop(&mut self) {
        self.0.now.set(self.0.now.get() - 1);
    }
}

impl Leaders {
    async fn lead(self) {
        self.now.set(self.now.get() + 1);
        self.at_most.set(self.at_most.get().max(self.now.get()));
        self.terms.set(self.terms.get() + 1);
        let _term = Term(self);
        std::future::pending::<()>().await;
    }

    async fn has_led(&self, terms: usize) {
        while self.terms.get() < terms {
            sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn stand(server: &ApiServer, name: &str, leaders: &Leaders, shutdown: &CancellationToken) {
    let election = Election::new(server.client(), NAMESPACE, name);
    election.run(|| leaders.clone().lead(), shutdown).await;
}

fn holder(server: &ApiServer) -> String {
    let lease = server.get(&format!("{LEASES}/{LEASE}")).unwrap();
    lease["spec"]["holderIdentity"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn of_three_one_leads_for_as_long_as_it_renews() {
    let (server, leaders, shutdown) = (
        ApiServer::new(),
        Leaders::default(),
        CancellationToken::new(),
    );
    let all = async {
        tokio::join!(
            stand(&server, "a", &leaders, &shutdown),
            stand(&server, "b", &leaders, &shutdown),
            stand(&server, "c", &leaders, &shutdown),
        )
    };
    let ended = timeout(Duration::from_secs(3600), all).await;
    assert!(ended.is_err());
    assert_eq!((leaders.terms.get(), leaders.at_most.get()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn when_it_dies_another_one_takes_over() {
    let (server, leaders, shutdown) = (
        ApiServer::new(),
        Leaders::default(),
        CancellationToken::new(),
    );
    tokio::select! {
        () = stand(&server, "a", &leaders, &shutdown) => unreachable!(),
        () = leaders.has_led(1) => {}
    }
    let died = Instant::now();
    tokio::select! {
        () = stand(&server, "b", &leaders, &shutdown) => unreachable!(),
        () = leaders.has_led(2) => {}
    }
    // Not before the dead one would have stopped by itself.
    assert!(
        died.elapsed() >= Duration::from_secs(15),
        "{:?}",
        died.elapsed()
    );
    assert!(
        died.elapsed() < Duration::from_secs(20),
        "{:?}",
        died.elapsed()
    );
    assert_eq!(holder(&server), "b");
}

#[tokio::test(start_paused = true)]
async fn when_it_ends_it_gives_the_lease_back() {
    let (server, leaders) = (ApiServer::new(), Leaders::default());
    let (first, second) = (CancellationToken::new(), CancellationToken::new());
    let ends = async {
        leaders.has_led(1).await;
        first.cancel();
    };
    tokio::join!(stand(&server, "a", &leaders, &first), ends);
    assert_eq!(holder(&server), "");
    let start = Instant::now();
    tokio::select! {
        () = stand(&server, "b", &leaders, &second) => unreachable!(),
        () = leaders.has_led(2) => {}
    }
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_cut_off_stops_before_another_one_begins() {
    // Each sees a server of its own in front of the same objects.
    let (server, leaders, shutdown) = (
        ApiServer::new(),
        Leaders::default(),
        CancellationToken::new(),
    );
    for fate in [Fate::Lost, Fate::Refused(503)] {
        let cut_off = server.with_fates_of_its_own();
        let before = leaders.terms.get();
        let runs = async {
            tokio::join!(
                stand(&cut_off, "a", &leaders, &shutdown),
                async {
                    leaders.has_led(before + 1).await;
                    stand(&server, "b", &leaders, &shutdown).await;
                },
                async {
                    leaders.has_led(before + 1).await;
                    sleep(Duration::from_secs(7)).await;
                    let fate = fate.clone();
                    cut_off.fates(move |_| fate.clone());
                },
            )
        };
        tokio::select! {
            _ = runs => unreachable!(),
            () = leaders.has_led(before + 2) => {}
        }
        assert_eq!(leaders.at_most.get(), 1);
        server.remove(&format!("{LEASES}/{LEASE}"));
    }
}

#[tokio::test(start_paused = true)]
async fn who_lost_the_lease_stops_at_once_and_stands_again() {
    let (server, leaders, shutdown) = (
        ApiServer::new(),
        Leaders::default(),
        CancellationToken::new(),
    );
    let path = format!("{LEASES}/{LEASE}");
    let steals = async {
        leaders.has_led(1).await;
        server.edit(&path, |lease| {
            lease["spec"]["holderIdentity"] = "thief".into()
        });
        sleep(Duration::from_secs(3)).await;
        assert_eq!(leaders.now.get(), 0);
        leaders.has_led(2).await;
    };
    tokio::select! {
        () = stand(&server, "a", &leaders, &shutdown) => unreachable!(),
        () = steals => {}
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_that_try_at_the_same_time_one_succeeds() {
    for _ in 0..20 {
        let (server, leaders) = (ApiServer::new(), Leaders::default());
        let shutdown = CancellationToken::new();
        let both = async {
            tokio::join!(
                stand(&server, "a", &leaders, &shutdown),
                stand(&server, "b", &leaders, &shutdown),
            )
        };
        assert!(timeout(Duration::from_secs(60), both).await.is_err());
        assert_eq!((leaders.terms.get(), leaders.at_most.get()), (1, 1));
    }
}

#[test]
fn the_controllers_part_can_be_spawned() {
    fn is_send<T: Send>(_: T) {}
    let server = ApiServer::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let _guard = runtime.enter();
    let settings = flex2csi::release::Settings::new(NAMESPACE, "a");
    is_send(flex2csi::release::run(
        server.client(),
        settings,
        CancellationToken::new(),
    ));
}
