//! A second rewrite, from the endpoint's form to the backend's own: killed in the middle, it
//! goes on, or the very first original comes back.

mod tier_2 {
    use flex2csi_testing::seed::Seed;

    use crate::Scale;
    use crate::journey::{BY_WAY_OF_THE_ENDPOINT, Journey, To};

    /// Each pass takes all of them; more would only take longer.
    const MOST: usize = 48;

    /// How often a step may be come to before the process is killed there: so seldom that
    /// some volumes are left for the last of them.
    const LATEST: u64 = 4;

    /// Where it is killed on its way to the backend's form. `record` is the write by which
    /// the second record takes the first one's place.
    const FORWARD: [&str; 13] = [
        "record.before",
        "record.after",
        "mark.after",
        "commit.before",
        "commit.after",
        "delete.before",
        "delete.after",
        "release.after",
        "create.before",
        "create.after",
        "poke.after",
        "settle.before",
        "finish.before",
    ];

    /// Where it is killed before it is decided to bring everything back, and where the
    /// rollback is killed then.
    const TURNS: [(&str, &str); 6] = [
        ("record.after", "direction.after"),
        ("mark.after", "delete.after"),
        ("commit.after", "mark.after"),
        ("delete.after", "release.after"),
        ("release.after", "create.before"),
        ("create.after", "commit.before"),
    ];

    #[tokio::test]
    #[ignore = "tier 2: needs etcd, kube-apiserver and kube-controller-manager; testing/run prepares them"]
    async fn it_goes_on_from_where_it_was_killed() {
        let (mut journey, mut seed) = begin(&Scale::from_env()).await;
        journey.finish().await;
        for boundary in FORWARD {
            let count = 1 + seed.below(LATEST);
            journey.kill_at(&format!("{boundary}:{count}")).await;
            assert_eq!(journey.to, To::CsiAgain);
        }
        journey.finish().await;
        assert_eq!(journey.to, To::Legacy);
        journey.finish().await;
        assert_eq!(journey.kills, FORWARD.len());
        journey.tell().await;
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd, kube-apiserver and kube-controller-manager; testing/run prepares them"]
    async fn it_is_turned_round_in_the_middle() {
        let scale = Scale::from_env();
        let (mut journey, mut seed) = begin(&scale).await;
        let mut turns = TURNS.to_vec();
        while turns.len() > scale.turns {
            turns.remove(usize::try_from(seed.below(turns.len() as u64)).unwrap());
        }
        let all = turns.len();
        for (forward, back) in turns {
            journey.finish().await;
            let count = 1 + seed.below(LATEST);
            journey.kill_at(&format!("{forward}:{count}")).await;
            journey.to = To::Legacy;
            let count = 1 + seed.below(LATEST);
            journey.kill_at(&format!("{back}:{count}")).await;
            journey.finish().await;
            assert_eq!(journey.to, To::Endpoint);
        }
        assert_eq!(journey.kills, 2 * all);
        journey.tell().await;
    }

    async fn begin(scale: &Scale) -> (Journey, Seed) {
        let mut seed = Seed::from_env("FLEX2CSI_TEST_SEED", 1);
        let pairs = scale.pairs.min(MOST);
        let journey = Journey::begin(BY_WAY_OF_THE_ENDPOINT, pairs, seed.number(), 0);
        (journey.await, seed)
    }
}
